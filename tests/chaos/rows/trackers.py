"""Rows that hurt the tracker's processes."""

import asyncio
import signal
import time

from tests.chaos.row import Row
from tests.chaos.scene import BACK_SECONDS, SESSION_SECONDS, Scene
from tests.chaos.wire import IsMark, Trap, begins_transaction, ends_transaction

_STOP_SECONDS = 25.0
_POINTS: tuple[tuple[IsMark, str], ...] = (
    (begins_transaction, "request"),
    (ends_transaction, "request"),
    (ends_transaction, "answer"),
)


async def kill(scene: Scene) -> None:
    """SIGKILL at random moments; another process takes the place at once."""
    async for _ in scene.each_cycle():
        at = await scene.trackers.kill(scene.any_tracker())
        await scene.tracker_back(at)
    await scene.trackers.ready()


async def stop_beyond_session(scene: Scene) -> None:
    """SIGSTOP for longer than the session lasts: others take over, and the zombie comes back."""
    async for _ in scene.each_cycle():
        await scene.trackers.ready()
        zombie, at = scene.any_tracker(), time.monotonic()
        zombie.send(signal.SIGSTOP)
        await scene.tracker_back(at)
        await asyncio.sleep(max(0.0, at + SESSION_SECONDS + scene.rng.uniform(2, 5) - time.monotonic()))
        zombie.send(signal.SIGCONT)
    await asyncio.sleep(1)
    await scene.trackers.ready()


async def kill_at_points(scene: Scene) -> None:
    """SIGKILL as the transaction is begun, before its commit is heard, and before its commit's answer is."""
    await scene.detour()
    async for cycle in scene.each_cycle():
        is_mark, at = _POINTS[cycle % len(_POINTS)]
        wire = scene.rng.choice(scene.wires[:2])
        await scene.trackers.ready()
        victim = next(member for member in scene.trackers.members if member.around.detour == wire.port)
        trap = Trap(is_mark=is_mark, at=at, spring=scene.trackers.killer(victim))  # type: ignore[arg-type]
        wire.trap = trap
        while not trap.sprung:  # noqa: ASYNC110 - under load this takes milliseconds
            await asyncio.sleep(0.01)
        since, wire.trap = time.monotonic(), None
        await scene.tracker_back(since)


async def lose_commit_answers(scene: Scene) -> None:
    """The broker commits, and the answer does not arrive."""
    await scene.detour()
    async for _ in scene.each_cycle():
        wire = scene.rng.choice(scene.wires[:2])
        trap = Trap(is_mark=ends_transaction, at="answer", spring=lambda: None)
        wire.trap = trap
        while not trap.sprung:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        await scene.tracker_back(time.monotonic())


async def terminate(scene: Scene) -> None:
    """SIGTERM under load: what is under way is finished, and the end comes in time."""
    async for _ in scene.each_cycle():
        await scene.trackers.ready()
        status, seconds = await scene.trackers.terminate(scene.any_tracker())
        at = time.monotonic()
        scene.expect(status == 0, f"SIGTERM ended with status {status}")
        scene.expect(seconds < _STOP_SECONDS, f"SIGTERM took {seconds:.1f} s")
        scene.trackers.start()
        await scene.tracker_back(at)


async def scale(scene: Scene) -> None:
    """Workers are added and removed in turn."""
    async for _ in scene.each_cycle():
        at = time.monotonic()
        scene.trackers.start()
        await scene.trackers.ready()
        await scene.tracker_back(at)
        await scene.trackers.terminate(scene.trackers.members[0])
        await scene.tracker_back(time.monotonic())


ROWS = (
    Row(
        name="tracker-kill-points",
        injects="SIGKILL as a transaction begins, before its commit, and before the commit's answer",
        play=kill_at_points,
        cycles=3,
        long_cycles=18,
        back_seconds=BACK_SECONDS,
    ),
    Row(name="tracker-lost-commit", injects="the commit's answer is lost", play=lose_commit_answers, cycles=3),
    Row(
        name="tracker-terminate",
        injects="SIGTERM under load",
        expects="status 0 within 25 s",
        play=terminate,
        cycles=2,
    ),
    Row(name="tracker-scale", injects="a third tracker comes, the first goes", play=scale),
    Row(
        name="tracker-kill",
        injects="SIGKILL of one of two trackers at random moments",
        play=kill,
        cycles=60,
        long_cycles=200,
        back_seconds=BACK_SECONDS,
    ),
    Row(
        name="tracker-stop",
        injects="SIGSTOP of one of two trackers for longer than its session",
        expects="the zombie writes nothing",
        play=stop_beyond_session,
        cycles=12,
        long_cycles=40,
        back_seconds=BACK_SECONDS,
    ),
)
