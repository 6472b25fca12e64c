"""Playing rows: the load runs, the row does what it does, the dust settles, and the checker judges.

Every row is judged by itself as soon as it has settled, and after the last one everything is judged once more, so
that what an earlier row left behind and a later fault brought out is found as well.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from random import Random

import asyncpg
from aiokafka.errors import KafkaError

from agents.embedded.child import Child, ChildFailedError
from agents.embedded.ports import LOOPBACK
from agents.stack import CAIRN
from tests.chaos import ledger_judge
from tests.chaos.checker import EVENTS, MILESTONES, Checker
from tests.chaos.fleet import PLAIN, Around, Fleet, Kind
from tests.chaos.group_positions import GroupPositions, Positions
from tests.chaos.load import FEW, Shape
from tests.chaos.outcome import Outcome
from tests.chaos.row import Row
from tests.chaos.scene import NotBackError, Scene
from tests.chaos.verdict import Verdict
from tests.chaos.wire import Wire
from tests.chaos.world import World

_TRACKERS = 2
_LEAST_SECONDS = 12.0  # of load in a row, so that streaks of thirty days come about
_SETTLE_SECONDS = 180.0
_LOAD_STOP_SECONDS = 200.0
_LOOK_SECONDS = 0.2

Tell = Callable[[str], None]
FAILED = (NotBackError, ChildFailedError, KafkaError, asyncpg.PostgresError, OSError, TimeoutError)


@dataclass(eq=False)
class Theatre:
    """The world with the service in it, and the checker that reads along."""

    world: World
    trackers: Fleet
    deliveries: Fleet
    wires: tuple[Wire, ...]
    positions: GroupPositions
    checker: Checker
    played: int = 0

    async def play(self, row: Row, *, seed: int, rate: float, cycles: int, part: int = 1, tell: Tell) -> Outcome:
        """Play one row and judge it.

        Raises:
            NotBackError: the service did not come back.
            ChildFailedError: a server or the load's process failed.
        """
        self.played += 1
        before = [(fleet, fleet.stuck) for fleet in (self.trackers, self.deliveries)]
        scene = self._scene(f"{seed}:{row.name}:{part}", cycles, tell)
        began_at = time.monotonic()
        load = load_process(self.world, Shape(row=scene.row, seed=seed * 1_000 + part, **row.load), rate)
        try:
            await self._until_flowing(scene)
            await row.play(scene)
            scene.heal()
            await asyncio.sleep(max(0.0, began_at + _LEAST_SECONDS - time.monotonic()))
        finally:
            await asyncio.to_thread(load.stop)
        tell("settling")
        acknowledged, load_seconds = self._told(scene.row, load)
        await self._settle(scene)
        await self._renew(odd_clocks=True)
        for fleet, stuck in before:
            scene.expect(fleet.stuck == stuck, f"{fleet.kind.name} had to be killed, it did not end")
        verdict = await self._judge(scene.row)
        missing_records = abs(acknowledged + scene.more_records - verdict.events)
        return Outcome(
            row=row.name,
            part=part,
            verdict=replace(verdict, unacknowledged=missing_records),
            faults=max(len(scene.backs), scene.cycles),
            backs=tuple(scene.backs),
            late=sum(back > row.back_seconds for back in scene.backs) if row.back_seconds else 0,
            complaints=tuple(scene.complaints),
            seconds=time.monotonic() - began_at,
            events_per_second=acknowledged / load_seconds,
            machine_load=os.getloadavg()[1],
        )

    async def judge_all(self) -> Verdict:
        """Judge all rows together."""
        await self.checker.look()
        return await self._judge("")

    def _scene(self, chance: str, cycles: int, tell: Tell) -> Scene:
        return Scene(
            world=self.world,
            trackers=self.trackers,
            deliveries=self.deliveries,
            wires=self.wires,
            positions=self.positions,
            rng=Random(chance),  # noqa: S311 - seeded
            cycles=cycles,
            row=f"r{self.played:02}",
            tell=tell,
        )

    def _told(self, name: str, load: Child) -> tuple[int, float]:
        """How many records of the load were acknowledged, and in how many seconds."""
        if load.exit_code != 0:
            raise load.failure(f"ended with status {load.exit_code}")
        told = json.loads((self.world.folder / f"{name}.json").read_text())
        return told["acknowledged"], told["seconds"]

    async def _until_flowing(self, scene: Scene) -> None:
        """Wait until the row's first events are tracked."""
        scene.tell("starting")
        while not await self.positions.tracked():  # noqa: ASYNC110 - of a new world nothing is committed yet
            await asyncio.sleep(_LOOK_SECONDS)
        await scene.tracker_back(time.monotonic())
        scene.backs.clear()

    async def _settle(self, scene: Scene) -> None:
        """Wait, without a hand in it, until everything acknowledged is applied, planned and finished."""
        await self._renew(odd_clocks=False)
        await self.checker.look()
        give_up_at = time.monotonic() + _SETTLE_SECONDS
        while behind := await self._behind(scene.row):
            if time.monotonic() > give_up_at:
                scene.complaints.append(f"not settled after {_SETTLE_SECONDS:.0f} s: {behind}")
                return
            await asyncio.sleep(0.5)
            await self.checker.look()

    async def _renew(self, *, odd_clocks: bool) -> None:
        """Let the usual processes run again; those with odd clocks after they have settled, alone."""
        for fleet, count in ((self.trackers, _TRACKERS), (self.deliveries, 1)):
            around = [member.around for member in fleet.members]
            if around != [PLAIN] * count and any(each.clock_seconds for each in around) == odd_clocks:
                await fleet.renew(PLAIN, count)

    async def _behind(self, row: str) -> str:
        """What is not done yet, in words."""
        if lag := lag_of(self.checker.last_offsets(EVENTS), await self.positions.tracked()):
            return f"{lag} events"
        await self.checker.look()
        if lag := lag_of(self.checker.last_offsets(MILESTONES), await self.positions.delivered()):
            return f"{lag} milestones"
        connection = await asyncpg.connect(self.world.dsn)
        try:
            unfinished = await connection.fetchval(ledger_judge.UNFINISHED, f"{row}-", FEW)
        finally:
            await connection.close()
        return f"{unfinished} deliveries" if unfinished else ""

    async def _judge(self, row: str) -> Verdict:
        verdict = self.checker.judge(row)
        expected = self.checker.oracle.of_row(row)
        return await ledger_judge.judge(self.world.dsn, verdict, expected, self.world.mail, row)


def load_process(world: World, shape: Shape, rate: float) -> Child:
    """Start the process that sends a row's load."""
    told = world.folder / f"{shape.row}.json"
    settings = {"kafka": world.kafka, "rate": rate, "told": str(told), "shape": asdict(shape)}
    argv = (sys.executable, "-m", "tests.chaos.producer", json.dumps(settings))
    log = world.folder / "logs" / f"load-{shape.row}.log"
    load = Child("load", argv, log=log, env=world.env, grace_seconds=_LOAD_STOP_SECONDS)
    load.start()
    return load


def lag_of(last: Positions, positions: Positions | None) -> int:
    """How many records are not done yet, given the last offset of each partition; control records do not count."""
    if positions is None:
        return sum(last.values()) + len(last)
    return sum(max(0, offset + 1 - positions.get(partition, 0)) for partition, offset in last.items())


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[Theatre]:
    """Start two trackers and one delivery; on leaving, end whatever runs."""
    async with AsyncExitStack() as closing:
        host, port = LOOPBACK, world.stack.kafka.port
        wires = [await closing.enter_async_context(Wire(target=(host, port))) for _ in range(3)]
        trackers = Fleet(kind=_cairn("track", world), folder=world.folder)
        deliveries = Fleet(kind=_cairn("deliver", world), folder=world.folder)
        for fleet, count in ((trackers, _TRACKERS), (deliveries, 1)):
            await fleet.open()
            closing.push_async_callback(fleet.close)
            for _ in range(count):
                fleet.start()
        await asyncio.gather(trackers.ready(), deliveries.ready())
        positions = GroupPositions(world.kafka, world.dsn)
        closing.push_async_callback(positions.close)
        yield Theatre(
            world=world,
            trackers=trackers,
            deliveries=deliveries,
            wires=tuple(wires),
            positions=positions,
            checker=Checker(world.kafka),
        )


def _cairn(name: str, world: World) -> Kind:
    def command(around: Around) -> tuple[str, ...]:
        if around == PLAIN:
            return CAIRN, name
        odd = json.dumps(asdict(around))
        return sys.executable, "-m", "tests.chaos.surrounded", odd, name

    return Kind(name=name, command=command, env=world.env, probe=f"CAIRN_{name.upper()}_PROBE_PORT")
