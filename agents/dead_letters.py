"""Dead letters: what was refused, read back, and put back after its cause is mended.

Reads the whole topic from its start, without a group. Replaying produces the record with its
own key, value and headers to the topic that it came from; the tracker drops what it already
counted, so replaying twice changes nothing. Values are never printed unless asked for.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from agents.engine.dead_letters import OMITTED, PREFIX
from schemas.topics import CLIENTS, DEAD_LETTERS, EVENTS

REPLAYABLE = (EVENTS, CLIENTS)
_POLL_MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One refused record.

    Attributes:
        partition: where it stands among the dead letters.
        offset: its place there.
        source: the topic that it came from, or the hook's source.
        headers: the record's own headers, without what the refusal added.
        refused_ms: when it was set aside, real milliseconds.
        is_whole: it was small enough to be kept; otherwise key, value and headers are not the record's own.
    """

    partition: int
    offset: int
    source: str
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    refused_ms: int
    is_whole: bool = True

    @property
    def is_replayable(self) -> bool:
        """It came from a topic, to which it can go back; without its value it would be a tombstone there."""
        return self.is_whole and self.source in REPLAYABLE


async def read_dead_letters(options: dict[str, Any]) -> AsyncIterator[DeadLetter]:
    """Every dead letter that stands in the topic now, partition by partition.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.
    """
    consumer = AIOKafkaConsumer(
        DEAD_LETTERS,
        **options,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        partitions = sorted(consumer.assignment())
        begins = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        unread = {p for p in partitions if begins[p] < ends[p]}
        while unread:
            batches = await consumer.getmany(*unread, timeout_ms=_POLL_MS)
            for records in batches.values():
                for record in records:
                    yield _dead_letter(record)
            unread = {p for p in unread if await consumer.position(p) < ends[p]}
    finally:
        await consumer.stop()


def _dead_letter(record: Any) -> DeadLetter:
    added = {name: value.decode(errors="replace") for name, value in record.headers if name.startswith(PREFIX)}
    return DeadLetter(
        partition=record.partition,
        offset=record.offset,
        source=added.get(f"{PREFIX}topic", "unknown"),
        reason=added.get(f"{PREFIX}reason", "unknown"),
        detail=added.get(f"{PREFIX}detail", ""),
        key=record.key,
        value=record.value,
        headers=tuple((name, value) for name, value in record.headers if not name.startswith(PREFIX)),
        refused_ms=record.timestamp,
        is_whole=all(name != OMITTED for name, _ in record.headers),
    )


async def put_back(options: dict[str, Any], letters: list[DeadLetter]) -> None:
    """Produce dead letters to the topics they came from, in order, each acknowledged.

    Raises:
        ValueError: one of them did not come whole from a topic; nothing was produced.
    """
    if any(not letter.is_replayable for letter in letters):
        raise ValueError("only what came whole from the events or clients topic can be put back")
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for letter in letters:
            await producer.send_and_wait(
                letter.source, value=letter.value, key=letter.key, headers=list(letter.headers)
            )
    finally:
        await producer.stop()
