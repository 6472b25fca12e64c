"""Wake-up: tells senders that something new is due, by LISTEN/NOTIFY on a connection of its own.

A notification may get lost with its connection; senders also look by themselves now and then,
so a wake-up makes things quick and is never needed for them to happen.
"""

import asyncio
from contextlib import suppress
from typing import Final

import asyncpg
import structlog

from agents.ledger.away import AWAY

CHANNEL: Final = "cairn_deliveries"
_RECONNECT_SECONDS: Final = 1.0
_CHECK_SECONDS: Final = 15.0
_log = structlog.get_logger()


class Wakeup:
    """Listens on `dsn` while `run` runs; each waiter has an event of its own."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._waiters: list[asyncio.Event] = []

    def waiter(self) -> asyncio.Event:
        """An event that every notification sets; whoever waits clears it."""
        event = asyncio.Event()
        self._waiters.append(event)
        return event

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is made again."""
        while True:
            try:
                await self._listen()
            except AWAY as error:
                _log.warning("wakeup.lost", error_type=type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=10)
        try:
            await connection.add_listener(CHANNEL, self._wake)
            self._wake()
            while True:
                await asyncio.sleep(_CHECK_SECONDS)
                await connection.execute("SELECT 1", timeout=10)
        finally:
            with suppress(*AWAY):
                await connection.close(timeout=1)

    def _wake(self, *_notification: object) -> None:
        for event in self._waiters:
            event.set()
