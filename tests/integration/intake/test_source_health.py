"""What the ledger knows of each source's health, told from memory, through a real broker and database."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from agents.connect.trial import signed_headers
from agents.intake.health_book import HealthBook, read_health
from agents.intake.poller import Poller
from agents.intake.served import Served, ServedSource
from agents.intake.source_state import Health
from agents.intake.tallies import Tallies
from agents.intake.trial import trial_body
from agents.ledger.pool import connect
from demo.vendors.habits import send_webhook
from tests.integration.intake.stage import API_KEY, NOW, WEBHOOK_SECRET, Stage, booking, checked, clock_at, sources
from tests.integration.intake.test_polls import pull


async def health_of(stage: Stage, source: str) -> Health:
    key = (stage.tenant, source)
    return (await read_health(stage.pool, stage.config.queries, (key,)))[key]


async def told(stage: Stage, source: str, **facts: Any) -> Health:
    """The source's health once it has these facts."""
    async with asyncio.timeout(60):
        while True:
            found = await health_of(stage, source)
            if all(getattr(found, name) == fact for name, fact in facts.items()):
                return found
            await asyncio.sleep(0.1)


async def check(stage: Stage, number: int = 1) -> None:
    url = stage.hook_url("tracker")
    message = checked("u-7")
    await send_webhook(stage.session, url, secret=WEBHOOK_SECRET, webhook_id=f"m{number}", message=message)


async def test_a_source_that_is_served_is_known_before_it_is_heard(stage: Stage) -> None:
    found = await told(stage, "tracker", accepted=0)
    async with asyncio.timeout(60):
        while found.known_at is None:
            found = await health_of(stage, "tracker")
            await asyncio.sleep(0.1)
    assert (found.heard_at, found.accepted_at, found.failed_at) == (None, None, None)


async def test_hooks_that_are_taken_in_are_counted_and_dated(stage: Stage) -> None:
    for number in range(5):
        await check(stage, number)
    found = await told(stage, "tracker", accepted=5)
    assert found.heard_at is not None
    assert found.accepted_at is not None
    assert found.heard_at <= found.accepted_at
    assert (found.failed, found.failure) == (0, None)


async def test_a_forged_hook_is_a_failure_and_is_not_heard(stage: Stage) -> None:
    stage.acuity.book(booking())
    body, _ = stage.acuity.signed_hook("scheduled", 54321)
    assert await stage.post("acuity", body, {"X-Acuity-Signature": "forged"}) == 401
    found = await told(stage, "acuity", failed=1)
    assert (found.failure, found.heard_at) == ("unsigned", None)


async def test_what_is_set_aside_is_a_failure_with_its_code(stage: Stage) -> None:
    assert await stage.post("acuity", *stage.acuity.signed_hook("scheduled", 999)) == 202
    found = await told(stage, "acuity", failed=1)
    assert (found.failure, found.accepted) == ("source_gone", 0)
    assert found.heard_at is not None


async def test_a_failure_can_hold_no_text(stage: Stage) -> None:
    text = "no such client: ana@example.com"
    with pytest.raises(asyncpg.CheckViolationError):
        await stage.pool.execute(
            "INSERT INTO source_health (tenant, source, failed_at, failure) VALUES ('acme', 'app', now(), $1)", text
        )


async def test_a_hook_that_waits_for_its_tool_is_shown_as_kept(stage: Stage) -> None:
    stage.acuity.book(booking())
    stage.acuity.faults.extend([401] * 50)
    assert await stage.post("acuity", *stage.acuity.signed_hook("scheduled", 54321)) == 202
    found = await told(stage, "acuity", failed=1)
    assert (found.kept, found.failure) == (1, "source_refused")


async def test_a_polls_turn_is_heard_and_one_that_fails_is_a_failure(stage: Stage) -> None:
    tallies = Tallies()
    book = HealthBook(stage.pool, stage.config.queries, tallies, Served)
    stage.habits.faults.extend([401])
    worker = Poller(stage.pool, stage.config.queries, clock_at(NOW), Served, tallies)
    for _ in range(2):
        await worker.run_if_due(pull(stage))
        await stage.pool.execute("UPDATE polls SET held_until = NULL")
    await book.tell()
    found = await health_of(stage, "pull")
    assert (found.accepted, found.failed, found.failure) == (1, 1, "source_refused")
    assert found.heard_at is not None
    assert found.due_at is not None


@pytest.mark.parametrize(("name", "key"), [("acuity", API_KEY), ("tracker", WEBHOOK_SECRET)])
async def test_a_trial_is_taken_by_the_real_door_and_produces_nothing(stage: Stage, name: str, key: str) -> None:
    source = next(source for source in sources(stage.acuity) if source.name == name)
    body = trial_body("0123456789abcdef" * 2)
    assert await stage.post(name, body, signed_headers(source, "whsec_YW5vdGhlcg==", body, datetime.now(UTC))) == 401
    assert (await told(stage, name, failed=1)).tried_at is None
    assert await stage.post(name, body, signed_headers(source, key, body, datetime.now(UTC))) == 202
    async with asyncio.timeout(60):
        while (found := await health_of(stage, name)).tried_at is None:  # noqa: ASYNC110 - the service writes it
            await asyncio.sleep(0.1)
    assert (found.heard_at, found.accepted) == (None, 0)
    assert (await stage.events(), await stage.dead_letters(), stage.acuity.requests) == ([], [], 0)


async def test_a_thousand_hooks_are_one_write(stage: Stage) -> None:
    tallies = Tallies()
    book = HealthBook(stage.pool, stage.config.queries, tallies, Served)
    for _ in range(1_000):
        tallies.heard("acme", "app")
        tallies.accepted("acme", "app")
    await book.tell()
    versions = await stage.pool.fetch("SELECT xmin::text, accepted FROM source_hours WHERE tenant = 'acme'")
    assert sum(row["accepted"] for row in versions) == 1_000
    assert len({row["xmin"] for row in versions}) == 1


async def test_what_a_lost_database_did_not_take_is_told_later_and_once(stage: Stage, database: str) -> None:
    tallies = Tallies()
    gone = await connect(database)
    await gone.close()
    tallies.failed("acme", "app", "unsigned")
    with pytest.raises(Exception, match="pool is closed"):
        await HealthBook(gone, stage.config.queries, tallies, Served).tell()
    tallies.accepted("acme", "app")
    await HealthBook(stage.pool, stage.config.queries, tallies, Served).tell()
    found = (await read_health(stage.pool, stage.config.queries, (("acme", "app"),)))["acme", "app"]
    assert (found.accepted, found.failed, found.failure) == (1, 1, "unsigned")


async def test_two_services_tell_of_one_source_and_the_later_word_stands(stage: Stage) -> None:
    first, second = Tallies(), Tallies()
    first.failed("acme", "app", "unsigned")
    second.failed("acme", "app", "source_away")
    for tallies in (second, first):
        await HealthBook(stage.pool, stage.config.queries, tallies, Served).tell()
    found = (await read_health(stage.pool, stage.config.queries, (("acme", "app"),)))["acme", "app"]
    assert (found.failed, found.failure) == (2, "source_away")


async def test_counts_of_hours_long_ago_are_neither_shown_nor_kept(stage: Stage) -> None:
    for hours in (2, 30, 300):
        hour = datetime.now(UTC) - timedelta(hours=hours)
        await stage.pool.execute("INSERT INTO source_hours VALUES ('acme', 'app', $1, 1, 0)", hour)
    found = (await read_health(stage.pool, stage.config.queries, (("acme", "app"),)))["acme", "app"]
    assert found.accepted == 1
    await stage.pool.execute(stage.config.queries["forget_hours"])
    assert await stage.pool.fetchval("SELECT count(*) FROM source_hours WHERE tenant = 'acme'") == 2


async def test_gauges_count_states_and_name_no_tenant(stage: Stage) -> None:
    acuity = next(source for source in sources(stage.acuity) if source.kind == "acuity")
    long_ago = datetime.now(UTC) - timedelta(hours=100)
    await stage.pool.execute(
        "INSERT INTO source_health (tenant, source, known_at, heard_at) VALUES ('one', 'acuity', $1, $1)", long_ago
    )
    one, two = ServedSource(source=acuity), ServedSource(source=acuity, is_off=True)
    served = Served(sources={("one", "acuity"): one, ("two", "acuity"): two})
    book = HealthBook(stage.pool, stage.config.queries, Tallies(), lambda: served)
    await book.look(datetime.now(UTC))

    def sources_that_are(state: str) -> float | None:
        return REGISTRY.get_sample_value("cairn_sources", {"source": "acuity", "state": state})

    assert [sources_that_are(state) for state in ("silent", "off", "on")] == [1, 1, 0]
    heard = REGISTRY.get_sample_value("cairn_source_heard_timestamp_seconds", {"source": "acuity"})
    assert heard == pytest.approx(long_ago.timestamp())
