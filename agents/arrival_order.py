"""Arrival order: the records of several partitions as one stream, by append time.

It must never change the order within a partition, because that is the order within a key. A
broker's clock that was set back therefore moves nothing: a record counts as appended no
earlier than the one before it.

Theory of operation: a merge over the head of each partition. A partition is asked for more
when its own records are used up, so memory holds one bounded batch a partition, however long
the topic is.
"""

from collections import deque
from collections.abc import AsyncIterator
from heapq import heappop, heappush

from aiokafka import TopicPartition

from agents.topic_reader import PlacedRecord, Spans, TopicReader


async def in_arrival_order(reader: TopicReader, spans: Spans) -> AsyncIterator[PlacedRecord]:
    """Every record of the spans, the earliest append time first; at the same time the lower partition."""
    async with reader.reading(spans) as reading:
        waiting: dict[TopicPartition, deque[PlacedRecord]] = {partition: deque() for partition in reading.unread}
        heads: list[tuple[int, TopicPartition]] = []
        empty = dict.fromkeys(reading.unread, 0)  # with the append time that each had got to
        while empty or heads:
            while asked := [partition for partition in empty if partition in reading.unread]:
                for filled, records in (await reading.take(asked)).items():
                    waiting[filled].extend(records)
                _stand(heads, waiting, empty)
            empty.clear()
            if not heads:
                return
            arrived_ms, partition = heappop(heads)
            queue = waiting[partition]
            yield queue.popleft()
            if queue:
                heappush(heads, (max(arrived_ms, queue[0].timestamp), partition))
            else:
                empty[partition] = arrived_ms


def _stand(
    heads: list[tuple[int, TopicPartition]],
    waiting: dict[TopicPartition, deque[PlacedRecord]],
    empty: dict[TopicPartition, int],
) -> None:
    """Put the heads of partitions that have records again among the others."""
    for partition in [partition for partition in empty if waiting[partition]]:
        heappush(heads, (max(empty.pop(partition), waiting[partition][0].timestamp), partition))
