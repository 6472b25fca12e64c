"""`cairn import`: history from a file onto the events topic, slowly, and from where it was left.

Must never lose a good line or let a bad one stop the others: a line is imported, or it stands
among the rejected ones with its number and reason.

Theory of operation: lines are read, prepared and published a chunk at a time. When Kafka has
acknowledged a chunk and its rejected lines are on the disk, the checkpoint is put down. What a
crash lets happen twice is one chunk, whose ids the tracker still knows.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from msgspec.structs import replace

from agents.cluster_facts import ask_cluster
from agents.import_checkpoint import Progress, Task, digest_of, load_progress, save_progress
from agents.import_lines import LinePreparer
from agents.numbered_lines import NumberedLine, read_lines
from agents.publishing import KeyedEvent, open_publisher
from agents.rejects import Rejects
from schemas.codec import Refused

_LINES_AT_ONCE = 5_000


class ImportRunningError(Exception):
    """Another process imports the same file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob:
    """What is imported, and how.

    Attributes:
        rejects: where lines go that are no events.
        rate: events a second, at most.
    """

    file: Path
    rejects: Path
    preparer: LinePreparer
    rate: int

    @property
    def checkpoint(self) -> Path:
        """Where its progress is kept: beside the file."""
        return self.file.with_name(f"{self.file.name}.checkpoint.json")


async def import_history(
    options: dict[str, Any], job: ImportJob, show: Callable[[Progress], object]
) -> tuple[Progress, Progress]:
    """Import a file, or go on with it; returns how far it was before and how far it is.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.
        job: what is imported.
        show: is told after every chunk.

    Raises:
        ImportRunningError: another process is at it.
        CheckpointRefusedError: the checkpoint beside the file is of another import.
        TopicMissingError: the broker has no events topic.
        KafkaError: Kafka went away; the checkpoint says how far it was.
    """
    with _locked(job.file) as file:
        cluster = await ask_cluster(options)
        task = Task(
            digest=digest_of(job.file),
            tenant=job.preparer.tenant,
            live=job.preparer.live,
            cluster=cluster.cluster_id,
        )
        before = progress = load_progress(job.checkpoint, task)
        file.seek(progress.offset)
        with Rejects(job.rejects, progress.rejects_bytes) as rejects:
            async with open_publisher(options, rate=job.rate) as publisher:
                lines = read_lines(file, progress.offset, progress.lines)
                while chunk := _next_chunk(lines, job.preparer, rejects, publisher.chunk_records):
                    if chunk.events:
                        await publisher.publish(chunk.events)
                    progress = replace(
                        progress,
                        offset=chunk.last.end,
                        lines=chunk.last.number,
                        imported=progress.imported + len(chunk.events),
                        rejected=progress.rejected + chunk.rejected,
                        rejects_bytes=rejects.flushed(),
                    )
                    save_progress(job.checkpoint, task, progress)
                    show(progress)
    return before, progress


class _Chunk(NamedTuple):
    events: list[KeyedEvent]
    rejected: int
    last: NumberedLine


def _next_chunk(lines: Iterator[NumberedLine], preparer: LinePreparer, rejects: Rejects, size: int) -> _Chunk | None:
    """The next events, at most `size`; None at the end. Rejected lines are written down."""
    events: list[KeyedEvent] = []
    rejected = 0
    last = None
    for _, line in zip(range(_LINES_AT_ONCE), lines, strict=False):
        last = line
        if not line.content.isspace():
            try:
                events.append(preparer.prepare(line.content).record)
            except Refused as refusal:
                rejected += 1
                rejects.write(line, refusal)
        if len(events) == size:
            break
    return None if last is None else _Chunk(events, rejected, last)


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImportRunningError(f"{path} is being imported by another process.") from None
        yield file
