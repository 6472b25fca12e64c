"""Direct delivery: records to Kafka from a command, acknowledged or failed, without a spool.

It must never say done before Kafka has a record. `cairn serve` has the intake's producer instead, which
outlives a broker that is away; a command is run again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError

from agents.intake.outgoing import Outgoing

_ACKNOWLEDGED_SECONDS = 5  # under the locks of two clients, whose hooks wait
_STOP_SECONDS = 5


@asynccontextmanager
async def open_delivery(options: dict[str, Any]) -> AsyncIterator[Callable[[Sequence[Outgoing]], Awaitable[None]]]:
    """What hands records over, while the block runs.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.

    Raises:
        KafkaError: Kafka does not answer, or did not take a record.
    """
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    await producer.start()

    async def deliver(records: Sequence[Outgoing]) -> None:
        try:
            async with asyncio.timeout(_ACKNOWLEDGED_SECONDS):
                sent = [
                    await producer.send(one.topic, key=one.key, value=one.value, headers=list(one.headers))
                    for one in records
                ]
                await asyncio.gather(*sent)
        except TimeoutError:
            raise KafkaTimeoutError(f"nothing was acknowledged for {_ACKNOWLEDGED_SECONDS} s") from None

    try:
        yield deliver
    finally:
        with suppress(TimeoutError):  # it would wait for ever for batches that Kafka does not take
            async with asyncio.timeout(_STOP_SECONDS):
                await producer.stop()
