"""What a poll has missed: pages, and days of absence in windows, on a real database and broker."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import date, datetime, timedelta

import pytest

from agents.intake import pages, poller
from agents.intake.habit_api import HabitPull
from demo.vendors.habits import HabitServer
from tests.integration.intake.stage import NOW, TOKEN, Stage
from tests.integration.intake.test_polls import at, days, pull

DAY = timedelta(days=1)
TODAY = NOW.date()


async def cursor_and_failures(stage: Stage) -> tuple[str | None, int]:
    row = await stage.pool.fetchrow("SELECT cursor, failures FROM polls WHERE source = 'pull'")
    assert row is not None
    return row["cursor"], row["failures"]


async def away_since(stage: Stage, day: date) -> None:
    """The pull was last made on this day."""
    await stage.pool.execute(
        "INSERT INTO polls (tenant, source, due_at, cursor) VALUES ($1, 'pull', $2, $3)",
        stage.tenant,
        NOW - DAY,
        day.isoformat(),
    )


async def test_every_page_is_read(stage: Stage) -> None:
    stage.habits.page_rows = 2
    for number in range(5):
        stage.habits.check(f"c{number}@example.com", "movement", TODAY)
    await at(stage, NOW).run_if_due(pull(stage))
    assert len({event.client for event in await stage.events()}) == 5
    assert stage.habits.requests == 3


@pytest.mark.parametrize(
    "link",
    [
        "<http://127.0.0.1:1/streaks?from=2>; rel=next",
        "<//elsewhere.example/streaks>; rel=next",
        "<http://[>; rel=next",
        "<mailto:a@example.com>; rel=next",
    ],
)
async def test_the_token_goes_to_no_other_address(stage: Stage, link: str) -> None:
    stage.habits.next_links.append(link)
    stage.habits.check("ana@example.com", "movement", TODAY)
    await at(stage, NOW).run_if_due(pull(stage))
    assert (await cursor_and_failures(stage), stage.habits.requests) == ((None, 1), 1)


async def test_another_tracker_on_this_machine_is_not_asked_with_our_token(stage: Stage) -> None:
    async with HabitServer(token=TOKEN) as other:
        stage.habits.next_links.append(f"<{other.base_url}/streaks>; rel=next")
        await at(stage, NOW).run_if_due(pull(stage))
        assert other.requests == 0
    assert await cursor_and_failures(stage) == (None, 1)


async def test_pages_that_lead_in_a_circle_end(stage: Stage) -> None:
    stage.habits.next_links.extend(["<?from=1>; rel=next", "<?from=2>; rel=next", "<?from=1>; rel=next"])
    await at(stage, NOW).run_if_due(pull(stage))
    assert (await cursor_and_failures(stage), stage.habits.requests) == ((None, 1), 3)


async def test_a_page_that_is_the_page_before_under_another_address_ends(stage: Stage) -> None:
    stage.habits.check("ana@example.com", "movement", TODAY)
    since = (TODAY - 2 * DAY).isoformat()
    stage.habits.next_links.extend(f"<?since={since}&n={number}>; rel=next" for number in range(9))
    await at(stage, NOW).run_if_due(pull(stage))
    assert (await cursor_and_failures(stage), stage.habits.requests) == ((None, 1), 2)


async def test_a_list_without_end_ends(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_PAGES", 4)
    stage.habits.next_links.extend(f"<?n={number}>; rel=next" for number in range(9))
    await at(stage, NOW).run_if_due(pull(stage))
    assert (await cursor_and_failures(stage), stage.habits.requests) == ((None, 1), 4)


async def test_a_long_absence_is_asked_in_windows_without_a_gap(stage: Stage) -> None:
    await away_since(stage, TODAY - 40 * DAY)
    missed = [TODAY - number * DAY for number in range(43)]
    for day in missed:
        stage.habits.check("ana@example.com", "movement", day)
    await at(stage, NOW).run_if_due(pull(stage))
    assert sorted(set(await days(stage))) == sorted(missed)
    spans = [(asked["since"], asked.get("until")) for asked in stage.habits.asked]
    assert [since for since, _ in spans[1:]] == [until for _, until in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == ((TODAY - 42 * DAY).isoformat(), None)
    assert await cursor_and_failures(stage) == (TODAY.isoformat(), 0)


async def test_a_tracker_that_knows_no_until_brings_each_check_once_a_window(stage: Stage) -> None:
    stage.habits.knows_until = False
    await away_since(stage, TODAY - 40 * DAY)
    for number in range(43):
        stage.habits.check("ana@example.com", "movement", TODAY - number * DAY)
    await at(stage, NOW).run_if_due(pull(stage))
    seams = len(stage.habits.asked) - 1
    found = await days(stage)
    assert (len(set(found)), len(found)) == (43, 43 + seams)


class _Watched(HabitPull):
    """A pull during which something happens before each step is told."""

    before_step: Callable[[], Awaitable[None]]

    async def run(self, cursor: str | None, now: datetime) -> AsyncGenerator[str | None, None]:
        async for moved in super().run(cursor, now):
            await self.before_step()
            yield moved


def watched(stage: Stage, before_step: Callable[[], Awaitable[None]]) -> HabitPull:
    poll = pull(stage)
    poll.__class__ = _Watched
    assert isinstance(poll, _Watched)
    poll.before_step = before_step
    return poll


async def test_a_failure_in_the_middle_loses_nothing_that_was_done(stage: Stage) -> None:
    await away_since(stage, TODAY - 40 * DAY)
    stage.habits.check("ana@example.com", "movement", TODAY - 41 * DAY)
    stage.habits.check("ana@example.com", "movement", TODAY)

    async def fail_third() -> None:
        if len(stage.habits.asked) == 2 and not stage.habits.faults:
            stage.habits.faults.append(401)

    await at(stage, NOW).run_if_due(watched(stage, fail_third))
    stopped_at, failures = await cursor_and_failures(stage)
    assert (stopped_at, failures) == (stage.habits.asked[1]["until"], 1)
    assert await days(stage) == [TODAY - 41 * DAY]
    await stage.pool.execute("UPDATE polls SET held_until = now() WHERE source = 'pull'")
    stage.habits.faults.clear()
    await at(stage, NOW).run_if_due(pull(stage))
    assert stage.habits.asked[2]["since"] == (date.fromisoformat(str(stopped_at)) - 2 * DAY).isoformat()
    assert await days(stage) == [TODAY - 41 * DAY, TODAY]


async def test_a_tracker_that_names_a_time_is_left_alone_until_then(stage: Stage) -> None:
    stage.habits.faults.append(429)
    stage.habits.retry_after = "1800"
    await at(stage, NOW).run_if_due(pull(stage))
    assert stage.habits.requests == 1
    held = "SELECT held_until - updated_at FROM polls WHERE source = 'pull'"
    assert await stage.pool.fetchval(held) == timedelta(seconds=1800)
    assert not await at(stage, NOW + DAY).run_if_due(pull(stage))


async def test_the_lease_begins_anew_with_each_step(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "_RUN_SECONDS", 3.0)
    await away_since(stage, TODAY - 40 * DAY)
    was_held = []

    async def take_long() -> None:
        was_held.append(await stage.pool.fetchval("SELECT held_until > now() FROM polls WHERE source = 'pull'"))
        await stage.pool.execute("UPDATE polls SET held_until = now() WHERE source = 'pull'")
        await asyncio.sleep(0.5)

    await at(stage, NOW).run_if_due(watched(stage, take_long))
    assert was_held == [True] * 8
    assert await cursor_and_failures(stage) == (TODAY.isoformat(), 0)


async def test_a_worker_that_lost_its_lease_in_the_middle_stops(stage: Stage) -> None:
    await away_since(stage, TODAY - 40 * DAY)

    async def oversleep() -> None:
        if stage.habits.requests == 2:
            await stage.pool.execute("UPDATE polls SET fence = fence + 1 WHERE source = 'pull'")

    await at(stage, NOW).run_if_due(watched(stage, oversleep))
    assert stage.habits.requests == 2
    assert (await cursor_and_failures(stage))[0] == stage.habits.asked[0]["until"]
