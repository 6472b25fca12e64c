"""Reads a topic from its beginning to its end, committed records only, with a bare consumer.

    python -m demo.topic SERVERS [TOPIC]

prints one JSON line a record: how any subscriber would look at the milestones.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

MILESTONES = "coaching.milestones.v1"
_READ_SECONDS = 30.0


async def read_topic(servers: str, topic: str) -> AsyncIterator[ConsumerRecord]:
    """All records that stand on the topic now, partition by partition in order.

    Raises:
        TimeoutError: the end was not reached within 30 s.
    """
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=servers, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        ends = await consumer.end_offsets(partitions)
        async with asyncio.timeout(_READ_SECONDS):
            while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        yield record
    finally:
        await consumer.stop()


async def _print(servers: str, topic: str) -> None:
    async for record in read_topic(servers, topic):
        headers = {name: value.decode() for name, value in record.headers}
        line = {"key": record.key.decode(), "type": headers.get("ce_type"), "data": json.loads(record.value)}
        print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    asyncio.run(_print(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else MILESTONES))  # noqa: PLR2004 - as the docstring says
