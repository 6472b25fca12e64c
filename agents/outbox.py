"""The outbox's publisher: what became of celebrations and deliveries reaches `coaching.celebrations.v1`.

It must never hold up delivery, let go of a change that Kafka has not acknowledged, or make the
topic: that is `cairn topics apply`.

Theory of operation: triggers of the ledger write each change in the transaction that makes it, so
none is lost and none is told that did not happen. One process publishes at a time, the oldest
first, and deletes what is acknowledged. A crash between the two writes a change again, with the
same `change_id`: at least once. While Kafka is away the rows wait, and two gauges show it. After a
failure the connection is thrown away whole, so that nothing old of it arrives behind what is new.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from agents.cluster_facts import TopicMissingError, ask_cluster
from agents.engine.partitioner import partition_for
from agents.ledger.away import AWAY
from agents.ledger.outbox import publish_waiting
from agents.ledger.pool import Pool
from agents.metrics import CHANGES_PUBLISHED
from schemas.change import Change, encode_change
from schemas.topics import CELEBRATIONS, client_key

BATCH_CHANGES: Final = 500
_LOOK_SECONDS: Final = 0.5
_KAFKA_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 5.0
_FIRST_WAIT_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 30.0
_log = structlog.get_logger()


class Outbox:
    """Publishes while `run` runs.

    Args:
        pool: the ledger.
        options: how to reach Kafka, see `agents.kafka.client_options`.
        look_seconds: real time between looks into an empty outbox.
        kafka_seconds: how long Kafka may take for a batch.
    """

    def __init__(
        self,
        pool: Pool,
        options: Mapping[str, Any],
        *,
        look_seconds: float = _LOOK_SECONDS,
        kafka_seconds: float = _KAFKA_SECONDS,
    ) -> None:
        self._pool = pool
        self._options = dict(options)
        self._look_seconds = look_seconds
        self._kafka_seconds = kafka_seconds
        self._wait_seconds = _FIRST_WAIT_SECONDS

    async def run(self) -> None:
        """Publish until cancelled; a broker, a topic or a database that is away is waited for."""
        while True:
            producer = AIOKafkaProducer(**self._options, acks="all", enable_idempotence=True)
            try:
                partitions = await self._start(producer)
                await self._publish(producer, partitions)
            except TopicMissingError as error:
                _log.warning("outbox.waits", topic=CELEBRATIONS, seconds=self._wait_seconds, hint=str(error))
            except (KafkaError, *AWAY) as error:
                _log.warning("outbox.waits", error_type=type(error).__name__, seconds=self._wait_seconds)
            finally:
                await self._abandon(producer)
            await asyncio.sleep(self._wait_seconds)
            self._wait_seconds = min(2 * self._wait_seconds, _LONGEST_WAIT_SECONDS)

    async def _start(self, producer: AIOKafkaProducer) -> int:
        async with asyncio.timeout(self._kafka_seconds):
            cluster = await ask_cluster(self._options)
            partitions = cluster.partitions(CELEBRATIONS)
            await producer.start()
            return partitions

    async def _publish(self, producer: AIOKafkaProducer, partitions: int) -> None:
        async def publish(changes: Sequence[Change]) -> None:
            async with asyncio.timeout(self._kafka_seconds):
                await _send(producer, changes, partitions)

        while True:
            published = await publish_waiting(self._pool, publish, limit=BATCH_CHANGES)
            CHANGES_PUBLISHED.inc(published)
            if published:
                self._wait_seconds = _FIRST_WAIT_SECONDS
            if published < BATCH_CHANGES:
                await asyncio.sleep(self._look_seconds)

    async def _abandon(self, producer: AIOKafkaProducer) -> None:
        with suppress(TimeoutError, KafkaError):  # it would wait for ever for batches that Kafka does not take
            async with asyncio.timeout(_STOP_SECONDS):
                await producer.stop()


async def _send(producer: AIOKafkaProducer, changes: Sequence[Change], partitions: int) -> None:
    """Write changes, those of a client in their order, and wait until Kafka has them all.

    A batch for each partition: one future for each of them, not for each record, takes a third of the time.
    """
    batches: defaultdict[int, Any] = defaultdict(producer.create_batch)
    sent: list[asyncio.Future[Any]] = []
    for change in changes:
        value, headers = encode_change(change)
        key = client_key(change.tenant, change.client)
        partition = partition_for(key, partitions)
        record: dict[str, Any] = {"key": key, "value": value, "timestamp": None, "headers": list(headers)}
        if batches[partition].append(**record) is None:  # full
            sent.append(await producer.send_batch(batches.pop(partition), CELEBRATIONS, partition=partition))
            if batches[partition].append(**record) is None:
                raise ValueError(f"a change of {len(value)} bytes fits into no batch")
    for partition, batch in batches.items():
        sent.append(await producer.send_batch(batch, CELEBRATIONS, partition=partition))
    await asyncio.gather(*sent)
