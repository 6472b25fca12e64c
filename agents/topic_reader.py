"""Reading topics once, from a begin to the end that they had when the reading started.

It must never join a group, commit an offset or wait for records that come later: whoever
looks at a topic leaves no trace on it. Only committed records are read.

Theory of operation: a part of a topic is a span of offsets for each partition; ends are asked
once. Records come in their order within a partition, a bounded number at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.cluster_facts import ClusterFacts, ask_cluster
from agents.engine.logic import Record

_POLL_MS = 200
_WAIT_MS = 50  # nothing is waited for that is not there
_RECORDS_AT_ONCE = 2_000


class PlacedRecord(Record, Protocol):
    """A record that knows where it stands."""

    @property
    def topic(self) -> str:
        """The topic."""
        ...

    @property
    def partition(self) -> int:
        """The partition's number."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a partition: from the offset `begin` up to `end`, which is not read any more."""

    begin: int
    end: int

    @property
    def offsets(self) -> int:
        """How many offsets it has; with compaction and transactions some hold no record."""
        return max(self.end - self.begin, 0)


Spans = Mapping[TopicPartition, Span]


class Reading:
    """One pass over spans.

    Attributes:
        unread: the ends of the partitions that have more to give.
    """

    def __init__(self, consumer: AIOKafkaConsumer, unread: dict[TopicPartition, int]) -> None:
        self._consumer = consumer
        self.unread = unread

    async def take(self, among: Iterable[TopicPartition] = ()) -> dict[TopicPartition, list[PlacedRecord]]:
        """The next records, of all that is unread or of some; may be none yet."""
        asked = [partition for partition in (among or self.unread) if partition in self.unread]
        batches = await self._consumer.getmany(*asked, timeout_ms=_POLL_MS, max_records=_RECORDS_AT_ONCE)
        taken = {p: [record for record in records if record.offset < self.unread[p]] for p, records in batches.items()}
        for partition in asked:
            if await self._consumer.position(partition) >= self.unread[partition]:
                del self.unread[partition]
        return taken


class TopicReader:
    """Reads spans of topics; see `open_reader`."""

    def __init__(self, options: dict[str, Any], asking: AIOKafkaConsumer, cluster: ClusterFacts) -> None:
        self._options = options
        self._asking = asking
        self._cluster = cluster

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has.

        Raises:
            TopicMissingError: the broker does not have it.
        """
        return self._cluster.partitions(topic)

    async def spans(
        self,
        topic: str,
        *,
        only: Iterable[int] | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
    ) -> dict[TopicPartition, Span]:
        """What stands in a topic now.

        Args:
            topic: the topic.
            only: these partitions; all by default.
            since_ms: from the first record that was appended at this instant or later.
            until_ms: up to the first record that was appended at this instant or later.

        Raises:
            TopicMissingError: the broker does not have it.
        """
        count = self.partitions(topic)
        partitions = [TopicPartition(topic, number) for number in (range(count) if only is None else only)]
        ends = await self._asking.end_offsets(partitions)
        begins = await self._asking.beginning_offsets(partitions)
        firsts = begins if since_ms is None else await self._at(since_ms, partitions, ends)
        lasts = ends if until_ms is None else await self._at(until_ms, partitions, ends)
        return {p: Span(begin=max(begins[p], firsts[p]), end=min(ends[p], lasts[p])) for p in partitions}

    async def _at(
        self, at_ms: int, partitions: list[TopicPartition], ends: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """The first offset of each partition appended at an instant or later; else its end."""
        found = await self._asking.offsets_for_times(dict.fromkeys(partitions, max(at_ms, 0)))
        return {p: ends[p] if found[p] is None else found[p].offset for p in partitions}

    async def records(self, spans: Spans) -> AsyncIterator[PlacedRecord]:
        """Every record of the spans, in order within each partition."""
        async with self.reading(spans) as reading:
            while reading.unread:
                for found in (await reading.take()).values():
                    for record in found:
                        yield record

    @asynccontextmanager
    async def reading(self, spans: Spans) -> AsyncIterator[Reading]:
        """A pass over spans, while the block runs."""
        unread = {partition: span for partition, span in spans.items() if span.offsets}
        if not unread:
            yield Reading(self._asking, {})
            return
        async with _open_consumer(self._options) as consumer:
            consumer.assign(list(unread))
            for partition, span in unread.items():
                consumer.seek(partition, span.begin)
            yield Reading(consumer, {partition: span.end for partition, span in unread.items()})


@asynccontextmanager
async def open_reader(options: dict[str, Any]) -> AsyncIterator[TopicReader]:
    """A reader, while the block runs.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.
    """
    cluster = await ask_cluster(options)
    async with _open_consumer(options) as asking:
        yield TopicReader(options, asking, cluster)


@asynccontextmanager
async def _open_consumer(options: dict[str, Any]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer for one assignment: aiokafka's fetcher may swallow the stop that follows a second one."""
    consumer = AIOKafkaConsumer(
        **options,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        enable_auto_commit=False,
        fetch_max_wait_ms=_WAIT_MS,
    )
    await consumer.start()
    await asyncio.sleep(0)  # its stop raises CancelledError if its own task has not had a first turn
    try:
        yield consumer
    finally:
        await consumer.stop()
