"""The scene of a row: the world, the processes on it, and the measures that a row takes.

What is done here by hand is what an hour of waiting would do: the leases of a sender that was killed end at once,
instead of two minutes, or fifteen for a mail that was being sent, later.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

import asyncpg

from tests.chaos.fleet import Around, Fleet, Member
from tests.chaos.group_positions import GroupPositions, Positions
from tests.chaos.ledger_judge import name_of
from tests.chaos.wire import Wire
from tests.chaos.world import World

SESSION_SECONDS = 10.0
BACK_SECONDS = SESSION_SECONDS + 5.0
_PATIENCE_SECONDS = 180.0
_LOOK_SECONDS = 0.2
_LAST_WORDS_SECONDS = 0.5

Ask = Callable[[], Awaitable[Positions | None]]
_Found = TypeVar("_Found")


class NotBackError(Exception):
    """Nothing was committed for too long after a fault."""


@dataclass(eq=False)
class Scene:
    """What a row has to hand.

    Attributes:
        world: the servers.
        trackers: the tracker's processes.
        deliveries: delivery's.
        wires: stand between processes and broker, once `detour` was called.
        positions: where both stand.
        rng: decides what is left to chance.
        cycles: how often the row's fault is to happen.
        row: the first part of the clients' ids.
        tell: shows people how far it is.
        backs: seconds from each fault to the first commit after it.
        complaints: what went otherwise than expected, in words.
        more_records: records that the row itself put on the events topic.
    """

    world: World
    trackers: Fleet
    deliveries: Fleet
    wires: tuple[Wire, ...]
    positions: GroupPositions
    rng: Random
    cycles: int
    row: str
    tell: Callable[[str], None] = lambda _: None
    backs: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    more_records: int = 0

    async def each_cycle(self) -> AsyncIterator[int]:
        """Count the cycles, with a random moment before each."""
        for cycle in range(self.cycles):
            back = f", back after {self.backs[-1]:.1f} s" if self.backs else ""
            self.tell(f"{cycle + 1} of {self.cycles}{back}")
            await asyncio.sleep(self.rng.uniform(0.5, 2.5))
            yield cycle

    def any_tracker(self) -> Member:
        """One of the trackers."""
        return self.rng.choice(self.trackers.members)

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note what is not as it should be."""
        if not holds:
            self.complaints.append(otherwise)

    async def tracked(self) -> Positions:
        """Where the trackers stand."""
        return await answered(self.positions.tracked)

    async def tracker_back(self, since: float) -> None:
        """Wait until every partition has committed events again; measured from the fault, or its end, at `since`."""
        await self._back(self.positions.tracked, since, "tracker")

    async def delivery_back(self, since: float) -> None:
        """Wait until milestones of every partition are planned again."""
        await self._back(self.positions.delivered, since, "delivery")

    async def _back(self, ask: Ask, since: float, who: str) -> None:
        before = await answered(ask)  # after the fault: what was committed before it is no sign of life
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            now = await ask()
            if now and all(now.get(partition, 0) > offset for partition, offset in before.items()):
                break
            if time.monotonic() > give_up_at:
                raise NotBackError(f"{who}: nothing of some partitions in {_PATIENCE_SECONDS:.0f} s: {before} {now}")
            await asyncio.sleep(_LOOK_SECONDS)
        self.backs.append(time.monotonic() - since)

    async def detour(self) -> None:
        """Let trackers and delivery reach the broker through wires, each tracker through its own."""
        await asyncio.gather(
            *(self.trackers.terminate(member) for member in tuple(self.trackers.members)),
            *(self.deliveries.terminate(member) for member in tuple(self.deliveries.members)),
        )
        first, second, third = self.wires
        self.trackers.start(Around(detour=first.port))
        self.trackers.start(Around(detour=second.port))
        self.deliveries.start(Around(detour=third.port))
        await asyncio.gather(self.trackers.ready(), self.deliveries.ready())

    async def bury_sender(self) -> None:
        """The one sender is dead: its leases end, and what it was sending is in doubt."""
        await asyncio.sleep(_LAST_WORDS_SECONDS)  # the server still carries out what it was told last
        connection = await asyncpg.connect(self.world.dsn)
        try:
            sending = await connection.fetch("SELECT delivery_id FROM deliveries WHERE state = 'sending'")
            self.world.mail.in_doubt |= {name_of(row["delivery_id"]) for row in sending}
            await connection.execute("UPDATE deliveries SET lease_until = now() WHERE lease_until > now()")
        finally:
            await connection.close()

    def heal(self) -> None:
        """End every fault of wires and mail server."""
        for wire in (*self.wires, self.world.ledger_wire):
            wire.heal()
        self.world.mail.answers.clear()


async def answered(ask: Callable[[], Awaitable[_Found | None]]) -> _Found:
    """What other processes have, once they have something: asked again and again, with a bound."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while not (found := await ask()):
        if time.monotonic() > give_up_at:
            raise NotBackError(f"nobody answered in {_PATIENCE_SECONDS:.0f} s")
        await asyncio.sleep(_LOOK_SECONDS)
    return found
