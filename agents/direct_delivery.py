"""Direct delivery: records to Kafka from a command, acknowledged or failed, without a spool.

It must never say done before Kafka has a record. `cairn serve` has the intake's producer instead, which
outlives a broker that is away; a command is run again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError

from agents.intake.outgoing import Outgoing

_UNDER_A_LOCK_SECONDS = 5  # hooks about the same clients wait, and go to the spool no sooner
_STOP_SECONDS = 5


async def deliver(
    producer: AIOKafkaProducer, records: Iterable[Outgoing], *, within_seconds: int = _UNDER_A_LOCK_SECONDS
) -> None:
    """Publish records in their order; returns when Kafka has acknowledged all of them.

    Raises:
        KafkaError: Kafka does not answer, or did not take a record.
    """
    try:
        async with asyncio.timeout(within_seconds):
            sent = [
                await producer.send(one.topic, key=one.key, value=one.value, headers=list(one.headers))
                for one in records
            ]
            await asyncio.gather(*sent)
    except TimeoutError:
        raise KafkaTimeoutError(f"nothing was acknowledged for {within_seconds} s") from None


@asynccontextmanager
async def open_producer(options: dict[str, Any]) -> AsyncIterator[AIOKafkaProducer]:
    """An idempotent producer, while the block runs.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.

    Raises:
        KafkaError: Kafka does not answer.
    """
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        with suppress(TimeoutError):  # it would wait for ever for batches that Kafka does not take
            async with asyncio.timeout(_STOP_SECONDS):
                await producer.stop()
