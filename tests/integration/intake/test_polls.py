"""The daily pull: schedule, lease, back-off and cursor, on a real database."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiolimiter import AsyncLimiter
from structlog.testing import capture_logs

from agents.intake import poller as schedule
from agents.intake.fetch import fetch_answer
from agents.intake.habit_api import HabitPull
from agents.intake.poller import Poller
from agents.intake.served import Served
from agents.intake.service import run_intake
from agents.intake.source_away import SourceAway
from demo.vendors.habits import HabitServer, send_webhook
from tests.integration.intake.stage import (
    NOW,
    TOKEN,
    WEBHOOK_SECRET,
    Stage,
    Studio,
    checked,
    clock_at,
    habit_source,
    until,
)

DAY = timedelta(days=1)


def pull(stage: Stage) -> HabitPull:
    return HabitPull(
        stage.tenant,
        habit_source(stage.habits, "pull"),
        token=TOKEN,
        zone=ZoneInfo("Europe/Vienna"),
        session=stage.session,
        admission=stage.intake.admission,
    )


def at(stage: Stage, instant: datetime) -> Poller:
    return Poller(stage.pool, stage.config.queries, clock_at(instant), Served)


async def days(stage: Stage) -> list[date]:
    return sorted(event.data.day for event in await stage.events())


async def test_the_pull_brings_checks_as_events_of_one_client(stage: Stage) -> None:
    stage.habits.check("Ana@example.com", "movement", date(2026, 5, 7))
    stage.habits.check("ana@example.com", "movement", date(2026, 5, 8))
    assert await at(stage, NOW).run_if_due(pull(stage))
    assert await days(stage) == [date(2026, 5, 7), date(2026, 5, 8)]
    events = await stage.events()
    assert len({event.client for event in events}) == 1
    assert len({event.id for event in events}) == 2


async def test_it_is_asked_once_a_day_at_its_local_hour(stage: Stage) -> None:
    poll = pull(stage)
    assert await at(stage, NOW).run_if_due(poll)
    assert not await at(stage, NOW + timedelta(hours=13, minutes=59)).run_if_due(poll)
    assert await at(stage, NOW + timedelta(hours=14, minutes=1)).run_if_due(poll)


@pytest.mark.parametrize(
    ("now", "due_at"),
    [
        (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 2, tzinfo=UTC)),
        (datetime(2026, 3, 29, 1, 59, tzinfo=UTC), datetime(2026, 3, 29, 2, tzinfo=UTC)),
        (datetime(2026, 3, 29, 2, tzinfo=UTC), datetime(2026, 3, 30, 2, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC)),
    ],
)
async def test_the_local_hour_holds_over_daylight_saving(stage: Stage, now: datetime, due_at: datetime) -> None:
    assert pull(stage).due_after(now) == due_at


async def test_two_workers_poll_once(stage: Stage) -> None:
    poll = pull(stage)
    ran = await asyncio.gather(*(at(stage, NOW).run_if_due(poll) for _ in range(8)))
    assert sum(ran) == 1
    assert stage.habits.requests == 1


async def test_after_days_away_the_pull_takes_up_where_it_stopped(stage: Stage) -> None:
    poll = pull(stage)
    await at(stage, NOW).run_if_due(poll)
    for number in range(6):
        stage.habits.check("ana@example.com", "movement", NOW.date() + number * DAY)
    await at(stage, NOW + 6 * DAY).run_if_due(poll)
    assert await days(stage) == [NOW.date() + number * DAY for number in range(6)]


async def test_a_check_that_arrives_late_is_read_and_the_same_check_again_is_the_same_event(
    stage: Stage,
) -> None:
    poll = pull(stage)
    stage.habits.check("ana@example.com", "movement", NOW.date())
    await at(stage, NOW).run_if_due(poll)
    stage.habits.check("ana@example.com", "movement", NOW.date() - DAY)
    await at(stage, NOW + DAY).run_if_due(poll)
    events = await stage.events()
    assert {event.data.day for event in events} == {NOW.date(), NOW.date() - DAY}
    assert (len(events), len({event.id for event in events})) == (3, 2)


async def test_a_check_that_cannot_be_used_loses_no_other_of_its_client(stage: Stage) -> None:
    for habit in ("movement", "sl\0eep", "reading"):
        stage.habits.check("ana@example.com", habit, NOW.date())
    with capture_logs() as lines:
        assert await at(stage, NOW).run_if_due(pull(stage))
    assert [event.data.habit_id for event in await stage.events()] == ["movement", "reading"]
    assert [line["records"] for line in lines if line["event"] == "poll_rows_ignored"] == [1]


async def test_a_check_by_hook_and_by_pull_belongs_to_one_client_and_day(stage: Stage) -> None:
    message = checked({"email": "ANA@example.com"})
    await send_webhook(
        stage.session, stage.hook_url("tracker"), secret=WEBHOOK_SECRET, webhook_id="m1", message=message
    )
    stage.habits.check("ana@example.com", "movement", date(2026, 5, 8))
    await at(stage, NOW).run_if_due(pull(stage))
    assert len({(event.client, event.data.day) for event in await stage.events()}) == 1


async def test_a_tracker_that_fails_is_asked_again_after_a_back_off_from_the_same_day(stage: Stage) -> None:
    poll = pull(stage)
    await at(stage, NOW).run_if_due(poll)
    stage.habits.faults.append(401)
    assert await at(stage, NOW + DAY).run_if_due(poll)
    row = await stage.pool.fetchrow("SELECT * FROM polls WHERE source = 'pull'")
    assert row is not None
    assert (row["cursor"], row["failures"]) == (NOW.date().isoformat(), 1)
    assert not await at(stage, NOW + DAY).run_if_due(poll)
    await stage.pool.execute("UPDATE polls SET held_until = now() WHERE source = 'pull'")
    assert await at(stage, NOW + DAY).run_if_due(poll)


async def test_a_source_that_was_made_anew_is_not_held_by_the_back_off_before(stage: Stage) -> None:
    worker, poll = at(stage, NOW), pull(stage)
    stage.habits.faults.append(401)
    assert await worker.run_if_due(poll)
    assert not await worker.run_if_due(poll)
    assert await worker.run_if_due(pull(stage))
    assert stage.habits.requests == 2


async def test_a_source_that_was_made_anew_comes_back_no_sooner_than_its_tool_asked_for(stage: Stage) -> None:
    worker = at(stage, NOW)
    stage.habits.faults.append(429)
    stage.habits.retry_after = "120"
    assert await worker.run_if_due(pull(stage))
    assert not await worker.run_if_due(pull(stage))


async def test_a_tracker_that_asks_for_no_wait_is_not_asked_in_a_circle(stage: Stage) -> None:
    worker, poll = at(stage, NOW), pull(stage)
    stage.habits.faults += [429] * 3
    stage.habits.retry_after = "0"
    assert await worker.run_if_due(poll)
    held = await stage.pool.fetchval("SELECT held_until - updated_at FROM polls WHERE source = 'pull'")
    assert held >= timedelta(seconds=5)


async def test_a_source_that_was_made_anew_leaves_the_lease_of_another_worker_alone(stage: Stage) -> None:
    worker = at(stage, NOW)
    stage.habits.faults.append(401)
    assert await worker.run_if_due(pull(stage))
    await stage.pool.execute("UPDATE polls SET fence = fence + 1, held_until = now() + interval '1 hour'")
    assert not await worker.run_if_due(pull(stage))


class _BrokenPull(HabitPull):
    async def run(self, cursor: str | None, now: datetime) -> AsyncGenerator[str | None, None]:
        yield cursor
        raise OverflowError(f"no such day: {cursor} {now}")


async def test_a_source_that_breaks_its_reader_is_put_off_and_ends_no_other(stage: Stage) -> None:
    whole = pull(stage)
    broken = _BrokenPull(
        stage.tenant,
        habit_source(stage.habits, "broken"),
        token=TOKEN,
        zone=ZoneInfo("Europe/Vienna"),
        session=stage.session,
        admission=stage.intake.admission,
    )
    assert await at(stage, NOW).run_if_due(broken)
    assert not await at(stage, NOW).run_if_due(broken)
    assert await stage.pool.fetchval("SELECT failures FROM polls WHERE source = 'broken'") == 1
    assert await at(stage, NOW).run_if_due(whole)


async def test_the_tracker_says_when_to_come_back(stage: Stage) -> None:
    with pytest.raises(SourceAway) as away:
        await fetch_status(stage, 429, {"Retry-After": "120"})
    assert away.value.retry_after_seconds == 120
    assert schedule._backoff_seconds(3, 120.0) == 120.0
    assert schedule._backoff_seconds(3, 1.0) == schedule._backoff_seconds(0, 0.0) == 5.0


async def test_the_tracker_may_say_when_to_come_back_by_a_date(stage: Stage) -> None:
    until = {"Date": "Fri, 01 May 2026 12:00:00 GMT", "Retry-After": "Fri, 01 May 2026 12:02:00 GMT"}
    with pytest.raises(SourceAway) as away:
        await fetch_status(stage, 503, until)
    assert away.value.retry_after_seconds == 120


async def test_a_back_off_grows_up_to_its_limit() -> None:
    waits = [schedule._backoff_seconds(failures, None) for failures in range(40)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (5.0, 3_600.0)


async def fetch_status(stage: Stage, status: int, headers: dict[str, str]) -> object:
    from aiohttp import web

    server = HabitServer(token=TOKEN)

    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    server.app.router.add_get("/refuse", refuse)
    async with server:
        url = f"{server.base_url}/refuse"
        return (await fetch_answer(stage.session, url, limiter=AsyncLimiter(100, 1), headers={})).document


async def test_a_worker_that_overslept_its_lease_changes_nothing(stage: Stage) -> None:
    class Overslept(HabitPull):
        async def run(self, cursor: str | None, now: datetime) -> AsyncGenerator[str | None, None]:
            await stage.pool.execute("UPDATE polls SET fence = fence + 1 WHERE source = 'pull'")
            async for moved in super().run(cursor, now):
                yield moved

    poll = pull(stage)
    poll.__class__ = Overslept
    await at(stage, NOW).run_if_due(poll)
    assert await stage.pool.fetchval("SELECT cursor FROM polls WHERE source = 'pull'") is None


async def test_the_service_polls_by_itself_on_the_scaled_clock(stage: Stage, tmp_path: Path) -> None:
    stage.habits.check("ana@example.com", "movement", NOW.date())
    studio = Studio(id=stage.tenant, sources=(habit_source(stage.habits),))
    clock = dataclasses.replace(clock_at(NOW), speed=86_400.0)
    spool_dir = tmp_path / "second"
    config = dataclasses.replace(stage.config, tenants=(studio,), clock=clock, spool_dir=spool_dir)
    async with run_intake(config, stage.pool):
        await until(lambda: stage.habits.requests >= 3)
    assert {event.data.day for event in await stage.events()} == {NOW.date()}
