"""Reading one record of a topic again, at its offset; joins no group and commits nothing."""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.engine.logic import Record

_POLL_MS = 1_000


async def read_back(options: dict[str, Any], topic: str, partition: int, offset: int) -> Record | None:
    """The record at that offset; None when compaction or retention took it.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.
        topic: where it is.
        partition: of the topic.
        offset: of the partition.

    Raises:
        aiokafka.errors.KafkaError: Kafka is away or refuses us.
    """
    place = TopicPartition(topic, partition)
    consumer = AIOKafkaConsumer(**options, isolation_level="read_committed", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([place])
        begins = await consumer.beginning_offsets([place])
        ends = await consumer.end_offsets([place])
        if not begins[place] <= offset < ends[place]:
            return None
        consumer.seek(place, offset)
        while await consumer.position(place) < ends[place]:
            for records in (await consumer.getmany(place, timeout_ms=_POLL_MS, max_records=1)).values():
                record: Record = records[0]
                return record if record.offset == offset else None
        return None
    finally:
        await consumer.stop()
