"""Signed hooks over HTTP, through a real broker and database."""

import asyncio
import time
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from agents.engine.partitioner import partition_for
from agents.intake import hooks
from agents.intake.desk import Desk
from agents.intake.finding import Finding
from agents.intake.kept_hooks import KeptHooks
from agents.intake.secrecy import Secrecy
from agents.intake.served import Door, Served
from agents.intake.vendor_hooks import StandardHooks
from demo.vendors.acuity import AcuityServer
from demo.vendors.habits import send_webhook, signed_webhook
from schemas.topics import EVENTS
from tests.integration.intake.stage import (
    IDENTITY_KEY,
    NOW,
    OLD_API_KEY,
    WEBHOOK_SECRET,
    Stage,
    booking,
    checked,
    serve,
    served_by,
)


async def test_a_booking_becomes_a_profile_and_an_event_of_the_same_client(stage: Stage) -> None:
    stage.acuity.book(booking())
    await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), "scheduled", 54321)
    ((client, profile),) = await stage.profiles()
    (event,) = await stage.events()
    assert profile is not None
    assert (profile.name, profile.email) == ("Ana Berger", "ana.berger@example.com")
    assert (event.type, event.tenant, event.client) == ("session.booked", stage.tenant, client)
    assert event.data.session_id == "acuity:11145481:54321"
    assert event.data.ends_at == NOW - timedelta(hours=1)


async def test_a_record_stands_in_the_partition_that_java_would_choose(stage: Stage) -> None:
    for number in range(12):
        stage.acuity.book(booking(number, email=f"client{number}@example.com"))
        await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), "scheduled", number)
    records = await stage.records(EVENTS)
    assert len(records) == 12
    for record in records:
        assert record.partition == partition_for(record.key, 8)


async def test_the_life_of_an_appointment_is_told_by_its_fetched_state(stage: Stage) -> None:
    url = stage.hook_url("acuity")
    stage.acuity.book(booking(1))
    await stage.acuity.send_hook(stage.session, url, "scheduled", 1)
    stage.acuity.move(1, starts_at=NOW - timedelta(hours=3))
    await stage.acuity.send_hook(stage.session, url, "rescheduled", 1)
    stage.acuity.label(1, "Completed")
    await stage.acuity.send_hook(stage.session, url, "changed", 1)
    stage.acuity.cancel(1, no_show=True)
    await stage.acuity.send_hook(stage.session, url, "canceled", 1)
    assert [event.type for event in await stage.events()] == [
        "session.booked",
        "session.rescheduled",
        "session.completed",
        "session.no_show",
    ]


async def test_a_retried_hook_is_the_same_event_and_no_second_profile(stage: Stage) -> None:
    stage.acuity.book(booking())
    await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), "scheduled", 54321, copies=3)
    assert len({event.id for event in await stage.events()}) == 1
    assert len(await stage.profiles()) == 1


async def test_no_name_or_address_is_in_the_events_topic(stage: Stage) -> None:
    stage.acuity.book(booking())
    await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), "scheduled", 54321)
    message = checked({"id": "u-7", "email": "ana.berger@example.com", "name": "Ana Berger"})
    await send_webhook(
        stage.session, stage.hook_url("tracker"), secret=WEBHOOK_SECRET, webhook_id="m1", message=message
    )
    raw = b"".join(record.key + record.value for record in await stage.records(EVENTS)).lower()
    assert raw
    assert b"berger" not in raw
    assert b"example.com" not in raw


async def test_one_address_in_two_tools_is_one_client_with_one_profile(stage: Stage) -> None:
    stage.acuity.book(booking())
    await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), "scheduled", 54321)
    for number, client in enumerate(
        ({"id": "u-7", "email": "ANA.berger@Example.com", "locale": "de"}, {"id": "u-7"}, "u-7")
    ):
        await send_webhook(
            stage.session,
            stage.hook_url("tracker"),
            secret=WEBHOOK_SECRET,
            webhook_id=f"m{number}",
            message=checked(client),
        )
    assert len({event.client for event in await stage.events()}) == 1
    latest = (await stage.profiles())[-1][1]
    assert latest is not None
    assert (latest.name, latest.locale, latest.timezone) == ("Ana Berger", "de", "Europe/Vienna")


async def test_hooks_that_come_at_once_make_one_client(stage: Stage) -> None:
    async def send(number: int) -> None:
        client = {"id": f"u-{number % 3}", "email": "ana@example.com", "name": "Ana"}
        await send_webhook(
            stage.session,
            stage.hook_url("tracker"),
            secret=WEBHOOK_SECRET,
            webhook_id=f"m{number}",
            message=checked(client),
        )

    await asyncio.gather(*(send(number) for number in range(24)))
    assert len({event.client for event in await stage.events()}) == 1
    assert len(await stage.profiles()) == 1


async def test_an_old_key_and_an_old_path_are_valid_while_they_rotate(stage: Stage) -> None:
    stage.acuity.book(booking())
    body, headers = AcuityServer(user_id="7", key=OLD_API_KEY).signed_hook("scheduled", 54321)
    assert await stage.post("acuity", body, headers) == 202
    body, headers = signed_webhook(WEBHOOK_SECRET, "m1", checked("u-1"))
    url = stage.hook_url("tracker", "the-path-before")
    async with stage.session.post(url, data=body, headers=headers) as answer:
        assert answer.status == 202


async def test_a_forged_stale_or_malformed_signature_is_401_and_leaves_nothing(stage: Stage) -> None:
    body, signed = signed_webhook(WEBHOOK_SECRET, "m1", checked("u-1"))
    _, stale = signed_webhook(WEBHOOK_SECRET, "m1", checked("u-1"), stamp=int(time.time()) - 400)
    forged = [
        {**signed, "webhook-signature": "v1,AAAA"},
        {**signed, "webhook-signature": "v1"},
        {**signed, "webhook-id": "m2"},
        {**signed, "webhook-timestamp": "soon"},
        stale,
        {},
    ]
    answers = []
    for headers in forged:
        async with stage.session.post(stage.hook_url("tracker"), data=body, headers=headers) as answer:
            answers.append((answer.status, await answer.text()))
    _, unsigned = AcuityServer(user_id="7", key="a-guess").signed_hook("scheduled", 1)
    async with stage.session.post(stage.hook_url("acuity"), data=b"id=1", headers=unsigned) as answer:
        answers.append((answer.status, await answer.text()))
    assert set(answers) == {(401, '{"status": "not authenticated"}')}
    assert await stage.events() == []


async def test_unknown_tenant_source_and_secret_look_alike(stage: Stage) -> None:
    body, headers = signed_webhook(WEBHOOK_SECRET, "m1", checked("u-1"))
    answers = set()
    for path in (
        f"nobody/tracker/{'a-path'}",
        f"{stage.tenant}/nothing/a-path",
        f"{stage.tenant}/tracker/a-guess",
        f"{stage.tenant}/habits/a-path",
        f"{stage.tenant}/tracker/%FF",
    ):
        async with stage.session.post(f"{stage.url}/hooks/{path}", data=body, headers=headers) as answer:
            answers.add((answer.status, await answer.text()))
    assert answers == {(404, '{"status": "not found"}')}


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_over_one_mebibyte_is_413(stage: Stage, is_chunked: bool) -> None:
    body = b"x" * (hooks.MAX_BODY_BYTES + 1)

    async def parts() -> object:
        yield body

    data = parts() if is_chunked else body
    async with stage.session.post(stage.hook_url("tracker"), data=data) as answer:
        assert answer.status == 413


async def test_a_body_that_never_arrives_times_out(stage: Stage) -> None:
    desk = Desk(stage.intake.admission)
    kept = KeptHooks(stage.pool, stage.config.queries, stage.config.clock, desk, Secrecy(IDENTITY_KEY), Served)
    served = served_by(Door(tenant="t", source=StandardHooks("tracker", (WEBHOOK_SECRET,)), secrets=("s",)))
    impatient = hooks.Hooks(lambda: served, desk=desk, kept=kept, clock=stage.config.clock, body_seconds=0.05)
    async with serve(impatient.routes()) as url:
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        writer.write(b"POST /hooks/t/tracker/s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123")
        answer = await reader.readline()
        writer.close()
    assert answer == b"HTTP/1.1 408 Request Timeout\r\n"


async def test_a_poison_hook_is_taken_and_sealed_among_the_dead_letters(stage: Stage) -> None:
    body, headers = signed_webhook(WEBHOOK_SECRET, "m1", {"type": "habit.checked", "data": {"client": "Ana"}})
    assert await stage.post("tracker", body, headers) == 202
    ((reason, sealed),) = await stage.dead_letters()
    assert reason == "wrong_data"
    assert b"Ana" not in sealed
    assert Secrecy(IDENTITY_KEY).opened(sealed) == body
    assert await stage.events() == []


async def test_a_hook_of_an_unknown_kind_or_a_vanished_appointment_is_taken_and_set_aside(
    stage: Stage,
) -> None:
    for action in ("order.completed", "scheduled"):
        body, headers = stage.acuity.signed_hook(action, 404)
        assert await stage.post("acuity", body, headers) == 202
    assert sorted(reason for reason, _ in await stage.dead_letters()) == ["source_gone", "unknown_action"]


async def test_an_erased_client_does_not_return(stage: Stage) -> None:
    stage.acuity.book(booking())
    await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), "scheduled", 54321)
    client = (await stage.events())[0].client
    await stage.intake.admission.erase(stage.tenant, client)
    await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), "canceled", 54321)
    assert len(await stage.events()) == 1
    assert [profile for _, profile in await stage.profiles()][1:] == [None]
    assert await stage.pool.fetchval("SELECT profile FROM published_profiles") is None


async def test_a_profile_that_kafka_would_refuse_is_set_aside(stage: Stage) -> None:
    client = {"id": "u-1", "channels": {f"channel {number}": True for number in range(10_000)}}
    body, headers = signed_webhook(WEBHOOK_SECRET, "m1", checked(client))
    assert await stage.post("tracker", body, headers) == 202
    assert [reason for reason, _ in await stage.dead_letters()] == ["too_large"]


async def test_a_database_that_is_away_makes_the_sender_come_again(stage: Stage) -> None:
    body, headers = signed_webhook(WEBHOOK_SECRET, "m1", checked("u-1"))
    await stage.pool.close()
    async with stage.session.post(stage.hook_url("tracker"), data=body, headers=headers) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert not stage.intake.background.done()


async def test_a_translators_own_mistake_parks_the_hook_and_says_so(stage: Stage) -> None:
    class Clumsy(StandardHooks):
        async def read(self, *_: object) -> Finding:
            raise KeyError("ours")

    desk = Desk(stage.intake.admission)
    source = Clumsy("tracker", (WEBHOOK_SECRET,))
    assert await desk.take(stage.tenant, source, {}, b"{}", NOW) == "set_aside"
    assert [reason for reason, _ in await stage.dead_letters()] == ["translator_failed"]


async def test_a_stored_profile_that_does_not_hold_up_parks_its_clients_hooks_and_no_others(stage: Stage) -> None:
    assert await told(stage, "m1", "ana@example.com") == 202
    await stage.pool.execute("""UPDATE published_profiles SET profile = '{"email": {"no": "address"}}'""")
    with capture_logs() as lines:
        assert await told(stage, "m2", "ana@example.com") == 202
        assert await told(stage, "m3", "eve@example.com") == 202
    assert len(await stage.events()) == 2
    assert [reason for reason, _ in await stage.dead_letters()] == ["translator_failed"]
    said = {"tenant": stage.tenant, "source": "tracker", "exc_info": True, "log_level": "error"}
    assert [line for line in lines if line["event"] == "admission_failed"] == [{"event": "admission_failed", **said}]


async def told(stage: Stage, webhook_id: str, email: str) -> int:
    body, headers = signed_webhook(WEBHOOK_SECRET, webhook_id, checked({"email": email}))
    return await stage.post("tracker", body, headers)
