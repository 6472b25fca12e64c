"""Publishing many records: a chunk at a time, each acknowledged before the next.

It must never hold more than a chunk, nor say done before Kafka has a record. Keys choose
partitions as the Java client does (murmur2), and within a partition the order is kept.

Theory of operation: a chunk is small enough that one sent again, after a crash between its
acknowledgement and the note of it, falls into the window in which the tracker knows an id.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiolimiter import AsyncLimiter

from agents.cluster_facts import ask_cluster
from agents.direct_delivery import deliver, open_producer
from agents.intake.outgoing import Outgoing
from schemas.codec import STRUCTURED_CONTENT_TYPE
from schemas.topics import EVENTS

CHUNK_RECORDS = 500
"""At most so many records are under way; the tracker remembers 512 keys of a client."""

_CHUNKS_A_SECOND = 10
_ACKNOWLEDGED_SECONDS = 60
_HEADERS = (("content-type", STRUCTURED_CONTENT_TYPE),)

KeyedEvent = tuple[bytes, bytes]
"""A record's key, and its event in structured mode."""


class Publisher:
    """Publishes events at a bounded rate; see `open_publisher`.

    Attributes:
        chunk_records: how many to hand over at once.
    """

    def __init__(self, producer: AIOKafkaProducer, rate: int) -> None:
        self._producer = producer
        self.chunk_records = max(1, min(CHUNK_RECORDS, rate // _CHUNKS_A_SECOND))
        self._limiter = AsyncLimiter(self.chunk_records, self.chunk_records / rate)

    async def publish(self, events: Sequence[KeyedEvent]) -> None:
        """Publish a chunk; returns when Kafka has acknowledged all of it.

        Raises:
            KafkaError: Kafka did not take a record.
        """
        await self.pace(len(events))
        records = (Outgoing(topic=EVENTS, key=key, value=value, headers=_HEADERS) for key, value in events)
        await deliver(self._producer, records, within_seconds=_ACKNOWLEDGED_SECONDS)

    async def deliver(self, records: Sequence[Outgoing]) -> None:
        """Publish records of any topic at once, in their order; returns when Kafka has acknowledged all of them.

        `pace` was waited for before: who delivers under a lock must not wait there.

        Raises:
            KafkaError: Kafka did not take a record.
        """
        await deliver(self._producer, records)

    async def pace(self, records: int) -> None:
        """Wait until so many more records are within the rate."""
        while records > 0:
            await self._limiter.acquire(min(records, self.chunk_records))
            records -= self.chunk_records


@asynccontextmanager
async def open_publisher(options: dict[str, Any], *, rate: int) -> AsyncIterator[Publisher]:
    """A publisher, while the block runs.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.
        rate: events a second, at most.

    Raises:
        TopicMissingError: the broker has no events topic; it is not made by publishing.
    """
    cluster = await ask_cluster(options)
    cluster.partitions(EVENTS)
    async with open_producer(options) as producer:
        yield Publisher(producer, rate)
