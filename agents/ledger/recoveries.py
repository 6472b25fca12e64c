"""Recoveries: after a restore from a backup the ledger does not know what left since; what may have left is held.

It must never let go by itself what was first heard before the ledger was lost: only a person knows whether it left.

Theory of operation: one row says to when the ledger was lost. Planning and release both ask it, so that it holds
what is planned anew from Kafka as well as what waited in the backup. A person's word is a mark on the delivery, which
release asks too.
"""

from datetime import datetime
from typing import Literal

from agents.ledger import rows
from agents.ledger.brakes import release_held
from agents.ledger.celebrations import append_decisions
from agents.ledger.clients import lock_client
from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from schemas.brake import Recovery
from schemas.celebration import Decision

LetGo = Literal["let_go", "not_held", "expired"]

_SQL = load_queries("recoveries")


async def recover(pool: Pool, recovery: Recovery, *, author: str) -> int:
    """From now on nothing goes by itself that answers what was heard before the ledger was lost.

    Args:
        pool: the ledger that was restored.
        recovery: to when it was lost; one that says no more than an earlier one changes nothing.
        author: who says so.

    Returns:
        How many deliveries are held because of it, or of an earlier one, now.
    """
    async with pool.acquire() as connection, connection.transaction():
        since = recovery.tenant, recovery.lost_at
        if await connection.fetchval(_SQL.recover, *since, recovery.reason, author):
            await connection.execute(_SQL.take_back, *since)
            await connection.execute(_SQL.hold_recovered)
        held: int = await connection.fetchval(_SQL.count_recovered, recovery.tenant)
    return held


async def held_that_begin(pool: Pool, start: str) -> tuple[str, ...]:
    """Held deliveries whose ids begin so; not more than a person would read."""
    return tuple(row["delivery_id"] for row in await pool.fetch(_SQL.held_that_begin, start))


async def let_go(pool: Pool, delivery_id: str, *, author: str, now: datetime) -> LetGo:
    """A person knows that it had not left: it goes, with the keepsakes that it carries, if nothing else objects.

    Args:
        pool: the ledger.
        delivery_id: as `cairn held` lists it.
        author: who knows it.
        now: domain time.

    Returns:
        `not_held` when no restore holds it; `expired` when it is too late. In both cases nothing is changed.
    """
    async with pool.acquire() as connection, connection.transaction():
        whose = await connection.fetchrow(_SQL.whose, delivery_id)
        if whose is None:
            return "not_held"
        await lock_client(connection, whose["tenant"], whose["client"])
        row = await connection.fetchrow(_SQL.lock_recovered, delivery_id)
        if row is None:
            return "not_held"
        if row["expires_at"] <= now:
            return "expired"
        await connection.execute(_SQL.let_go, delivery_id, author)
        decision = Decision(part=row["channel"], outcome="send", reason="let_go", detail=f"by {author}")
        await append_decisions(connection, [rows.decision(rows.recorded_milestone(row["record"]), decision, now)])
        await release_held(connection, now)
    return "let_go"
