"""Consumption whose positions live outside Kafka, in the database that also keeps the results.

Must never commit an offset to Kafka: results and position change in one transaction of the other store, or not at all.

Theory of operation: `claim` takes a partition of a topic over (it bumps an epoch, so that a paused former owner is
turned away) and returns the next offset; `apply` makes a batch durable together with that offset. A batch starts at
the last position applied, whatever control records lie between, so the store can compare exactly; when it disagrees it
raises `ReseekError` and the partition is read again from there. `apply` itself waits for a store that is away.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from aiokafka import TopicPartition

from agents.engine.batch import Batch
from agents.engine.cluster import Cluster
from agents.engine.config import EngineConfig
from agents.engine.errors import RecordsLostError, SetupError
from agents.engine.observer import Observer
from agents.engine.ownership import Claim, Token


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionedSource:
    """One topic and the store of its positions.

    Args:
        topic: The source topic.
        claim: Takes (topic, partition) over from its former owner and returns the next offset, 0 at first.
        apply: Makes a batch and its end durable; raises `ReseekError` when the position is not the batch's start.
    """

    topic: str
    claim: Callable[[str, int], Awaitable[int]]
    apply: Callable[[Batch], Awaitable[None]]


class Applying:
    """The sink of one partition number over all positioned sources.

    Args:
        sources: By topic.
        unread: Topics never read whose log does not begin at 0 any more: their first batch stands for 0 onwards.
        observer: Who watches.
    """

    interruptible = False
    wants_sweep = False

    def __init__(self, sources: Mapping[str, PositionedSource], unread: Iterable[str], observer: Observer) -> None:
        self._sources = sources
        self._unread = set(unread)
        self._observer = observer

    async def take(self, batch: Batch) -> None:
        """Apply a batch."""
        unread = batch.topic in self._unread
        await self._sources[batch.topic].apply(replace(batch, start=0) if unread else batch)
        self._unread.discard(batch.topic)
        self._observer.committed(batch.partition, len(batch.records), {}, 0.0)

    async def tick(self, now_ms: int) -> None:
        """Do nothing: time is the business of whoever applies."""

    async def sweep(self, now_ms: int) -> None:
        """Do nothing: there are no states."""


class PositionedClaimant:
    """Takes partitions whose positions are elsewhere.

    Args:
        config: The engine's settings.
        cluster: Answers questions about offsets.
        sources: In fold order.
        observer: Who watches.
    """

    def __init__(
        self, config: EngineConfig, cluster: Cluster, sources: tuple[PositionedSource, ...], observer: Observer
    ) -> None:
        self._config = config
        self._cluster = cluster
        self._sources = {source.topic: source for source in sources}
        self._observer = observer

    async def claim(self, partitions: frozenset[int], token: Token, *, keep: bool) -> Mapping[int, Claim]:  # noqa: ARG002 - nothing is kept
        """Claim every partition of every source, and find out where it ends."""
        tps = [TopicPartition(topic, partition) for partition in sorted(partitions) for topic in self._sources]
        if not tps:
            return {}
        claimed = {}
        for tp in tps:
            token.check()
            claimed[tp] = await self._sources[tp.topic].claim(tp.topic, tp.partition)
        starts, ends = await self._cluster.starts(tps), await self._cluster.stable_ends(tps)
        for tp, position in claimed.items():
            _check(tp, position, starts[tp], ends[tp])
        unread = {tp for tp in tps if claimed[tp] < starts[tp]}
        return {
            partition: Claim(
                sink=Applying(self._sources, {tp.topic for tp in unread if tp.partition == partition}, self._observer),
                positions={tp.topic: max(claimed[tp], starts[tp]) for tp in tps if tp.partition == partition},
                barriers={tp.topic: ends[tp] for tp in tps if tp.partition == partition},
            )
            for partition in partitions
        }

    async def release(self) -> None:
        """Let go of nothing: the next claim's epoch turns us away."""


def _check(tp: TopicPartition, position: int, start: int, end: int) -> None:
    if 0 < position < start:
        raise RecordsLostError(
            f"{tp.topic}/{tp.partition} begins at {start}, but was read up to {position} only: retention deleted "
            f"unread records; lengthen retention, and set the stored position to {start} to go on without them"
        )
    if position > end:
        raise SetupError(
            f"{tp.topic}/{tp.partition} ends at {end}, but the stored position is {position}: "
            "the topic was recreated or truncated"
        )
