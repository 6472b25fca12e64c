"""Coach tasks: what stays human, asked once for each celebration, kind and part."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries

_SQL = load_queries("tasks")
_LIST_LIMIT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An open task as coaches see it; `minutes` is what it is expected to take."""

    task_id: int
    tenant: str
    client: str
    coach: str | None
    celebration_id: str | None
    kind: str
    reason: str
    summary: str
    minutes: int
    planned_at: datetime


async def upsert_tasks(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Ask for what the rows say, the first of two alike; one that is open or done already stays as it is."""
    asked = {(row["celebration_id"], row["kind"], row["part"]): row for row in reversed(rows)}
    if asked:
        await connection.execute(_SQL.upsert_tasks, msgspec.json.encode(list(asked.values())[::-1]).decode())


async def open_tasks(pool: Pool, *, tenant: str | None, limit: int = _LIST_LIMIT) -> tuple[Task, ...]:
    """What is left to coaches to do, oldest first; of every tenant when `tenant` is None."""
    rows = await pool.fetch(_SQL.open_tasks, tenant, limit)
    return tuple(Task(**dict(row)) for row in rows)


async def close_task(pool: Pool, *, task_id: int, tenant: str | None, author: str) -> bool:
    """A task is done.

    Args:
        pool: the ledger.
        task_id: as listed.
        tenant: only if it is this tenant's; None for any.
        author: who did it.

    Returns:
        Whether it was open.
    """
    return await pool.fetchval(_SQL.close_task, task_id, tenant, author) is not None


async def minutes_asked(pool: Pool) -> int:
    """How many minutes all open tasks ask of coaches."""
    return int(await pool.fetchval(_SQL.minutes_asked))
