"""One round of one peer: start it over the filled topic, watch its committed offsets, stop it, check its milestones.

Every peer is measured from outside, by the same means: its speed is how fast the offsets that it commits move
between two commits, after a warm-up; its CPU time is the operating system's. So nothing that a peer has read but not
finished counts, and a peer that commits seldom is measured between two of its commits.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
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
_WARM_SECONDS = 3.0
_START_SECONDS = 180.0
_STALL_SECONDS = 30.0
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
        seconds: when it is stopped, counted from its first commit; None lets it read the whole log.
    """

    name: str
    guarantee: str
    group: str
    output: str
    decides: bool
    argv: tuple[str, ...]
    env: Mapping[str, str]
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What one round measured.

    Attributes:
        committed: the offsets committed when the peer had ended, by partition.
    """

    events_per_second: float
    cpu_us_per_event: float
    peak_mb: float
    committed: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    at_seconds: float
    committed: int
    cpu_seconds: float
    memory_bytes: int


async def run(stage: Stage, peer: Peer, total: int, at_end: Callable[[], None] = lambda: None) -> Speed:
    """Run one round.

    Args:
        stage: the running servers.
        peer: whose state, group and output topics are new.
        total: how many events the topic holds.
        at_end: is called when the last one was committed, while the peer still runs.

    Raises:
        NotMeasuredError: it ended, stood still or was too slow.
    """
    child = Child(peer.name, peer.argv, log=stage.folder / f"{peer.group}.log", env=peer.env)
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.kafka)
    await admin.start()
    child.start()
    try:
        samples = await _watch(admin, child, peer, total)
        await asyncio.to_thread(at_end)
        await asyncio.to_thread(child.stop)  # in order: a peer may commit once more
        committed = await _committed(admin, peer.group)
    finally:
        await asyncio.to_thread(child.stop)
        await admin.close()
    try:
        return _speed(samples, committed)
    except NotMeasuredError as error:
        raise child.failure(str(error)) from error


async def _watch(admin: AIOKafkaAdminClient, child: Child, peer: Peer, total: int) -> list[_Sample]:
    process = process_of(child)
    samples = [_Sample(at_seconds=time.monotonic(), committed=0, cpu_seconds=0, memory_bytes=0)]
    moved_at = began_at = 0.0
    while samples[-1].committed < total:
        await asyncio.sleep(_SAMPLE_SECONDS)
        try:
            sample = _sample(process, sum((await _committed(admin, peer.group)).values()))
        except psutil.NoSuchProcess:
            raise child.failure("ended by itself") from None
        if sample.committed > samples[-1].committed:
            moved_at = sample.at_seconds
            began_at = began_at or moved_at
        samples.append(sample)
        if sample.at_seconds - (moved_at or samples[0].at_seconds) > (_STALL_SECONDS if moved_at else _START_SECONDS):
            raise child.failure(f"stands still after {sample.committed} of {total} events")
        if began_at and peer.seconds and sample.at_seconds - began_at > peer.seconds:
            break
    return samples


def _sample(process: psutil.Process, committed: int) -> _Sample:
    with process.oneshot():
        cpu = process.cpu_times()
        return _Sample(
            at_seconds=time.monotonic(),
            committed=committed,
            cpu_seconds=cpu.user + cpu.system,
            memory_bytes=process.memory_info().rss,
        )


async def _committed(admin: AIOKafkaAdminClient, group: str) -> dict[int, int]:
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        return {}
    return {one.partition: position.offset for one, position in offsets.items() if one.topic == EVENTS}


def _speed(samples: list[_Sample], committed: Mapping[int, int]) -> Speed:
    moves = [after for before, after in pairwise(samples) if after.committed > before.committed]
    warm = [move for move in moves if move.at_seconds >= moves[0].at_seconds + _WARM_SECONDS]
    if len(warm) < 2:
        raise NotMeasuredError(f"committed {len(moves)} times only, {len(warm)} of them after the warm-up")
    first, last = warm[0], warm[-1]
    events = last.committed - first.committed
    return Speed(
        events_per_second=events / (last.at_seconds - first.at_seconds),
        cpu_us_per_event=(last.cpu_seconds - first.cpu_seconds) * 1e6 / events,
        peak_mb=max(sample.memory_bytes for sample in samples) / _MEGABYTE,
        committed=committed,
    )
