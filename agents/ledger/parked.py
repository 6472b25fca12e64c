"""Parked records: what delivery refused, kept beside the positions until it is applied after all.

A record is parked in the transaction that moves the position past it, and leaves in the one
that holds what came of it. It must never hold contact data: a profile is parked without its
value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries

_SQL = load_queries("parked")
_AT_A_TIME = 200

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A record that could not be used; `value` is None where it may hold contact data."""

    offset: int
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    appended_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A parked record; where its content is kept, it can be applied as it came.

    Attributes:
        timestamp: when it was appended, real milliseconds; when it was parked, where that is not known.
        timestamp_type: not known.
        parked_at: real time.
        is_asked_for: it is to be applied again.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    timestamp_type: int | None = None
    parked_at: datetime
    is_asked_for: bool


async def park_records(connection: Connection, topic: str, partition: int, refusals: Sequence[Refusal]) -> None:
    """Keep what could not be used, so that the next record can go on."""
    if not refusals:
        return
    await connection.execute(
        _SQL.park_records,
        topic,
        partition,
        [refusal.offset for refusal in refusals],
        [refusal.reason for refusal in refusals],
        [refusal.detail for refusal in refusals],
        [refusal.key for refusal in refusals],
        [refusal.value for refusal in refusals],
        [msgspec.msgpack.encode(refusal.headers) for refusal in refusals],
        [refusal.appended_ms for refusal in refusals],
    )


async def parked(pool: Pool) -> tuple[Parked, ...]:
    """Everything that is parked, oldest first."""
    return tuple(_parked(row) for row in await pool.fetch(_SQL.parked))


async def parked_by_reason(pool: Pool) -> dict[tuple[str, str], int]:
    """How many records are parked, by topic and reason."""
    return {(row["topic"], row["reason"]): row["records"] for row in await pool.fetch(_SQL.parked_by_reason)}


async def ask_for(pool: Pool, places: Sequence[tuple[str, int, int]]) -> int:
    """Have records applied again.

    Args:
        pool: the ledger.
        places: topic, partition and offset of each.

    Returns:
        How many of them are still parked.
    """
    columns = [[place[column] for place in places] for column in range(3)]
    return len(await pool.fetch(_SQL.ask_for, *columns))


async def asked_for(pool: Pool, limit: int = _AT_A_TIME) -> tuple[Parked, ...]:
    """What is to be applied again: profiles first, each partition in its order."""
    return tuple(_parked(row) for row in await pool.fetch(_SQL.asked_for, limit))


async def still_asked_for(connection: Connection, topic: str, partition: int, offsets: Sequence[int]) -> frozenset[int]:
    """Which of these offsets are still to be applied; nobody else applies them until the transaction ends."""
    rows = await connection.fetch(_SQL.still_asked_for, topic, partition, offsets)
    return frozenset(row["offset"] for row in rows)


async def unpark(connection: Connection, topic: str, partition: int, offsets: Sequence[int]) -> None:
    """These are applied, in the transaction that holds what came of them."""
    await connection.execute(_SQL.unpark, topic, partition, offsets)


async def park_again(connection: Connection, topic: str, partition: int, refusals: Sequence[Refusal]) -> None:
    """These could not be used this time either, for these reasons."""
    columns = [[getattr(refusal, name) for refusal in refusals] for name in ("offset", "reason", "detail")]
    await connection.execute(_SQL.park_again, topic, partition, *columns)


def _parked(row: asyncpg.Record) -> Parked:
    appended_ms, parked_at = row["appended_ms"], row["created_at"]
    return Parked(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        reason=row["reason"],
        detail=row["detail"],
        key=row["key"],
        value=row["value"],
        headers=msgspec.msgpack.decode(row["headers"], type=Headers) if row["headers"] else (),
        timestamp=round(parked_at.timestamp() * 1000) if appended_ms is None else appended_ms,
        parked_at=parked_at,
        is_asked_for=row["replay_asked_at"] is not None,
    )
