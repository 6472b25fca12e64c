"""The story of a client: what they reached, what was decided about it and why, and what came of it.

It must never hold a name or an address of the client: only pseudonymous ids, and the words of
whoever decided. All of it is read in one snapshot.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import asyncpg

from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from streams.planning.reason_words import in_words

NEWEST: Final = 50
_SQL = load_queries("story")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A decision: `sentence` says it to a coach. `decided_at` is domain time."""

    revision: int
    part: str
    outcome: str
    reason: str
    detail: str | None
    decided_at: datetime
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A delivery and its times: `due_at` is domain time, every other real."""

    channel: str
    state: str
    reason: str | None
    due_at: datetime
    retry_at: datetime | None
    attempts: int
    sending_at: datetime | None
    finished_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A task of the coach, approvals among them."""

    kind: str
    summary: str
    state: str
    created_at: datetime
    closed_at: datetime | None
    closed_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A suppression; in force without `lifted_at`, until `until`."""

    answer: str
    reason: str
    author: str
    until: datetime | None
    created_at: datetime
    lifted_at: datetime | None
    lifted_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One milestone and all that came of it.

    Attributes:
        outcome: what was planned; None when nothing was, as for one that is known only as withdrawn.
        merged_into: the name of the milestone whose message tells of this one.
        tells_of: the names of those that this one's message tells of too.
    """

    milestone_id: str
    revision: int
    retracted: bool
    rule: str
    tier: str
    name: str
    reached_at: datetime
    heard_at: datetime
    celebration_id: str | None
    outcome: str | None
    mode: str | None
    moment: str | None
    variant: str | None
    planned_at: datetime | None
    due_at: datetime | None
    expires_at: datetime | None
    celebrated_at: datetime | None
    gift_cents: int | None
    next_step: str | None
    merged_into: str | None
    tells_of: tuple[str, ...]
    decisions: tuple[Told, ...]
    deliveries: tuple[Sent, ...]
    tasks: tuple[Handed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything of one client, the newest milestone first.

    Attributes:
        is_known: a profile or a milestone of the client was heard.
    """

    tenant: str
    client: str
    is_known: bool
    erased_at: datetime | None
    suppressions: tuple[Silence, ...]
    milestones: tuple[Chapter, ...]


async def read_story(
    pool: Pool, tenant: str, client: str, *, milestone: str | None = None, last: int = NEWEST
) -> Story:
    """Read it.

    Args:
        pool: the ledger.
        tenant: the client's.
        client: the pseudonymous id.
        milestone: only this one.
        last: at most so many milestones.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        known = await connection.fetchrow(_SQL.client, tenant, client)
        suppressions = await connection.fetch(_SQL.suppressions, tenant, client)
        found = await connection.fetch(_SQL.milestones, tenant, client, milestone, last)
        ids = [row["milestone_id"] for row in found]
        decisions = await _grouped(connection, _SQL.decisions, ids, _told)
        deliveries = await _grouped(connection, _SQL.deliveries, ids, lambda row: Sent(**row))
        tasks = await _grouped(connection, _SQL.tasks, ids, lambda row: Handed(**row))
    chapters = [
        _chapter(row, tuple(decisions[row["milestone_id"]]), tuple(deliveries[row["milestone_id"]]),
                 tuple(tasks[row["milestone_id"]]))
        for row in found
    ]  # fmt: skip
    return Story(
        tenant=tenant,
        client=client,
        is_known=known is not None,
        erased_at=known["erased_at"] if known else None,
        suppressions=tuple(Silence(**dict(row)) for row in suppressions),
        milestones=tuple(chapters),
    )


def _chapter(
    row: asyncpg.Record, decisions: tuple[Told, ...], deliveries: tuple[Sent, ...], tasks: tuple[Handed, ...]
) -> Chapter:
    columns = {**dict(row), "tells_of": tuple(row["tells_of"])}
    return Chapter(**columns, decisions=decisions, deliveries=deliveries, tasks=tasks)


async def _grouped(
    connection: Connection, statement: str, ids: Sequence[str], made: Callable[[dict[str, Any]], T]
) -> Mapping[str, list[T]]:
    """Rows by the milestone that they belong to."""
    groups: defaultdict[str, list[T]] = defaultdict(list)
    for row in await connection.fetch(statement, ids):
        columns = dict(row)
        groups[columns.pop("milestone_id")].append(made(columns))
    return groups


def _told(row: dict[str, Any]) -> Told:
    return Told(**row, sentence=in_words(row["part"], row["outcome"], row["reason"], row["detail"]))
