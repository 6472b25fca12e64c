"""Publishing many records: a chunk at a time, each acknowledged before the next.

It must never hold more than a chunk, nor say done before Kafka has a record. Keys choose
partitions as the Java client does (murmur2), and within a partition the order is kept.

Theory of operation: a chunk is small enough that one sent again, after a crash between its
acknowledgement and the note of it, falls into the window in which the tracker knows an id.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError
from aiolimiter import AsyncLimiter

from agents.cluster_facts import ask_cluster
from agents.intake.outgoing import Outgoing
from schemas.codec import STRUCTURED_CONTENT_TYPE
from schemas.topics import EVENTS

CHUNK_RECORDS = 500
"""At most so many records are under way; the tracker remembers 512 keys of a client."""

_CHUNKS_A_SECOND = 10
_ACKNOWLEDGED_SECONDS = 60
_UNDER_A_LOCK_SECONDS = 5  # hooks about the same clients wait, and go to the spool no sooner
_STOP_SECONDS = 5
_HEADERS = [("content-type", STRUCTURED_CONTENT_TYPE)]

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
        async with _acknowledged():
            sent = [await self._producer.send(EVENTS, key=k, value=value, headers=_HEADERS) for k, value in events]
            await asyncio.gather(*sent)

    async def deliver(self, records: Sequence[Outgoing]) -> None:
        """Publish records of any topic at once, in their order; returns when Kafka has acknowledged all of them.

        `pace` was waited for before: who delivers under a lock must not wait there.

        Raises:
            KafkaError: Kafka did not take a record.
        """
        async with _acknowledged(_UNDER_A_LOCK_SECONDS):
            sent = [
                await self._producer.send(one.topic, key=one.key, value=one.value, headers=list(one.headers))
                for one in records
            ]
            await asyncio.gather(*sent)

    async def pace(self, records: int) -> None:
        """Wait until so many more records are within the rate."""
        while records > 0:
            await self._limiter.acquire(min(records, self.chunk_records))
            records -= self.chunk_records


@asynccontextmanager
async def _acknowledged(seconds: int = _ACKNOWLEDGED_SECONDS) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise KafkaTimeoutError(f"nothing was acknowledged for {seconds} s") from None


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
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield Publisher(producer, rate)
    finally:
        with suppress(TimeoutError):  # it would wait for ever for batches that Kafka does not take
            async with asyncio.timeout(_STOP_SECONDS):
                await producer.stop()
