"""Feed: wakes the readers whose inbox has something new.

It must never carry content, and never hold a message back: it only says "look again", and a
reader that is woken once too often loses nothing. One Postgres connection listens to
`cairn_inbox` for all readers; when it is lost, it is opened again after a pause that grows to
half a minute, and everybody is woken, because something may have been missed.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import structlog
from aiohttp import web

from agents.ledger.away import AWAY
from agents.ledger.pool import Connection, Pool

_CHANNEL = "cairn_inbox"
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_CHECK_SECONDS = 15.0
_READERS = 10_000
_READERS_OF_A_CLIENT = 8

_log = structlog.get_logger()


class TooManyReaders(Exception):
    """No further reader fits; the caller answers 503 and the reader polls instead."""


class Feed:
    """Tells readers that their inbox changed.

    Args:
        pool: the ledger; one of its connections is kept for listening.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: defaultdict[str, list[asyncio.Event]] = defaultdict(list)
        self._count = 0
        self.closing = False

    @contextmanager
    def subscribe(self, tenant: str, client: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the client's inbox may hold something new.

        Raises:
            TooManyReaders: the limit for all, or for this client, is reached.
        """
        key = f"{tenant}/{client}"
        if self._count >= _READERS or len(self._waiting.get(key, ())) >= _READERS_OF_A_CLIENT:
            raise TooManyReaders
        event = asyncio.Event()
        self._waiting[key].append(event)
        self._count += 1
        try:
            yield event
        finally:
            self._count -= 1
            self._waiting[key].remove(event)
            if not self._waiting[key]:
                del self._waiting[key]

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """Listen while the application runs (`cleanup_ctx`)."""
        listening = asyncio.create_task(self._listen_for_ever())
        yield
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening

    async def close(self, _app: web.Application) -> None:
        """Let every reader go (`on_shutdown`)."""
        self.closing = True
        self._wake_all()

    async def _listen_for_ever(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._pool.acquire() as connection:
                    await self._listen(connection)
                    pause_seconds = _FIRST_PAUSE_SECONDS
            except AWAY as error:
                _log.warning("inbox_feed_waits_for_database", error_type=type(error).__name__, seconds=pause_seconds)
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    async def _listen(self, connection: Connection) -> None:
        """Listen until the connection is lost."""
        lost = asyncio.Event()

        def lose(_connection: object) -> None:
            lost.set()

        connection.add_termination_listener(lose)
        await connection.add_listener(_CHANNEL, self._heard)
        try:
            self._wake_all()
            while not lost.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CHECK_SECONDS):
                        await lost.wait()
                if not lost.is_set():
                    await connection.execute("SELECT 1", timeout=_CHECK_SECONDS)  # a half-open one is never told lost
        finally:
            if not connection.is_closed():
                connection.remove_termination_listener(lose)
                await connection.remove_listener(_CHANNEL, self._heard)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        for event in self._waiting.get(str(payload), ()):
            event.set()

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()
