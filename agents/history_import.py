"""`cairn import`: history from a file onto the events topic, slowly, and from where it was left.

Must never lose a good line or let a bad one stop the others: a line is imported, or it stands
among the rejected ones with its number and reason.

Theory of operation: lines are read and published a chunk at a time. When Kafka has
acknowledged a chunk and its rejected lines are on the disk, the checkpoint is put down. What a
crash lets happen twice is one chunk, whose ids the tracker still knows.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from msgspec.structs import replace

from agents.cluster_facts import ask_cluster
from agents.import_checkpoint import Progress, Task, digest_of, load_progress, save_progress
from agents.import_format import Format
from agents.publishing import open_publisher
from agents.rejects import Rejects


class ImportRunningError(Exception):
    """Another process imports the same file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob:
    """What is imported, and how.

    Attributes:
        format: how the file is read.
        rejects: where lines go that cannot be taken in.
        rate: events a second, at most.
    """

    file: Path
    rejects: Path
    format: Format
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
            tenant=job.format.tenant,
            live=job.format.live,
            cluster=cluster.cluster_id,
            mapping=job.format.mapping,
        )
        before = progress = load_progress(job.checkpoint, task)
        with Rejects(job.rejects, progress.rejects_bytes) as rejects:
            async with open_publisher(options, rate=job.rate) as publisher:
                lines = job.format.lines(file, progress)
                at_once = max(1, publisher.chunk_records // job.format.records_a_line)
                while chunk := list(islice(lines, at_once)):
                    taken = await job.format.take(chunk, publisher)
                    for line, refusal in taken.refused:
                        rejects.write(line, refusal)
                    progress = replace(
                        progress,
                        offset=chunk[-1].end,
                        lines=chunk[-1].last_number,
                        imported=progress.imported + taken.events,
                        profiles=progress.profiles + taken.profiles,
                        rejected=progress.rejected + len(taken.refused),
                        rejects_bytes=rejects.flushed(),
                    )
                    save_progress(job.checkpoint, task, progress)
                    show(progress)
    return before, progress


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImportRunningError(f"{path} is being imported by another process.") from None
        yield file
