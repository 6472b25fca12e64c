"""A wire: a TCP proxy that can be cut, stalled, slowed, and sprung when a chosen request passes.

Must never understand more of a protocol than the first bytes of a request.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Self

_CHUNK_BYTES = 64 * 1024
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() sends RST
_END_TXN, _ADD_PARTITIONS = 26, 24

IsMark = Callable[[bytes], bool]


def is_commit_of_postgres(asked: bytes) -> bool:
    """Whether a simple query of PostgreSQL's protocol commits."""
    return b"COMMIT;\x00" in asked


def begins_transaction(asked: bytes) -> bool:
    """Whether a request of Kafka's protocol is the first of a transaction that writes."""
    return _api_key(asked) == _ADD_PARTITIONS


def ends_transaction(asked: bytes) -> bool:
    """Whether a request of Kafka's protocol commits a transaction."""
    return _api_key(asked) == _END_TXN


def _api_key(asked: bytes) -> int:
    return int.from_bytes(asked[4:6], "big")


@dataclass
class Trap:
    """Springs when a marked request passes: before it is passed on, or when its answer comes and is lost.

    Attributes:
        is_mark: tells a marked request.
        at: the request itself, or its answer.
        spring: what happens then; the connection ends with it.
        times: how often.
    """

    is_mark: IsMark
    at: Literal["request", "answer"]
    spring: Callable[[], None]
    times: int = 1
    sprung: int = 0

    def catches(self, asked: bytes) -> bool:
        """Whether this request springs it."""
        return self.sprung < self.times and self.is_mark(asked)

    def go(self) -> None:
        """Spring."""
        self.sprung += 1
        self.spring()


@dataclass
class Wire:
    """The proxy.

    Attributes:
        target: where connections lead.
        stalled: connections stay and nothing passes (half-open).
        refusing: nobody is let in.
        delay_seconds: what every chunk waits.
        bytes_per_second: the most that a connection carries; 0 for no limit.
        trap: what waits for a request.
    """

    target: tuple[str, int]
    stalled: bool = False
    refusing: bool = False
    delay_seconds: float = 0.0
    bytes_per_second: int = 0
    trap: Trap | None = None
    port: int = 0
    _pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def heal(self) -> None:
        """As a wire should be; what was stalled ends, as after a time-out of the network."""
        if self.stalled:
            self.cut()
        self.stalled = self.refusing = False
        self.delay_seconds = self.bytes_per_second = 0
        self.trap = None

    def cut(self, *, reset: bool = False) -> None:
        """End every connection, in order or by a reset."""
        for pair in tuple(self._pairs):
            for writer in pair:
                if reset and (raw := writer.get_extra_info("socket")) is not None:
                    with suppress(OSError):
                        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort() if reset else writer.close()
        self._pairs.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.close()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        pair = (writer, there_writer)
        self._pairs.add(pair)
        caught = asyncio.Event()
        for way in (self._requests(reader, there_writer, caught), self._answers(there_reader, writer, caught)):
            task = asyncio.create_task(self._until_end(way, pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _until_end(self, way: "asyncio.Future[None]", pair: tuple[asyncio.StreamWriter, ...]) -> None:
        with suppress(OSError):
            await way
        self._pairs.discard(pair)
        for writer in pair:
            writer.close()

    async def _requests(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, caught: asyncio.Event) -> None:
        while chunk := await source.read(_CHUNK_BYTES):
            if self.trap is not None and self.trap.catches(chunk):
                if self.trap.at == "request":
                    self.trap.go()
                    return
                caught.set()
            await self._pass(chunk, sink)

    async def _answers(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, caught: asyncio.Event) -> None:
        while chunk := await source.read(_CHUNK_BYTES):
            if caught.is_set():
                if self.trap is not None and self.trap.sprung < self.trap.times:
                    self.trap.go()
                    return
                caught.clear()
            await self._pass(chunk, sink)

    async def _pass(self, chunk: bytes, sink: asyncio.StreamWriter) -> None:
        while self.stalled:  # noqa: ASYNC110 - as long as the fault lasts
            await asyncio.sleep(0.1)
        seconds = self.delay_seconds
        if self.bytes_per_second:
            seconds += len(chunk) / self.bytes_per_second
        if seconds:
            await asyncio.sleep(seconds)
        sink.write(chunk)
        await sink.drain()
