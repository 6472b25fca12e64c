"""The turnstile: how many hooks a tenant may bring in a second, and have in hand at a time.

It must never let one tenant's flood stand in another's way, nor let hooks wait without a limit: what is too much is
told to come again before it costs a read, of its body too: that is counted as it comes, for it may come slowly, and
who sends it is not known yet. A tenant's hooks wait for each other, not for those of all. Hooks that
ask their tool may take seconds each, so they never hold all of a tenant's places: what finds none of theirs is kept.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from aiolimiter import AsyncLimiter

from agents.intake.source_away import SourceBusy

_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HookLimits:
    """What one tenant may take of the intake.

    Attributes:
        per_second: hooks; as many may come at once after a pause.
        at_once: in work. Each takes a connection to Postgres for a part of the time, out of the 16 that a process has:
            two tenants that flood leave some to all others.
        asking_at_once: of these, what asks its tool meanwhile; fewer, so that a tool that hangs leaves some.
        in_hand: in work, or waiting for a place: what comes in the two seconds for which Kafka may be silent before the
            spool takes over.
        in_hand_bytes: of bodies that are read, in work, or wait for a place.
    """

    per_second: int = 500
    at_once: int = 6
    asking_at_once: int = 3
    in_hand: int = 1_000
    in_hand_bytes: int = 32 * 1024 * 1024


class TooMuchInHand(Exception):
    """The bodies of the tenant's hooks leave no room for one more."""


class Turnstile:
    """Counts hooks by tenant.

    Args:
        limits: of each tenant.
    """

    def __init__(self, limits: HookLimits) -> None:
        self._limits = limits
        self._rates = defaultdict[str, AsyncLimiter](lambda: AsyncLimiter(limits.per_second, 1))
        self._places = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(limits.at_once))
        self._in_hand = Counter[str]()
        self._in_hand_bytes = Counter[str]()
        self._asking = Counter[str]()

    async def admits(self, tenant: str) -> bool:
        """Whether one more hook of this tenant may come in now; it counts if so."""
        rate = self._rates[tenant]
        if self._in_hand[tenant] >= self._limits.in_hand:
            return False
        if not rate.has_capacity():
            return False
        await rate.acquire()  # at once: nothing is awaited between the two
        return True

    @contextmanager
    def body(self, tenant: str) -> Iterator[Callable[[int], None]]:
        """Held from the first byte of a body until its hook is answered.

        It is told of each part before that is kept: who only says that much will come takes no room from others.

        Raises:
            TooMuchInHand: others of the tenant leave no room for a part.
        """
        counted = 0

        def comes(part_bytes: int) -> None:
            nonlocal counted
            if self._in_hand_bytes[tenant] + part_bytes > self._limits.in_hand_bytes:
                raise TooMuchInHand
            self._in_hand_bytes[tenant] += part_bytes
            counted += part_bytes

        try:
            yield comes
        finally:
            self._in_hand_bytes[tenant] -= counted

    @asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[None]:
        """Held while a hook of this tenant is in work.

        Raises:
            TimeoutError: others of the tenant held all places for too long.
        """
        places = self._places[tenant]
        self._in_hand[tenant] += 1
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await places.acquire()
            try:
                yield
            finally:
                places.release()
        finally:
            self._in_hand[tenant] -= 1

    @contextmanager
    def asking(self, tenant: str) -> Iterator[None]:
        """Held while a hook of this tenant asks its tool; nobody waits for it.

        Raises:
            SourceBusy: others of the tenant hold all places for that.
        """
        if self._asking[tenant] >= self._limits.asking_at_once:
            raise SourceBusy
        self._asking[tenant] += 1
        try:
            yield
        finally:
            self._asking[tenant] -= 1
