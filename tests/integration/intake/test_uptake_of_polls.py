"""Sources change under a running intake: polls begin and end with them, and a turn ends as it began."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any

import pytest

from agents.intake.poller import Poller
from agents.intake.served import Secrets, Serving, TenantSources, Ways
from schemas.tenant import Source
from tests.integration.intake.practice import TRACKER, Practice
from tests.integration.intake.stage import (
    NOW,
    TOKEN,
    Stage,
    Studio,
    clock_at,
    habit_source,
    until,
)  # fmt: skip


def habits(stage: Stage, **more: str) -> str:
    rest = "".join(f", {name}: {value!r}" for name, value in more.items())
    return f"{{kind: habit_pull, name: habits, base_url: '{stage.habits.base_url}'{rest}}}"


def is_kept(source: str) -> bool:
    """Whether some poller has a task that asks the source."""
    return any(task.get_name() == f"poll {source}" for task in asyncio.all_tasks())


async def test_a_poll_begins_for_a_new_pull_source_and_ends_with_it(practice: Practice) -> None:
    stage = practice.stage
    stage.habits.check("ana@example.com", "movement", NOW.date())
    practice.describe(habits(stage))
    practice.put(habits_key=TOKEN)
    practice.look()
    async with asyncio.timeout(60):
        while not await stage.events():  # noqa: ASYNC110 - the service writes it
            await asyncio.sleep(0.05)
    assert stage.habits.requests == 1
    practice.describe(TRACKER)
    practice.look()
    await until(lambda: not is_kept("habits"))
    assert await cursor(stage) == "2026-05-08"


async def test_a_poll_with_a_mended_token_is_asked_at_once_and_goes_on_from_where_it_was(practice: Practice) -> None:
    stage = practice.stage
    await stage.pool.execute(
        "INSERT INTO polls (tenant, source, cursor, due_at, failures) VALUES ($1, 'habits', '2026-05-04', $2, 15)",
        stage.tenant,
        NOW,
    )
    practice.describe(habits(stage))
    practice.put(habits_key="a wrong token")
    practice.look()
    async with asyncio.timeout(60):
        while await failures(stage) != 16:  # noqa: ASYNC110 - the service writes it
            await asyncio.sleep(0.05)
    practice.put(habits_key=TOKEN)
    practice.look()
    await until(lambda: bool(stage.habits.asked))
    assert stage.habits.asked == [{"since": "2026-05-02"}]
    async with asyncio.timeout(60):
        while await cursor(stage) != "2026-05-08":  # noqa: ASYNC110 - the service writes it
            await asyncio.sleep(0.05)
    assert (await failures(stage), stage.habits.requests) == (0, 2)


async def failures(stage: Stage) -> Any:
    return await stage.pool.fetchval("SELECT failures FROM polls WHERE source = 'habits'")


async def cursor(stage: Stage) -> Any:
    return await stage.pool.fetchval("SELECT cursor FROM polls WHERE source = 'habits'")


class Gated:
    """A poll that waits to be let through, and notes how often it was asked."""

    is_all_there_is = True

    def __init__(self, tenant: str, source: str) -> None:
        self.tenant = tenant
        self.source = source
        self.turns = 0
        self.began, self.free = asyncio.Event(), asyncio.Event()

    def due_after(self, now: datetime) -> datetime:
        return now + timedelta(days=1)

    async def run(self, cursor: str | None, now: datetime) -> AsyncGenerator[str | None, None]:
        self.turns += 1
        self.began.set()
        yield cursor
        await self.free.wait()
        yield now.date().isoformat()


@pytest.mark.parametrize("is_gone", [True, False])
async def test_a_turn_under_way_ends_as_it_began_and_nothing_is_asked_beside_it(stage: Stage, *, is_gone: bool) -> None:
    made: list[Gated] = []

    def make(tenant: TenantSources, source: Source, secrets: Secrets) -> Ways:
        assert secrets(tenant.id, f"{source.name}.key") == (TOKEN,)
        made.append(Gated(tenant.id, source.name))
        return Ways(poll=made[-1])

    def studio(*sources: Source) -> tuple[Studio, ...]:
        return (Studio(id=stage.tenant, sources=sources),)

    serving = Serving(make)
    source = habit_source(stage.habits)
    serving.take_up(studio(source), stage.config.secrets)
    poller = Poller(stage.pool, stage.config.queries, clock_at(NOW), serving.now)
    running = asyncio.create_task(poller.run())
    await made[0].began.wait()
    changed = () if is_gone else (source.model_copy(update={"at": "05:00"}),)
    serving.take_up(studio(*changed), stage.config.secrets)
    held = await stage.pool.fetchval("SELECT held_until > now() FROM polls WHERE source = 'habits'")
    made[0].free.set()
    await until(lambda: is_kept("habits") is not is_gone)
    async with asyncio.timeout(60):
        while await cursor(stage) != "2026-05-08":  # noqa: ASYNC110 - the poller writes it
            await asyncio.sleep(0.05)
    assert (held, [poll.turns for poll in made]) == (True, [1] if is_gone else [1, 0])
    if not is_gone:  # the new one is asked when it is due, from the cursor of the one before
        await stage.pool.execute("UPDATE polls SET due_at = $1 WHERE source = 'habits'", NOW - timedelta(hours=1))
        serving.take_up((), stage.config.secrets)
        serving.take_up(studio(source), stage.config.secrets)
        await made[2].began.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
