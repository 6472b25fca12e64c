"""Reading topics to their ends with the bare client: what a subscriber sees, each record once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


class TopicsRead:
    """Reads on from where it stopped.

    Args:
        kafka: the broker's address.
        topics: their names.
    """

    def __init__(self, kafka: str, topics: Sequence[str]) -> None:
        self._kafka = kafka
        self._topics = topics
        self._next: dict[TopicPartition, int] = {}
        self.last: dict[TopicPartition, int] = {}

    async def new(self) -> AsyncIterator[Any]:
        """Every committed record since the last call, in the order of its partition."""
        async with self._consumer() as consumer:
            partitions = [TopicPartition(t, n) for t in self._topics for n in sorted(consumer.partitions_for_topic(t))]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, self._next.get(partition, 0))
            while any([await consumer.position(one) < ends[one] for one in partitions]):
                for partition, records in (await consumer.getmany(timeout_ms=200, max_records=20_000)).items():
                    self.last[partition] = records[-1].offset
                    for record in records:
                        yield record
            for partition in partitions:
                self._next[partition] = await consumer.position(partition)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            *self._topics,  # so that their partitions are known
            bootstrap_servers=self._kafka,
            isolation_level="read_committed",
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
        )
        await consumer.start()
        consumer.unsubscribe()
        try:
            yield consumer
        finally:
            await consumer.stop()
