"""The outbox: changes leave the ledger once Kafka has them, by one publisher at a time.

The lock is the transaction's, so nothing of it stays on a connection of the pool. While Kafka is
asked the transaction has written nothing and holds no snapshot, so it keeps no row from being
vacuumed.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from schemas.change import CelebrationChanged, Change, DeliveryChanged, change_id

_SQL = load_queries("outbox")
_SHARED = ("changed_at", "tenant", "client", "milestone_id", "revision", "celebration_id", "rule", "tier")

Publish = Callable[[Sequence[Change]], Awaitable[None]]
"""Returns once Kafka has acknowledged all of the changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How many changes wait, and since when the oldest does; None when none waits."""

    changes: int
    oldest_at: datetime | None


async def publish_waiting(pool: Pool, publish: Publish, *, limit: int) -> int:
    """Publish the oldest changes and let go of them.

    Returns:
        How many that were; 0 also while another process publishes.
    """
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(_SQL.may_publish):
            return 0
        rows = await connection.fetch(_SQL.waiting, limit)
        if rows:
            await publish([_change(row) for row in rows])
            await connection.execute(_SQL.acknowledged, [row["position"] for row in rows])
        return len(rows)


async def backlog(pool: Pool) -> Backlog:
    """What waits now."""
    row = await pool.fetchrow(_SQL.backlog)
    return Backlog(**dict(row)) if row else Backlog(changes=0, oldest_at=None)


def _change(row: asyncpg.Record) -> Change:
    about: dict[str, Any] = {name: row[name] for name in _SHARED}
    if row["delivery_id"] is None:
        own_id = change_id(row["position"], row["celebration_id"], row["changed_at"])
        planned = {name: row[name] for name in ("outcome", "mode", "variant", "merged_into")}
        return CelebrationChanged(change_id=own_id, **about, **planned)
    own_id = change_id(row["position"], row["delivery_id"], row["changed_at"])
    reached = {name: row[name] for name in ("delivery_id", "channel", "state", "reason", "attempts")}
    return DeliveryChanged(change_id=own_id, **about, **reached)
