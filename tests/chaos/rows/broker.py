"""Rows that hurt the broker, or the way to it."""

import asyncio
import time

from tests.chaos.row import Row
from tests.chaos.scene import Scene

_OUTAGE_SECONDS = 60.0
_FAULT_SECONDS = 8.0
_HALF_OPEN_SECONDS = 20.0
_SLOW_BYTES = 300_000


async def _away(scene: Scene, seconds: float) -> None:
    broker = scene.world.stack.kafka
    await asyncio.to_thread(broker.stop)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(broker.start)
    await scene.tracker_back(time.monotonic())


async def restart(scene: Scene) -> None:
    """The broker ends in order and starts again."""
    async for _ in scene.each_cycle():
        await _away(scene, 0)


async def outage(scene: Scene) -> None:
    """The broker is down for a minute."""
    async for _ in scene.each_cycle():
        await _away(scene, _OUTAGE_SECONDS)


async def cut(scene: Scene) -> None:
    """Every connection ends, and none is let in for a while."""
    await scene.detour()
    async for _ in scene.each_cycle():
        for wire in scene.wires:
            wire.refusing = True
            wire.cut()
        await asyncio.sleep(_FAULT_SECONDS)
        await _expect_silence(scene)
        scene.heal()
        await scene.tracker_back(time.monotonic())


async def reset(scene: Scene) -> None:
    """Every connection is reset, and may be made again at once."""
    await scene.detour()
    async for _ in scene.each_cycle():
        for wire in scene.wires:
            wire.cut(reset=True)
        await scene.tracker_back(time.monotonic())


async def half_open(scene: Scene) -> None:
    """Connections stay, and nothing passes, for longer than a session."""
    await scene.detour()
    async for _ in scene.each_cycle():
        for wire in scene.wires:
            wire.stalled = True
        await asyncio.sleep(_HALF_OPEN_SECONDS / 2)
        await _expect_silence(scene)
        await asyncio.sleep(_HALF_OPEN_SECONDS / 2)
        await _expect_silence(scene)
        scene.heal()
        await scene.tracker_back(time.monotonic())


async def latency(scene: Scene) -> None:
    """Every chunk waits 100 ms on its way."""
    await scene.detour()
    async for _ in scene.each_cycle():
        for wire in scene.wires:
            wire.delay_seconds = 0.1
        await asyncio.sleep(2 * _FAULT_SECONDS)
        scene.heal()
        await scene.tracker_back(time.monotonic())


async def slow(scene: Scene) -> None:
    """Every connection carries little."""
    await scene.detour()
    async for _ in scene.each_cycle():
        for wire in scene.wires:
            wire.bytes_per_second = _SLOW_BYTES
        await asyncio.sleep(2 * _FAULT_SECONDS)
        scene.heal()
        await scene.tracker_back(time.monotonic())


async def _expect_silence(scene: Scene) -> None:
    """The fault is one: nothing is committed while it lasts."""
    before = await scene.tracked()
    await asyncio.sleep(1)
    scene.expect(before == await scene.tracked(), "events were committed although nothing could pass")


ROWS = (
    Row(name="broker-restart", injects="the broker restarts", play=restart, cycles=2),
    Row(name="broker-outage", injects="the broker is down for 60 s", play=outage),
    Row(name="network-cut", injects="no connection to the broker for 8 s", play=cut),
    Row(name="network-reset", injects="every connection to the broker is reset", play=reset, cycles=2),
    Row(name="network-half-open", injects="connections to the broker stay and carry nothing for 20 s", play=half_open),
    Row(name="network-latency", injects="100 ms more on the way to the broker, each way", play=latency),
    Row(name="network-slow", injects="300 kB/s a connection to the broker", play=slow),
)
