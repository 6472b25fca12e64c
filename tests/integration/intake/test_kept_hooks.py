"""Acuity does not answer: its hooks are kept, and lost in no case."""

import asyncio
from datetime import timedelta

import pytest

from agents.intake.desk import Desk
from agents.intake.finding import Finding, Person
from agents.intake.kept_hooks import KeptHooks
from agents.intake.secrecy import Secrecy
from agents.intake.source_away import SourceAway
from agents.intake.vendor_hooks import AcuityHooks
from demo.vendors.acuity import AcuityServer
from schemas.topics import DEAD_LETTERS
from tests.integration.intake.stage import API_KEY, IDENTITY_KEY, NOW, Stage, booking

CLAIM_OF_BEFORE = """
UPDATE kept_hooks SET retry_at = now() + $1::interval, attempts = attempts + 1
WHERE kept_id IN (
    SELECT kept_id FROM kept_hooks WHERE retry_at <= now() ORDER BY retry_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING body
"""


def worker(stage: Stage) -> KeptHooks:
    """Beside the stage's own, for the test to keep with."""
    desk, secrecy = Desk(stage.intake.admission), Secrecy(IDENTITY_KEY)
    return KeptHooks(stage.pool, stage.config.queries, stage.config.clock, desk, secrecy, stage.intake.served)


async def kept(stage: Stage) -> int:
    return int(await stage.pool.fetchval("SELECT count(*) FROM kept_hooks"))


async def make_due(stage: Stage) -> None:
    await stage.pool.execute("UPDATE kept_hooks SET due_at = now() - interval '1 s'")


@pytest.fixture
async def away(stage: Stage) -> Stage:
    """A stage whose Acuity answers 401 to everything: away, without a wait for retries."""
    stage.acuity.faults.extend([401] * 50)
    return stage


async def test_a_short_failure_is_tried_again_at_once(stage: Stage) -> None:
    stage.acuity.book(booking())
    stage.acuity.faults.extend([500, 429])
    assert await stage.post("acuity", *stage.acuity.signed_hook("scheduled", 54321)) == 202
    assert len(await stage.events()) == 1
    assert await kept(stage) == 0


async def test_a_hook_whose_appointment_cannot_be_fetched_is_taken_kept_and_read_later(away: Stage) -> None:
    away.acuity.book(booking())
    assert await away.post("acuity", *away.acuity.signed_hook("scheduled", 54321)) == 202
    assert (await away.events(), await kept(away)) == ([], 1)
    away.acuity.faults.clear()
    await make_due(away)
    async with asyncio.timeout(30):
        while await kept(away):  # noqa: ASYNC110 - the service empties the table
            await asyncio.sleep(0.05)
    assert [event.type for event in await away.events()] == ["session.booked"]


async def test_a_state_that_is_fetched_later_is_dated_by_the_fetch_and_not_by_the_hook(away: Stage) -> None:
    away.acuity.book(booking())
    await away.post("acuity", *away.acuity.signed_hook("rescheduled", 54321))
    away.acuity.faults.clear()
    await make_due(away)
    async with asyncio.timeout(30):
        while await kept(away):  # noqa: ASYNC110 - the service empties the table
            await asyncio.sleep(0.05)
    event = (await away.events())[0]
    assert event.received_at is not None
    assert event.occurred_at > event.received_at


async def test_the_same_hook_again_is_kept_once(away: Stage) -> None:
    for _ in range(3):
        assert await away.post("acuity", *away.acuity.signed_hook("scheduled", 54321)) == 202
    assert await kept(away) == 1


async def test_no_more_than_ten_thousand_of_a_source_are_kept_and_the_sender_is_told_to_come_again(away: Stage) -> None:
    await away.pool.execute(
        "INSERT INTO kept_hooks (tenant, source, body, body_hash, due_at) "
        "SELECT $1, 'acuity', 'id', sha256(n::text::bytea), now() + interval '1 h' FROM generate_series(1, 9999) n",
        away.tenant,
    )
    assert await away.post("acuity", *away.acuity.signed_hook("scheduled", 1)) == 202
    assert await away.post("acuity", *away.acuity.signed_hook("scheduled", 2)) == 503
    assert await away.post("acuity", *away.acuity.signed_hook("scheduled", 1)) == 202, "it is among the kept"
    assert await kept(away) == 10_000


async def test_a_kept_hook_that_comes_again_is_due_as_soon_as_either_of_both(stage: Stage) -> None:
    for seconds in (3_600.0, 600.0, 3_600.0):
        wished = SourceAway("the tool is away", retry_after_seconds=seconds)
        await worker(stage).keep(stage.tenant, "acuity", b"action=changed&id=1", NOW, wished)
    assert await stage.pool.fetchval("SELECT due_at - now() <= interval '600 s' FROM kept_hooks")


async def test_what_is_kept_is_sealed(away: Stage) -> None:
    await away.post("acuity", *away.acuity.signed_hook("scheduled", 54321))
    body = await away.pool.fetchval("SELECT body FROM kept_hooks")
    assert b"54321" not in body
    assert Secrecy(IDENTITY_KEY).opened(body) == b"action=scheduled&id=54321&calendarID=1&appointmentTypeID=1"


async def test_what_an_earlier_version_kept_unsealed_is_read_and_what_no_key_opens_waits(stage: Stage) -> None:
    stage.acuity.book(booking())
    body, _ = stage.acuity.signed_hook("scheduled", 54321)
    sealed = Secrecy(b"another key, also of 32 bytes ...").sealed(body)
    for is_sealed, kept_body in ((False, body), (True, sealed)):
        await stage.pool.execute(
            "INSERT INTO kept_hooks (tenant, source, body, body_hash, retry_at, is_sealed) "
            "VALUES ($1, 'acuity', $2, sha256($2), now(), $3)",
            stage.tenant, kept_body, is_sealed,
        )  # fmt: skip
    async with asyncio.timeout(30):
        question = "SELECT count(*) > 1 OR min(due_at) <= now() FROM kept_hooks"
        while await stage.pool.fetchval(question):  # noqa: ASYNC110 - the service changes the table
            await asyncio.sleep(0.05)
    assert [event.type for event in await stage.events()] == ["session.booked"]
    assert await stage.pool.fetchval("SELECT body FROM kept_hooks") == sealed
    assert not stage.intake.background.done()


async def test_a_kept_hook_of_a_client_whose_stored_profile_does_not_hold_up_is_set_aside(away: Stage) -> None:
    away.acuity.book(booking())
    away.acuity.book(booking(54322, email="eve@example.com"))
    for appointment in (54321, 54322):
        assert await away.post("acuity", *away.acuity.signed_hook("scheduled", appointment)) == 202
    told = Finding(person=Person(email="ana.berger@example.com"), facts={"name": "Ana"}, happenings=())
    await away.intake.admission.admit(away.tenant, "crm", told, NOW)
    await away.pool.execute("""UPDATE published_profiles SET profile = '{"email": {"no": "address"}}'""")
    away.acuity.faults.clear()
    await make_due(away)
    async with asyncio.timeout(30):
        while await kept(away):  # noqa: ASYNC110 - the service empties the table
            await asyncio.sleep(0.05)
    assert [event.data.session_id for event in await away.events()] == ["acuity:11145481:54322"]
    assert [reason for reason, _ in await away.dead_letters()] == ["translator_failed"]
    assert not away.intake.background.done()


async def test_a_kept_hook_that_breaks_its_reader_is_put_off_and_ends_nothing(stage: Stage) -> None:
    stage.acuity.book(booking())
    broken = b"torn"
    await stage.pool.execute(
        "INSERT INTO kept_hooks (tenant, source, body, body_hash, due_at, is_sealed) "
        "VALUES ($1, 'acuity', $2, sha256($2), now() - interval '1 min', true)",
        stage.tenant, broken,
    )  # fmt: skip
    async with asyncio.timeout(30):
        question = "SELECT due_at > now() + interval '10 min' FROM kept_hooks WHERE attempts > 0"
        while not await stage.pool.fetchval(question):  # noqa: ASYNC110 - the service changes the table
            await asyncio.sleep(0.05)
    assert not stage.intake.background.done()
    await stage.pool.execute("UPDATE kept_hooks SET created_at = now() - interval '25 h'")
    await make_due(stage)
    async with asyncio.timeout(30):
        while await kept(stage):  # noqa: ASYNC110 - the service empties the table
            await asyncio.sleep(0.05)
    assert await stage.dead_letters() == [("source_silent", broken)]


async def test_a_process_of_the_version_before_that_still_runs_claims_no_sealed_hook(away: Stage) -> None:
    await away.post("acuity", *away.acuity.signed_hook("scheduled", 54321))
    await make_due(away)
    assert await away.pool.fetch(CLAIM_OF_BEFORE, timedelta(minutes=2), 10) == []


async def test_after_a_day_it_goes_to_the_dead_letters_with_its_reason(away: Stage) -> None:
    await away.post("acuity", *away.acuity.signed_hook("scheduled", 54321))
    await away.pool.execute("UPDATE kept_hooks SET created_at = now() - $1::interval", timedelta(hours=25))
    await make_due(away)
    async with asyncio.timeout(30):
        while await kept(away):  # noqa: ASYNC110 - the service empties the table
            await asyncio.sleep(0.05)
    assert [reason for reason, _ in await away.dead_letters()] == ["source_silent"]


async def test_after_a_day_what_no_key_opens_and_what_is_of_a_source_that_is_gone_is_set_aside_too(
    stage: Stage,
) -> None:
    sealed = Secrecy(b"another key, also of 32 bytes ...").sealed(b"for another key")
    for source, body, is_sealed in (("acuity", sealed, True), ("gone", b"for nobody", False)):
        await stage.pool.execute(
            "INSERT INTO kept_hooks (tenant, source, body, body_hash, due_at, is_sealed, created_at) "
            "VALUES ($1, $2, $3, sha256($3), now(), $4, now() - interval '25 h')",
            stage.tenant, source, body, is_sealed,
        )  # fmt: skip
    async with asyncio.timeout(30):
        while await kept(stage):  # noqa: ASYNC110 - the service empties the table
            await asyncio.sleep(0.05)
    letters = {record.key.decode().partition("/")[2]: record for record in await stage.records(DEAD_LETTERS)}
    assert {dict(one.headers)["cairn-dead-letter-reason"] for one in letters.values()} == {b"source_silent"}
    assert letters["acuity"].value == sealed, "with its key it can be replayed"
    assert Secrecy(IDENTITY_KEY).opened(letters["gone"].value) == b"for nobody"


async def test_more_appointments_than_a_second_allows_are_all_fetched(stage: Stage) -> None:
    for number in range(30):
        stage.acuity.book(booking(number, email=f"client{number}@example.com"))
    async with AcuityServer(user_id="7", key=API_KEY, requests_per_second=20) as strict:
        strict.appointments = stage.acuity.appointments
        door = stage.intake.served().door(stage.tenant, "acuity")
        assert door is not None
        assert isinstance(door.source, AcuityHooks)
        api = door.source._api
        api._root = f"{strict.base_url}/api/v1"
        fetched = await asyncio.gather(*(api.appointment(number) for number in range(30)))
        assert all(fetched)
