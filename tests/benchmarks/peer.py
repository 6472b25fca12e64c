"""One round of one peer: start it over the filled topic, watch its committed offsets, stop it, check its milestones.

Every peer is measured from outside, by the same means: its speed is how fast the offsets that it commits move
between two commits, after a warm-up; its CPU time is the operating system's. So nothing that a peer has read but not
finished counts, and a peer that commits seldom is measured between two of its commits.
"""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from agents.embedded.child import Child
from schemas.topics import EVENTS
from tests.benchmarks.processes import process_of
from tests.benchmarks.stage import Stage

_SAMPLE_SECONDS = 0.1
WARM_SECONDS = 10.0  # a JVM compiles what is hot meanwhile
_START_SECONDS = 180.0
_STALL_SECONDS = 60.0
_MEGABYTE = 1_000_000


class NotMeasuredError(Exception):
    """A peer did not run far enough to be measured; the text says how far, and quotes its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A program that reads the events and commits its progress.

    Attributes:
        name: what people call it.
        guarantee: what it promises, as it says itself.
        group: its consumer group.
        output: the topic it writes to.
        decides: whether what it writes are milestones.
        argv: its command line.
        env: its environment.
    """

    name: str
    guarantee: str
    group: str
    output: str
    decides: bool
    argv: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What one round measured.

    Attributes:
        cpu_us_per_event: user and system time of the process, all its threads.
        peak_mb: of its resident memory.
        seconds: from the first commit after the warm-up to the last that was measured.
    """

    events_per_second: float
    cpu_us_per_event: float
    peak_mb: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was seen of a peer at one moment: events committed, its process's CPU time and memory."""

    at_seconds: float
    committed: int
    cpu_seconds: float
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A peer that ran and was stopped.

    Attributes:
        samples: in order of time, from its start.
        committed: the offsets committed when it had ended, by partition.
        warm_seconds: how long after its first commit it is warm.
    """

    samples: tuple[Sample, ...]
    committed: Mapping[int, int]
    warm_seconds: float

    def speed(self) -> Speed:
        """How fast it was once it was warm.

        Raises:
            NotMeasuredError: it committed too seldom.
        """
        moves = _moves(self.samples)
        warm = _warm(moves, self.warm_seconds)
        if len(warm) < 2:
            raise NotMeasuredError(f"committed {len(moves)} times only, {len(warm)} of them after the warm-up")
        first, last = warm[0], warm[-1]
        events, seconds = last.committed - first.committed, last.at_seconds - first.at_seconds
        return Speed(
            events_per_second=events / seconds,
            cpu_us_per_event=(last.cpu_seconds - first.cpu_seconds) * 1e6 / events,
            peak_mb=max(sample.memory_bytes for sample in self.samples) / _MEGABYTE,
            seconds=seconds,
        )


async def run(
    stage: Stage,
    peer: Peer,
    total: int,
    *,
    seconds: float = math.inf,
    warm_seconds: float = WARM_SECONDS,
) -> Run:
    """Run one round.

    Args:
        stage: the running servers.
        peer: whose state, group and output topics are new.
        total: how many events the topic holds.
        seconds: how long it is measured once it is warm, unless it reaches the end of the topic before.
        warm_seconds: how long after its first commit it is warm.

    Raises:
        ChildFailedError: it ended or stood still; the text quotes its log.
    """
    child = Child(peer.name, peer.argv, log=stage.folder / f"{peer.group}.log", env=peer.env)
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.kafka)
    await admin.start()
    child.start()
    try:
        samples = await _watch(admin, child, peer.group, total, (warm_seconds, seconds))
        await asyncio.to_thread(child.stop)  # in order: a peer may commit once more
        committed = await committed_by(admin, peer.group)
    finally:
        await asyncio.to_thread(child.stop)
        await admin.close()
    return Run(samples=tuple(samples), committed=committed, warm_seconds=warm_seconds)


async def _watch(
    admin: AIOKafkaAdminClient, child: Child, group: str, total: int, limits: tuple[float, float]
) -> list[Sample]:
    process, (warm_seconds, seconds) = process_of(child), limits
    samples = [Sample(at_seconds=time.monotonic(), committed=0, cpu_seconds=0, memory_bytes=0)]
    while samples[-1].committed < total:
        await asyncio.sleep(_SAMPLE_SECONDS)
        try:
            samples.append(_sample(process, sum((await committed_by(admin, group)).values())))
        except psutil.NoSuchProcess:
            raise child.failure("ended by itself") from None
        moves = _moves(samples)
        warm = _warm(moves, warm_seconds)
        if warm and warm[-1].at_seconds - warm[0].at_seconds >= seconds:
            break
        last, limit = (moves[-1], _STALL_SECONDS) if moves else (samples[0], _START_SECONDS)
        if samples[-1].at_seconds - last.at_seconds > limit:
            raise child.failure(f"stands still after {samples[-1].committed} of {total} events")
    return samples


def _moves(samples: Sequence[Sample]) -> list[Sample]:
    """The samples that first saw a commit."""
    return [after for before, after in pairwise(samples) if after.committed > before.committed]


def _warm(moves: Sequence[Sample], after_seconds: float) -> list[Sample]:
    return [move for move in moves if move.at_seconds >= moves[0].at_seconds + after_seconds]


def _sample(process: psutil.Process, committed: int) -> Sample:
    with process.oneshot():
        cpu = process.cpu_times()
        return Sample(
            at_seconds=time.monotonic(),
            committed=committed,
            cpu_seconds=cpu.user + cpu.system,
            memory_bytes=process.memory_info().rss,
        )


async def committed_by(admin: AIOKafkaAdminClient, group: str) -> dict[int, int]:
    """The offsets that a group has committed in the events topic, by partition."""
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        return {}
    return {one.partition: position.offset for one, position in offsets.items() if one.topic == EVENTS}
