"""Dead letters: what was refused, read back, and put back after its cause is mended.

There are two kinds. What tracker and intake refused stands in Kafka: the whole topic is read from
its start, without a group, and replaying produces the record with its own key, value and headers to
the topic that it came from; the tracker drops what it already counted, so replaying twice changes
nothing. A hook whose tool said no, or nothing for a day, is kept again, sealed as it stands, and the
intake asks its tool once more (see `agents.intake.kept_hooks`). What delivery refused is parked in
the ledger: replaying marks it, and delivery applies it (see `agents.reapplier`), because a second
copy on the topic would reach every subscriber. Values are never printed unless asked for.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from aiokafka import AIOKafkaProducer

from agents.engine.dead_letters import OMITTED, PREFIX
from agents.intake.kept_hooks import NOT_KEPT
from agents.ledger.parked import Parked, ask_for, parked
from agents.ledger.pool import Pool
from agents.topic_reader import PlacedRecord, open_reader
from schemas.topics import CLIENTS, DEAD_LETTERS, EVENTS, split_key

REPLAYABLE = (EVENTS, CLIENTS)
_HOOK = "hook:"
_ASKED_AGAIN = frozenset({"not_confirmed", "source_silent"})
"""Reasons that a hook's tool gave; the hooks of tools that are asked are read without their headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One refused record.

    Attributes:
        kept_in: who gives it back.
        topic: where it stands: that of the dead letters, or for a parked record its own.
        partition: of the topic.
        offset: of the partition.
        source: the topic that it came from, or the hook's source.
        headers: the record's own headers, without what the refusal added.
        refused_ms: when it was set aside, real milliseconds.
        digest: hexadecimal, stands for a hook's body; None of a hook of an earlier version, and of what is no hook.
        heard_at: domain time of a hook's receipt; None of one of an earlier version, and of what is no hook.
        is_whole: it was small enough to be kept; otherwise key, value and headers are not the record's own.
        is_asked_for: delivery is to apply it again.
    """

    kept_in: Literal["Kafka", "ledger"]
    topic: str
    partition: int
    offset: int
    source: str
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    refused_ms: int
    digest: str | None = None
    heard_at: datetime | None = None
    is_whole: bool = True
    is_asked_for: bool = False

    @property
    def name(self) -> str:
        """What people call it: topic, partition and offset, as in `dead-letters/0/15`."""
        return f"{self.topic.removeprefix('coaching.').removesuffix('.v1')}/{self.partition}/{self.offset}"

    @property
    def tenant(self) -> str | None:
        """Whose it is, as its key says; None where the key is not kept or names nobody."""
        try:
            return split_key(self.key or b"")[0]
        except ValueError:
            return None

    @property
    def is_replayable(self) -> bool:
        """It is parked, or came whole from a topic or a tool; without its value it would be a tombstone there."""
        return self.kept_in == "ledger" or (self.is_whole and (self.source in REPLAYABLE or self.is_hook))

    @property
    def is_hook(self) -> bool:
        """It is a hook about which its tool can be asked again."""
        return self.source.startswith(_HOOK) and self.reason in _ASKED_AGAIN

    @property
    def body_hash(self) -> bytes:
        """32 bytes by which a hook is the same hook, however often it was sealed and set aside."""
        return bytes.fromhex(self.digest) if self.digest else sha256(self.value or b"").digest()

    @property
    def has_content(self) -> bool:
        """Its key, value and headers are kept; of a parked profile only the key is."""
        return self.kept_in == "Kafka" or self.source != CLIENTS


async def read_dead_letters(options: dict[str, Any]) -> AsyncIterator[DeadLetter]:
    """Every dead letter that stands in the topic now, partition by partition.

    Args:
        options: how to reach Kafka, see `agents.kafka.client_options`.

    Raises:
        TopicMissingError: the broker has no topic of dead letters.
    """
    async with open_reader(options) as reader:
        async for record in reader.records(await reader.spans(DEAD_LETTERS)):
            yield _dead_letter(record)


def _dead_letter(record: PlacedRecord) -> DeadLetter:
    added = {name: (value or b"").decode(errors="replace") for name, value in record.headers if name.startswith(PREFIX)}
    return DeadLetter(
        kept_in="Kafka",
        topic=DEAD_LETTERS,
        partition=record.partition,
        offset=record.offset,
        source=added.get(f"{PREFIX}topic", "unknown"),
        reason=added.get(f"{PREFIX}reason", "unknown"),
        detail=added.get(f"{PREFIX}detail", ""),
        key=record.key,
        value=record.value,
        headers=tuple((name, value) for name, value in record.headers if not name.startswith(PREFIX)),
        refused_ms=record.timestamp,
        digest=added.get(f"{PREFIX}digest"),
        heard_at=datetime.fromisoformat(heard) if (heard := added.get(f"{PREFIX}heard-at")) else None,
        is_whole=all(name != OMITTED for name, _ in record.headers) and added.get(f"{PREFIX}sealed") != "cut",
    )


async def read_parked(pool: Pool) -> list[DeadLetter]:
    """Every record that delivery parked, oldest first."""
    return [_parked_letter(found) for found in await parked(pool)]


def _parked_letter(found: Parked) -> DeadLetter:
    return DeadLetter(
        kept_in="ledger",
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        source=found.topic,
        reason=found.reason,
        detail=found.detail,
        key=found.key,
        value=found.value,
        headers=found.headers,
        refused_ms=round(found.parked_at.timestamp() * 1000),
        is_asked_for=found.is_asked_for,
    )


def each_hook_once(letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """The letters in their order, of each hook only the last: each time that its tool says no it is set aside anew."""
    last: dict[object, DeadLetter] = {}
    for letter in reversed(letters):
        last.setdefault((letter.source, letter.key, letter.body_hash) if letter.is_hook else letter.name, letter)
    return [*reversed(last.values())]


async def ask_delivery(pool: Pool, letters: list[DeadLetter]) -> int:
    """Have delivery apply parked records again.

    Returns:
        How many of them are still parked.
    """
    return await ask_for(pool, [(letter.topic, letter.partition, letter.offset) for letter in letters])


async def ask_again(pool: Pool, keep_hook: str, letters: list[DeadLetter]) -> int:
    """Keep hooks again, due now, for the intake to ask their tools about; the same hook twice is kept once.

    Args:
        pool: the ledger.
        keep_hook: the statement of `schemas/sql/queries/intake.sql`.
        letters: each `is_hook` and whole.

    Returns:
        How many are kept: of one source only so many may be at a time.
    """
    kept = 0
    for letter in letters:
        row = (*split_key(letter.key or b""), letter.value, letter.body_hash, timedelta(), letter.heard_at)
        kept += await pool.execute(keep_hook, *row) != NOT_KEPT
    return kept


async def put_back(options: dict[str, Any], letters: list[DeadLetter]) -> None:
    """Produce dead letters to the topics they came from, in order, each acknowledged.

    Raises:
        ValueError: one of them did not come whole from a topic; nothing was produced.
    """
    if any(letter.kept_in != "Kafka" or letter.is_hook or not letter.is_replayable for letter in letters):
        raise ValueError("only dead letters that came whole from the events or clients topic can be put back")
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for letter in letters:
            await producer.send_and_wait(
                letter.source, value=letter.value, key=letter.key, headers=list(letter.headers)
            )
    finally:
        await producer.stop()
