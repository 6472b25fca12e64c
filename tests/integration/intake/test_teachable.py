"""Teachable's hooks over HTTP, into Kafka."""

import json
from pathlib import Path
from typing import Any

from agents.intake.secrecy import Secrecy
from schemas.topics import EVENTS
from tests.integration.intake.stage import IDENTITY_KEY, Stage

FIXTURES = Path(__file__).parents[2] / "agents" / "intake" / "fixtures"
HOOKS: dict[str, Any] = json.loads((FIXTURES / "teachable.json").read_text())
SUBSCRIBED, UNSUBSCRIBED = "User.subscribe_to_marketing_emails", "User.unsubscribe_from_marketing_emails"


async def send(stage: Stage, body: Any) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert await stage.post("school", raw, {"Content-Type": "application/json"}) == 202


async def test_an_array_becomes_events_and_a_profile_of_one_client(stage: Stage) -> None:
    names = ("Transaction.created", "Enrollment.created", "LectureProgress.created", "Enrollment.completed")
    await send(stage, [HOOKS[name] for name in names])
    events = await stage.events()
    assert [event.type for event in events] == [
        "purchase.completed", "program.enrolled", "lesson.completed", "course.progressed", "course.completed",
    ]  # fmt: skip
    ((client, profile),) = await stage.profiles()
    assert profile is not None
    assert (profile.name, profile.email, profile.consents) == ("Ana Berger", "ana.berger@example.com", {})
    assert {event.client for event in events} == {client}
    assert (events[0].data.amount_cents, events[0].data.currency) == (4900, "EUR")


async def test_a_body_that_is_one_envelope_is_read_alike(stage: Stage) -> None:
    await send(stage, HOOKS["Transaction.refunded"])
    (event,) = await stage.events()
    assert (event.type, event.data.order_id, event.data.amount_cents) == ("purchase.refunded", "teachable:88001", 2450)


async def test_a_repeated_hook_is_the_same_events_and_no_second_profile(stage: Stage) -> None:
    for _ in range(3):
        await send(stage, [HOOKS["LectureProgress.created"]])
    assert len({event.id for event in await stage.events()}) == 2
    assert len(await stage.profiles()) == 1


async def test_what_a_person_said_last_counts_whatever_arrives_first(stage: Stage) -> None:
    later = {**HOOKS[UNSUBSCRIBED], "created": "2026-05-08T08:00:00+00:00"}
    for hook in (later, HOOKS[SUBSCRIBED], HOOKS["User.created"], HOOKS["User.updated"]):
        await send(stage, hook)
    profile = (await stage.profiles())[-1][1]
    assert profile is not None
    assert (profile.consents["marketing"].granted, profile.consents["marketing"].source) == (False, "school")
    assert profile.name == "Ana Berger-Maier"
    assert await stage.events() == []


async def test_one_bad_envelope_does_not_spoil_the_rest(stage: Stage) -> None:
    body = [HOOKS["Comment.created"], {"type": "Sale.created"}, HOOKS["Enrollment.completed"], HOOKS["Comment.created"]]
    await send(stage, body)
    assert [event.type for event in await stage.events()] == ["course.completed"]
    letters = await stage.dead_letters()
    assert sorted(reason for reason, _ in letters) == ["unknown_action", "wrong_envelope"]
    assert {Secrecy(IDENTITY_KEY).opened(sealed) for _, sealed in letters} == {json.dumps(body).encode()}


async def test_what_the_tracker_would_refuse_is_set_aside_and_the_rest_goes_on(stage: Stage) -> None:
    strange = {**HOOKS["Transaction.created"], "hook_event_id": 1}
    strange["object"] = {**strange["object"], "currency": "€"}
    await send(stage, [strange, HOOKS["Transaction.created"]])
    assert [event.type for event in await stage.events()] == ["purchase.completed"]
    assert [reason for reason, _ in await stage.dead_letters()] == ["wrong_data"]


async def test_garbage_is_taken_and_set_aside(stage: Stage) -> None:
    for body in (b"\xff", b"", b"[]", b"[" * 100_000, b"[" + b"{}," * 300 + b"{}]"):
        await send(stage, body)
    reasons = sorted(reason for reason, _ in await stage.dead_letters())
    assert reasons == ["not_json", "not_json", "not_json", "too_large", "wrong_envelope"]
    assert await stage.events() == []


async def test_the_secret_path_alone_opens_the_door(stage: Stage) -> None:
    body = json.dumps(HOOKS["Enrollment.completed"])
    async with stage.session.post(stage.hook_url("school", "a-guess"), data=body) as answer:
        assert answer.status == 404
    assert await stage.events() == []


async def test_no_name_or_address_is_in_the_events_topic(stage: Stage) -> None:
    await send(stage, list(HOOKS.values()))
    raw = b"".join(record.key + record.value for record in await stage.records(EVENTS)).lower()
    assert raw
    assert not any(word in raw for word in (b"ana", b"berger", b"example.com"))
