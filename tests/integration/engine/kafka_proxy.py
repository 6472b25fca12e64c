"""A TCP proxy in front of a broker that understands enough of Kafka's framing to lose a chosen answer."""

import asyncio
from contextlib import suppress
from struct import unpack_from
from typing import Self

_END_TXN = 26


class KafkaProxy:
    """Forwards everything; answers to EndTxn may vanish after the broker has acted."""

    def __init__(self, bootstrap_servers: str) -> None:
        host, port = bootstrap_servers.split(":")
        self._target = (host, int(port))
        self._after = self._count = 0
        self._commits = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.swallowed = 0
        self.port = 0

    def swallow_commit_answers(self, *, after: int, count: int) -> None:
        self._after, self._count = after, count

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        lost: set[int] = set()
        for way in (self._requests(reader, there_writer, lost), self._answers(there_reader, writer, lost)):
            task = asyncio.create_task(way)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _requests(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, lost: set[int]) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await _frame(source)
                api_key, _, correlation = unpack_from(">hhi", frame, 4)
                if api_key == _END_TXN:
                    self._commits += 1
                    if self._commits > self._after and self.swallowed < self._count:
                        self.swallowed += 1
                        lost.add(correlation)
                sink.write(frame)
        sink.close()

    async def _answers(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, lost: set[int]) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await _frame(source)
                if unpack_from(">i", frame, 4)[0] not in lost:
                    sink.write(frame)
        sink.close()


async def _frame(source: asyncio.StreamReader) -> bytes:
    size = await source.readexactly(4)
    return size + await source.readexactly(int.from_bytes(size, "big"))
