"""The floor: fetch, decode, write the same bytes in a transaction; no state, no rule, no recovery.

What a tracker in Python could cost at best with the same client library, codec and guarantee.
Environment: BENCH_KAFKA, BENCH_APP (group and transactional id), BENCH_EVENTS and BENCH_MILESTONES (topics read and
written to).
"""

import os
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.codec import decode_event

_CHUNK_RECORDS = 5_000


async def main() -> None:
    """Loop until the process is ended."""
    names = ("BENCH_KAFKA", "BENCH_APP", "BENCH_EVENTS", "BENCH_MILESTONES")
    kafka, app, events, target = (os.environ[name] for name in names)
    consumer = AIOKafkaConsumer(
        events,
        bootstrap_servers=kafka,
        group_id=app,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=app, acks="all", max_batch_size=900_000, retry_backoff_ms=5
    )
    async with consumer, producer:
        while True:
            fetched = await consumer.getmany(timeout_ms=200, max_records=_CHUNK_RECORDS)
            async with producer.transaction():
                for source, records in fetched.items():
                    await _copy(producer, records, target, source.partition)
                ends = {source: records[-1].offset + 1 for source, records in fetched.items()}
                if ends:
                    await producer.send_offsets_to_transaction(ends, app)


async def _copy(producer: AIOKafkaProducer, records: list[Any], target: str, partition: int) -> None:
    batch = producer.create_batch()
    for record in records:
        decode_event(record.headers, record.value)
        if batch.append(key=record.key, value=record.value, timestamp=None) is None:
            await producer.send_batch(batch, target, partition=partition)
            batch = producer.create_batch()
            batch.append(key=record.key, value=record.value, timestamp=None)
    await producer.send_batch(batch, target, partition=partition)


if __name__ == "__main__":
    uvloop.run(main())
