"""The spool: a bounded file that keeps accepted records while Kafka is away.

It must never acknowledge a record before the disk has it, reorder records, or grow beyond its
limit. Records that stand in it may reach Kafka twice (after a crash while it is being emptied),
never not at all: events drop out by their id, and a profile is the whole one each time.

Theory of operation: one append-only file of frames (`agents.intake.frames`), which is put right
when it is opened (`agents.intake.spool_file`). Appends that meet share one write and one fsync(2).
It is read from its start and cut to nothing once all of it was read; no position is kept, so a
crash reads it again.
"""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from agents.intake import spool_file
from agents.intake.frames import frame, frames
from agents.intake.outgoing import Outgoing
from agents.metrics import SPOOL_BYTES

_CHUNK_BYTES = 1024 * 1024
_ROOM_BYTES = 64 * 1024
_REFUSED_SECONDS = 30.0
_FILE = "intake.spool"


class SpoolFull(Exception):
    """The limit is reached; whoever sent the record must send it again later."""


class SpoolDamaged(Exception):
    """What stood whole in the file cannot be read any more; the next opening puts the file right."""


class Spool:
    """An ordered, crash-safe, bounded queue of records in `folder`.

    Args:
        folder: made when missing; one process at a time.
        max_bytes: the file's limit.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._path = folder / _FILE
        self._max_bytes = max_bytes
        self._file = -1
        self._written = 0
        self._refused_until = 0.0
        self._read = 0
        self._read_next = 0
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._waiting_bytes = 0
        self._lock = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing stands in it and nothing is about to."""
        return self._written == 0 and not self._waiting_bytes

    @property
    def size_bytes(self) -> int:
        """What it takes of its limit now."""
        return self._written + self._waiting_bytes

    @property
    def has_room(self) -> bool:
        """Another few records fit, and the disk has refused none just now.

        A refusal counts for half a minute: to whom nothing is sent any more nobody shows that the disk takes it again.
        """
        return monotonic() >= self._refused_until and self.size_bytes + _ROOM_BYTES <= self._max_bytes

    @property
    def unread_bytes(self) -> int:
        """What of it was not yet passed by `advance`."""
        return self._written - self._read

    def open(self) -> None:
        """Take the file; what a crash left unfinished in it is cut off, and damage is put right.

        Raises:
            spool_file.SpoolInUse: another process holds it.
            OSError: the folder cannot be written.
        """
        self._file, self._written = spool_file.take(self._path)
        SPOOL_BYTES.set(self._written)

    def close(self) -> None:
        """Let go of the file; what stands in it stays."""
        os.close(self._file)
        self._file = -1

    async def append(self, records: Sequence[Outgoing]) -> None:
        """Keep the records, in order and all or none; returns once the disk has them.

        Raises:
            SpoolFull: the limit would be passed.
            OSError: the disk refused; nothing of them was kept.
        """
        frames = b"".join(frame(record) for record in records)
        if self.size_bytes + len(frames) > self._max_bytes:
            raise SpoolFull(f"the spool is at its limit of {self._max_bytes} bytes")
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((frames, kept))
        self._waiting_bytes += len(frames)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting(), name="spool")
        await asyncio.shield(kept)

    async def _write_waiting(self) -> None:
        """Write all that waits. A task of its own: whoever gives up waiting must not end a half-done write."""
        while self._waiting:
            async with self._lock:
                waiting, self._waiting = self._waiting, []
                frames = b"".join(part for part, _ in waiting)
                error = await asyncio.to_thread(_written, self._file, frames, self._written)
                self._refused_until = monotonic() + _REFUSED_SECONDS if error else 0.0
                self._waiting_bytes -= len(frames)
                self._written += 0 if error else len(frames)
                SPOOL_BYTES.set(self._written)
            for _, kept in waiting:
                if error:
                    kept.set_exception(error)
                else:
                    kept.set_result(None)

    def next_batch(self) -> tuple[Outgoing, ...]:
        """The oldest records not yet passed by `advance`; empty when there is none.

        Raises:
            SpoolDamaged: there are some, and they cannot be read.
        """
        batch = []
        self._read_next = self._read
        for record, size in frames(self._file, self._read, self._written):
            batch.append(record)
            self._read_next += size
            if self._read_next - self._read >= _CHUNK_BYTES:
                break
        if not batch and self.unread_bytes:
            raise SpoolDamaged(f"{self._path} cannot be read at byte {self._read}")
        return tuple(batch)

    def advance(self) -> None:
        """The last batch is in Kafka; go on behind it."""
        self._read = self._read_next

    async def clear_if_read(self) -> bool:
        """Cut the file to nothing if all of it was passed; False when there is more to read."""
        async with self._lock:
            if self._read < self._written:
                return False
            await asyncio.to_thread(_cut, self._file, 0)
            self._written = self._read = self._read_next = 0
            SPOOL_BYTES.set(0)
            return True


def _written(file: int, frames: bytes, at: int) -> OSError | None:
    """Put all of the frames on the disk, or none: a half-written tail would hide what follows it."""
    try:
        done = 0
        while done < len(frames):
            done += os.pwrite(file, frames[done:], at + done)
        os.fsync(file)
    except OSError as error:
        with contextlib.suppress(OSError):  # what is left is cut off by the next opening
            os.ftruncate(file, at)
        return error
    return None


def _cut(file: int, at: int) -> None:
    os.ftruncate(file, at)
    os.fsync(file)
