"""The sender: claims what is due on one channel and keeps a bounded number of attempts in flight.

It must never let one bad recipient delay the others, hold more claims than it can work on, or
stop because one attempt failed.

Theory of operation: one sender a channel, so that a hanging mail server never delays the inbox.
It claims as many as it has free slots, starts an attempt for each, and sleeps until a slot is
free, a notification comes, the next one falls due, or a bound has passed. Claims come a moment
apart, so that under load one statement takes several, and another reads what decides about them
all. When the database is
away it waits and says so.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from agents.attempt import Attempts
from agents.ledger.away import AWAY
from agents.ledger.deliveries import Claimed, Facts, claim, next_due
from agents.ledger.pool import Pool

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderLimits:
    """The bounds of one sender.

    Attributes:
        in_flight: attempts at a time.
        lease_seconds: how long a claim is ours before the point of no return; longer than asking,
            rendering and everything that precedes it.
        poll_seconds: the longest it sleeps.
        drain_seconds: how long attempts in flight may go on when it is told to stop.
        claim_seconds: the least time between two claims.
    """

    in_flight: int = 16
    lease_seconds: float = 120.0
    poll_seconds: float = 5.0
    drain_seconds: float = 10.0
    claim_seconds: float = 0.03


class Sender:
    """Sends on one channel.

    Args:
        channel: its name.
        pool: the ledger.
        attempts: makes one attempt.
        wakeup: set when something new may be due.
        now: domain time.
        real_seconds: how long a span of domain seconds takes in real ones.
        limits: the bounds.
    """

    def __init__(
        self,
        channel: str,
        *,
        pool: Pool,
        attempts: Attempts,
        wakeup: asyncio.Event,
        now: Callable[[], datetime],
        real_seconds: Callable[[float], float] = float,
        limits: SenderLimits | None = None,
    ) -> None:
        self._channel = channel
        self._pool = pool
        self._attempts = attempts
        self._wakeup = wakeup
        self._now = now
        self._real_seconds = real_seconds
        self._limits = limits or SenderLimits()
        self._flying: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until cancelled; then attempts in flight may finish, bounded."""
        try:
            while True:
                try:
                    await self._round()
                except AWAY as error:
                    _log.warning("ledger.away", channel=self._channel, error_type=type(error).__name__)
                    await asyncio.sleep(1.0)
        finally:
            await self._drain()

    async def flush(self) -> int:
        """Send what is due now and wait for it; returns how many attempts were made."""
        made = 0
        while claimed := await self._claim():
            made += len(claimed)
            await asyncio.gather(*self._flying)
        return made

    async def _round(self) -> None:
        self._wakeup.clear()
        if await self._claim():
            await asyncio.sleep(self._limits.claim_seconds)
        else:
            await self._sleep()

    async def _claim(self) -> tuple[Claimed, ...]:
        free = self._limits.in_flight - len(self._flying)
        if free <= 0:
            return ()
        claimed = await claim(
            self._pool,
            channel=self._channel,
            now=self._now(),
            limit=free,
            lease_seconds=self._limits.lease_seconds,
        )
        if not claimed:
            return ()
        reading = asyncio.create_task(self._read(claimed))  # nothing is awaited before each claim has its attempt
        for delivery in claimed:
            task = asyncio.create_task(self._attempt(delivery, reading))
            self._flying.add(task)
            task.add_done_callback(self._landed)
        return claimed

    async def _read(self, claimed: Sequence[Claimed]) -> Mapping[str, Facts] | None:
        """What decides about them; None when it could not be read of all at once."""
        try:
            return await self._attempts.read(claimed)
        except Exception as error:  # noqa: BLE001 - each by itself then; the one that it is about is parked
            _log.warning("facts.not_read", channel=self._channel, error_type=type(error).__name__)
            return None

    async def _attempt(self, claimed: Claimed, reading: asyncio.Task[Mapping[str, Facts] | None]) -> None:
        try:
            facts = await asyncio.shield(reading)
            if facts is None:
                facts = await self._attempts.read((claimed,))
            await self._attempts.make(claimed, facts.get(claimed.delivery_id))
        except AWAY as error:
            _log.warning("ledger.away", delivery_id=claimed.delivery_id, error_type=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - parked by its lease: claimed again when that ends, until it expires
            _log.error("attempt.failed", delivery_id=claimed.delivery_id, error_type=type(error).__name__)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._wakeup.set()

    async def _sleep(self) -> None:
        seconds = self._limits.poll_seconds
        if len(self._flying) < self._limits.in_flight:
            now = self._now()
            due_at, retry_seconds = await next_due(self._pool, channel=self._channel, now=now)
            waits = [seconds, *([retry_seconds] if retry_seconds is not None else [])]
            if due_at is not None:
                waits.append(self._real_seconds((due_at - now).total_seconds()))
            seconds = max(min(waits), 0.01)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wakeup.wait()

    async def _drain(self) -> None:
        if self._flying:
            _, late = await asyncio.wait(self._flying, timeout=self._limits.drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
