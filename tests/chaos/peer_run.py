"""The same kills, load and checker against a Faust application as its manual shows one: the checker can fail.

The application decides with the same `advance`, keeps its states in a Faust table, sends milestones to a topic of its
own and promises at_least_once. It knows no dead letters, so its load has no broken records; it is slower, so its load
is lighter. Its states stand in its table's changelog without the engine's head.
"""

import asyncio
import sys
import time
from pathlib import Path
from random import Random

from rich.console import Console

from tests.benchmarks.stage import create
from tests.chaos import world as worlds
from tests.chaos.checker import EVENTS, Checker
from tests.chaos.fleet import Fleet, Kind
from tests.chaos.group_positions import GroupPositions
from tests.chaos.load import Shape
from tests.chaos.outcome import Outcome
from tests.chaos.play import Tell, lag_of, load_process
from tests.chaos.world import World

NAME = "faust-at-least-once"
EVENTS_PER_SECOND = 400.0
KILLS = 6
_MILESTONES = "chaos.faust.milestones"
_ROW = "r01"
_BACK_SECONDS = 40.0
_SETTLE_SECONDS = 120.0
_ROOT = Path(__file__).parents[2]


async def run(folder: Path, console: Console, seed: int, tell: Tell) -> Outcome:
    """Kill two workers of the peer in turn while the load runs, and judge what they have published."""
    began_at = time.monotonic()
    async with worlds.opened(folder, console) as world:
        await create(world, _MILESTONES)
        workers = Fleet(kind=_kind(world), folder=folder)
        positions = GroupPositions(world.kafka, None, group=NAME)
        changelog = f"{NAME}-clients-changelog"
        checker = Checker(world.kafka, milestones=_MILESTONES, changelog=changelog, dead_letters=None, head_bytes=0)
        load = load_process(world, Shape(row=_ROW, seed=seed, poison_share=0.0), EVENTS_PER_SECOND)
        await workers.open()
        try:
            backs = await _kill(workers, positions, Random(seed), tell)  # noqa: S311 - seeded
            await asyncio.to_thread(load.stop)
            tell("settling")
            await _settle(checker, positions)
            await workers.close()
            await checker.look()
            checker.leave_out_behind(await positions.tracked() or {})
        finally:
            await asyncio.to_thread(load.stop)
            await workers.close()
            await positions.close()
    seconds = time.monotonic() - began_at
    return Outcome(
        row=NAME,
        verdict=checker.judge(),
        faults=KILLS,
        backs=backs,
        seconds=seconds,
        events_per_second=EVENTS_PER_SECOND,
    )


async def _kill(workers: Fleet, positions: GroupPositions, rng: Random, tell: Tell) -> tuple[float, ...]:
    for _ in range(2):
        workers.start()
    await _back(positions, {})
    backs: list[float] = []
    for cycle in range(KILLS):
        tell(f"{cycle + 1} of {KILLS}")
        await asyncio.sleep(rng.uniform(2, 5))
        at = await workers.kill(rng.choice(workers.members))
        before = await positions.tracked() or {}
        if await _back(positions, before):
            backs.append(time.monotonic() - at)
    return tuple(backs)


async def _back(positions: GroupPositions, before: dict[int, int]) -> bool:
    """Wait until every partition has been committed again, for a while only: a peer may never come back."""
    give_up_at = time.monotonic() + _BACK_SECONDS
    while time.monotonic() < give_up_at:
        now = await positions.tracked()
        if now and all(now.get(partition, 0) > offset for partition, offset in before.items()):
            return True
        await asyncio.sleep(0.2)
    return False


async def _settle(checker: Checker, positions: GroupPositions) -> None:
    """Wait until the peer has caught up, for a while only; what it has not committed by then is not held against it."""
    give_up_at = time.monotonic() + _SETTLE_SECONDS
    await checker.look()
    while lag_of(checker.last_offsets(EVENTS), await positions.tracked()) and time.monotonic() < give_up_at:  # noqa: ASYNC110 - another process
        await asyncio.sleep(1)


def _kind(world: World) -> Kind:
    env = {
        **world.env,
        "PYTHONPATH": str(_ROOT),
        "BENCH_KAFKA": world.kafka,
        "BENCH_APP": NAME,
        "BENCH_MILESTONES": _MILESTONES,
        "BENCH_GUARANTEE": "at_least_once",
        "BENCH_PARTITIONS": world.env["CAIRN_PARTITIONS"],
        "BENCH_FOLDER": str(world.folder / NAME),
    }
    argv = (sys.executable, "-m", "tests.chaos.faust_peer", "worker", "--loglevel", "warn", "--without-web")
    return Kind(name="faust", command=lambda _: argv, env=env, probe=None)
