"""The brake: suppress a client, pause a tenant, channel or rule, and see what is held and why.

A brake holds what waits at once and is asked again at every claim, so that it also holds what
was planned at the same moment. What is released waits for a sender, which asks everything anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from agents.ledger import rows
from agents.ledger.clients import lock_person
from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from agents.ledger.tasks import upsert_tasks
from schemas.brake import Pause, Recovery, Suppression
from schemas.celebration import Decision, DecisionOutcome
from streams.planning.handwork import undelivered_task

_SQL = load_queries("brakes")
_CELEBRATIONS = load_queries("celebrations")
_LIST_LIMIT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A delivery that waits for people or for a time; `why` and `author` are the brake's."""

    delivery_id: str
    tenant: str
    client: str
    rule: str
    tier: str
    channel: str
    state: str
    reason: str | None
    why: str | None
    author: str | None
    due_at: datetime
    expires_at: datetime


async def suppress(
    pool: Pool, *, tenant: str, client: str, suppression: Suppression, author: str, now: datetime
) -> None:
    """From now on nothing goes to this client; replaces a suppression in force.

    What it drops is recorded, and left to the coach, one task for each celebration.

    Args:
        pool: the ledger.
        tenant: the client's.
        client: whom nothing reaches; of one who was linked, the other one.
        suppression: in whose words, until when, and what becomes of what waits.
        author: who says so.
        now: domain time.

    Raises:
        asyncpg.CheckViolationError: the reason or the author is empty.
    """
    async with pool.acquire() as connection, connection.transaction():
        person = await lock_person(connection, tenant, client)
        await replace_suppression(
            connection, tenant=tenant, client=person, suppression=suppression, author=author, now=now
        )


async def replace_suppression(
    connection: Connection, *, tenant: str, client: str, suppression: Suppression, author: str, now: datetime
) -> None:
    """`suppress` inside the caller's transaction, which holds the client's lock."""
    await connection.execute(_SQL.unsuppress, tenant, client, author)
    row = suppression.answer, suppression.reason, author, suppression.until
    await connection.execute(_SQL.suppress, tenant, client, *row)
    if suppression.answer == "hold":
        await connection.execute(_SQL.hold_client, tenant, client)
    else:
        dropped = await connection.fetch(_SQL.drop_client, tenant, client)
        await _record_dropped(connection, dropped, suppression.reason, now)


async def _record_dropped(connection: Connection, dropped: Sequence[Any], why: str, now: datetime) -> None:
    decisions, tasks = [], []
    for row in dropped:
        milestone = rows.recorded_milestone(row["record"])
        part, reason = row["channel"], row["reason"]
        outcome: DecisionOutcome = "skip" if reason == "suppressed" else "task"  # what may have left is not dropped
        decision = Decision(part=part, outcome=outcome, reason=reason, detail=why)
        decisions.append(rows.decision(milestone, decision, now))
        asked = undelivered_task(milestone, part, reason, why if reason == "suppressed" else None)
        tasks.append(rows.task(milestone, asked, row["coach"], now))
    if decisions:
        await connection.execute(_CELEBRATIONS.append_decisions, msgspec.json.encode(decisions).decode())
    await upsert_tasks(connection, tasks)


async def unsuppress(pool: Pool, *, tenant: str, client: str, author: str, now: datetime) -> bool:
    """Lift the suppression; what it held and has not expired goes on.

    Args:
        pool: the ledger.
        tenant: the client's.
        client: whom messages reach again.
        author: who lifts it.
        now: domain time.

    Returns:
        Whether there was one.
    """
    async with pool.acquire() as connection, connection.transaction():
        client = await lock_person(connection, tenant, client)
        lifted = await connection.fetchval(_SQL.unsuppress, tenant, client, author)
        await release_held(connection, now)
    return lifted is not None


async def pause(pool: Pool, scope: Pause, *, author: str) -> bool:
    """From now on nothing in the scope goes.

    Returns:
        Whether it was not paused already.
    """
    async with pool.acquire() as connection, connection.transaction():
        where = scope.tenant, scope.channel, scope.rule
        paused = await connection.fetchval(_SQL.pause, *where, scope.reason, author)
        await connection.execute(_SQL.hold_paused)
    return paused is not None


async def resume(
    pool: Pool, *, tenant: str | None, channel: str | None, rule: str | None, author: str, now: datetime
) -> bool:
    """Lift the pause with exactly this scope; what it held and has not expired goes on.

    Args:
        pool: the ledger.
        tenant: None for every tenant; `channel` and `rule` likewise.
        channel: as it was paused.
        rule: as it was paused.
        author: who lifts it.
        now: domain time.

    Returns:
        Whether there was one.
    """
    async with pool.acquire() as connection, connection.transaction():
        lifted = await connection.fetchval(_SQL.resume, tenant, channel, rule, author)
        await release_held(connection, now)
    return lifted is not None


async def release_held(connection: Connection, now: datetime) -> int:
    """What no brake holds any more waits for a sender again.

    Returns:
        How many deliveries that were.
    """
    released = await connection.fetch(_SQL.release_held, now)
    if released:
        await connection.execute("SELECT pg_notify('cairn_deliveries', '')")
    return len(released)


async def pauses_in_force(connection: "Connection | Pool") -> tuple[Pause, ...]:
    """What is paused now."""
    return tuple(Pause(**dict(row)) for row in await connection.fetch(_SQL.pauses_in_force))


async def recoveries(connection: "Connection | Pool") -> tuple[Recovery, ...]:
    """To when the ledger was lost and restored, and whose part of it."""
    return tuple(Recovery(**dict(row)) for row in await connection.fetch(_SQL.recoveries))


async def held(pool: Pool, *, tenant: str | None, now: datetime, limit: int = _LIST_LIMIT) -> tuple[Held, ...]:
    """What is held back and why, oldest first; of every tenant when `tenant` is None."""
    return tuple(Held(**dict(row)) for row in await pool.fetch(_SQL.held, tenant, now, limit))
