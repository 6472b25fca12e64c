"""Calendly's signed hooks over HTTP, into Kafka."""

import hashlib
import hmac
import json
import time
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from agents.intake.secrecy import Secrecy
from schemas.event import Event
from tests.integration.intake.stage import IDENTITY_KEY, NOW, OLD_SIGNING_KEY, SIGNING_KEY, Stage
from tests.streams.tracking.story import SESSIONS, Story, at

FIXTURES = Path(__file__).parents[2] / "agents" / "intake" / "fixtures"
HOOKS: dict[str, Any] = json.loads((FIXTURES / "calendly.json").read_text())
PAIR = ("moved_canceled", "moved_created")
CHAIN = ("booked", *PAIR, "moved_again_canceled", "moved_again_created")


def signed(body: bytes, *, key: str = SIGNING_KEY, stamp: int | None = None) -> dict[str, str]:
    """The header by the page "Webhook signatures", written a second time; stamped now unless told otherwise."""
    sent_at = int(time.time()) if stamp is None else stamp
    digest = hmac.new(key.encode(), b"%d.%b" % (sent_at, body), hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "Calendly-Webhook-Signature": f"t={sent_at},v1={digest}"}


async def send(stage: Stage, *names: str, client: str = "") -> None:
    """Send hooks of the fixtures; for another client than theirs, with ids of its own."""
    for name in names:
        text = json.dumps(HOOKS[name])
        if client:
            text = text.replace("Ana.Berger@", f"{client}@").replace("AAAAAAAA", f"AAAA{client}")
            text = text.replace("BBBBBBBB", f"BBBB{client}").replace("CCCCCCCC", f"CCCC{client}")
        assert await stage.post("calls", text.encode(), signed(text.encode())) == 202


def counted(events: list[Event]) -> list[tuple[str, Any]]:
    """What the tracker makes of a client's events once every session is over."""
    story = Story(SESSIONS)
    story.tell(*events)
    story.wait_until(at(30))
    return list(zip(story.said, (milestone.reached_at for milestone in story.milestones), strict=True))


async def test_a_booking_becomes_a_profile_and_an_event_of_the_same_client(stage: Stage) -> None:
    await send(stage, "booked")
    ((client, profile),) = await stage.profiles()
    (event,) = await stage.events()
    assert profile is not None
    assert (profile.name, profile.email, profile.timezone, profile.phone) == (
        "Ana Berger", "ana.berger@example.com", "Europe/Vienna", None,
    )  # fmt: skip
    assert (event.type, event.tenant, event.client) == ("session.booked", stage.tenant, client)
    assert event.data.session_id == "calendly:AAAAAAAAAAAAAAAA"
    assert counted([event]) == [("sessions 1", at(12, 15))]


async def test_a_repeated_hook_is_the_same_event_and_no_second_profile(stage: Stage) -> None:
    await send(stage, "booked", "booked", "canceled", "canceled")
    assert len({event.id for event in await stage.events()}) == 2
    assert len(await stage.profiles()) == 1


@pytest.mark.parametrize("pair", [PAIR, PAIR[::-1]], ids=["canceled first", "created first"])
@pytest.mark.parametrize("is_late", [False, True], ids=["booked first", "booked last"])
async def test_a_reschedule_is_one_session_that_was_moved(stage: Stage, pair: tuple[str, ...], is_late: bool) -> None:
    await send(stage, *(pair if is_late else ("booked", *pair)), *(("booked",) if is_late else ()))
    events = await stage.events()
    assert {event.type for event in events} == {"session.booked", "session.rescheduled"}
    assert {event.data.session_id for event in events} == {"calendly:AAAAAAAAAAAAAAAA"}
    assert counted(events) == [("sessions 1", at(13, 15))]


async def test_the_hooks_of_a_chain_in_any_order_are_one_session_at_its_last_time(stage: Stage) -> None:
    orders = {f"c{number}": order for number, order in enumerate(permutations(CHAIN))}
    for client, order in orders.items():
        await send(stage, *order, client=client)
    by_client: dict[str, list[Event]] = {}
    for event in await stage.events():
        by_client.setdefault(event.client, []).append(event)
    assert len(by_client) == len(orders)
    assert {tuple(counted(events)) for events in by_client.values()} == {(("sessions 1", at(14, 15)),)}


async def test_what_is_said_of_the_last_link_is_said_of_the_session(stage: Stage) -> None:
    await send(stage, "booked", *PAIR)
    late = {**HOOKS["moved_created"], "event": "invitee.canceled", "created_at": "2026-05-05T09:00:00Z"}
    body = json.dumps(late).encode()
    assert await stage.post("calls", body, signed(body)) == 202
    events = await stage.events()
    assert (events[-1].type, events[-1].data.session_id) == ("session.canceled", "calendly:AAAAAAAAAAAAAAAA")
    assert counted(events) == []


async def test_a_no_show_takes_a_session_back_and_its_removal_gives_it_back(stage: Stage) -> None:
    await send(stage, "booked", "no_show")
    assert counted(await stage.events()) == []
    await send(stage, "no_show_taken_back")
    events = await stage.events()
    assert [event.type for event in events] == ["session.booked", "session.no_show", "session.attended"]
    assert counted(events) == [("sessions 1", at(12, 15))]


async def test_an_old_key_is_valid_while_keys_rotate(stage: Stage) -> None:
    body = json.dumps(HOOKS["booked"]).encode()
    assert await stage.post("calls", body, signed(body, key=OLD_SIGNING_KEY)) == 202


async def test_a_forged_stale_or_malformed_signature_is_401_and_leaves_nothing(stage: Stage) -> None:
    body, now = json.dumps(HOOKS["booked"]).encode(), int(time.time())
    forged = [
        signed(body, key="a-guess"), signed(body, stamp=now - 400), signed(body, stamp=now + 400), signed(body + b" "),
        {"Calendly-Webhook-Signature": f"t={now}"}, {"Calendly-Webhook-Signature": "t=,v1="}, {},
    ]  # fmt: skip
    answers = set()
    for headers in forged:
        async with stage.session.post(stage.hook_url("calls"), data=body, headers=headers) as answer:
            answers.add((answer.status, await answer.text()))
    assert answers == {(401, '{"status": "not authenticated"}')}
    assert await stage.events() == await stage.profiles() == []


async def test_garbage_that_is_signed_is_taken_and_set_aside(stage: Stage) -> None:
    unknown = json.dumps({**HOOKS["booked"], "event": "routing_form_submission.created"}).encode()
    for body in (b"\xff{", unknown, b"[]"):
        assert await stage.post("calls", body, signed(body)) == 202
    letters = await stage.dead_letters()
    assert sorted(reason for reason, _ in letters) == ["not_json", "unknown_action", "wrong_data"]
    assert unknown in [Secrecy(IDENTITY_KEY).opened(sealed) for _, sealed in letters]
    assert await stage.events() == []


async def test_no_name_or_address_is_in_the_events_topic(stage: Stage) -> None:
    await send(stage, *CHAIN, "no_show")
    raw = repr(await stage.events()).lower()
    assert not any(word in raw for word in ("ana", "berger", "example.com", "knee"))


async def test_a_database_that_is_away_makes_the_sender_come_again(stage: Stage) -> None:
    await stage.pool.close()
    for name in ("booked", "moved_created"):
        body = json.dumps(HOOKS[name]).encode()
        assert await stage.post("calls", body, signed(body)) == 503


async def test_what_happens_is_not_dated_after_it_was_heard(stage: Stage) -> None:
    await send(stage, "no_show")
    (event,) = await stage.events()
    assert event.received_at is not None
    assert NOW <= event.occurred_at <= event.received_at
