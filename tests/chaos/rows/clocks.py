"""Rows in which a process and the broker do not agree about the time, and days on which the wall clock jumps."""

import asyncio
import time
from functools import partial

from tests.chaos.fleet import PLAIN, Around
from tests.chaos.row import Row
from tests.chaos.rows import trackers
from tests.chaos.scene import Scene

_TEN_MINUTES = 600
_FLOW_SECONDS = 6.0
_AHEAD = {"ahead_share": 0.01}
_LIVE = {"live_share": 0.2}


async def track(scene: Scene, clock_seconds: int) -> None:
    """One of two trackers goes by a wrong clock, and the partitions pass from each to the other."""
    await scene.trackers.terminate(scene.any_tracker())
    wrong = scene.trackers.start(Around(clock_seconds=clock_seconds))
    await scene.trackers.ready()
    await scene.tracker_back(time.monotonic())
    scene.backs.clear()  # that was no fault
    async for cycle in scene.each_cycle():
        await asyncio.sleep(_FLOW_SECONDS)
        is_wrong = cycle % 2 == 1
        members = scene.trackers.members
        victim = next(one for one in members if (one.around == wrong.around) == is_wrong)
        at = await scene.trackers.kill(victim)
        await scene.tracker_back(at)
        await scene.trackers.ready()


async def deliver(scene: Scene, clock_seconds: int) -> None:
    """A second delivery goes by a wrong clock; each sends what either has planned, once it is due by its own."""
    scene.deliveries.start(Around(clock_seconds=clock_seconds))
    await scene.deliveries.ready()
    await scene.delivery_back(time.monotonic())
    scene.backs.clear()  # that was no fault
    async for _ in scene.each_cycle():
        await asyncio.sleep(_FLOW_SECONDS)
        right = next(one for one in scene.deliveries.members if one.around == PLAIN)
        at = await scene.deliveries.kill(right)  # the other takes all over
        await scene.bury_sender()
        await scene.delivery_back(at)


ROWS = (
    Row(
        name="tracker-clock-ahead",
        injects="one of two trackers is ten minutes ahead, and each is killed in turn",
        expects="what is from more than 24 h after the broker's time is set aside, and nothing else",
        play=partial(track, clock_seconds=_TEN_MINUTES),
        cycles=2,
        load=_AHEAD,
    ),
    Row(
        name="tracker-clock-behind",
        injects="one of two trackers is ten minutes behind, and each is killed in turn",
        expects="as above",
        play=partial(track, clock_seconds=-_TEN_MINUTES),
        cycles=2,
        load=_AHEAD,
    ),
    Row(
        name="delivery-clock-ahead",
        injects="one of two deliveries is ten minutes ahead, and the other is killed",
        play=partial(deliver, clock_seconds=_TEN_MINUTES),
        load=_LIVE,
    ),
    Row(
        name="delivery-clock-behind",
        injects="one of two deliveries is ten minutes behind, and the other is killed",
        play=partial(deliver, clock_seconds=-_TEN_MINUTES),
        load=_LIVE,
    ),
    Row(
        name="dst-and-leap-day",
        injects="clients check in the nights in which clocks change and around 29 February, and trackers are killed",
        expects="a day is a local date",
        play=trackers.kill,
        cycles=3,
        load={"abroad": True, "live_share": 0.0},
    ),
)
