"""Approvals: what waits for a coach, and one decision about it, whoever brings it.

It must never release a part that nobody approved, decide twice, or decide about something other
than what the coach was shown. Who decided stands in the decisions by id, never by address.

Theory of operation: everybody locks in one order: the client, the approval, then the deliveries.
Under the locks all that matters is read anew, `streams.planning.approvals` says what the ruling
means, and parts, decisions, task and approval are written in the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from agents.ledger import rows
from agents.ledger.celebrations import append_decisions, as_json, notify_senders
from agents.ledger.clients import lock_client
from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from agents.ledger.tasks import upsert_tasks
from schemas.celebration import Approved
from schemas.client import Profile, kept_profile
from schemas.milestone import Milestone
from schemas.policy import ChannelName, NextStep
from streams.planning.approvals import ApprovalState, Ruling, Settlement, Situation, ending, settle

_SQL = load_queries("approvals")
_LIST_LIMIT = 500
_NO_WORDS: Mapping[str, Approved] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An open approval as it is listed; times are domain time."""

    celebration_id: str
    tenant: str
    client: str
    coach: str
    rule: str
    tier: str
    parts: tuple[str, ...]
    cents: int
    asked_at: datetime
    escalate_at: datetime
    close_at: datetime
    escalated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An approval with all that decides about it and all that a coach is shown.

    Attributes:
        going: channels of the celebration that have left or still may.
        merged: milestones that its message tells of too, the earliest first.
        suppressed: automatic messages are off for the client now.
        words: what was approved, by channel.
        note: why somebody declined.
    """

    celebration_id: str
    tenant: str
    client: str
    coach: str
    parts: tuple[ChannelName, ...]
    cents: int
    state: ApprovalState
    reason: str | None
    asked_at: datetime
    escalate_at: datetime
    close_at: datetime
    expires_at: datetime
    escalated_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    words: Mapping[str, Approved]
    note: str | None
    milestone: Milestone
    merged: tuple[Milestone, ...]
    phrase: int
    next_step: NextStep | None
    is_first: bool
    variant: str | None
    profile: Profile | None
    suppressed: bool
    going: frozenset[str]
    situation: Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody, or time, says about an approval.

    Attributes:
        author: who says so, by id; None when time or a correction does.
        words: what was approved for each message channel.
        note: why, in the words of who declines.
        revision: the one that they were shown; None for whatever it is now.
    """

    ruling: Ruling
    author: str | None
    words: Mapping[str, Approved] = field(default_factory=dict)
    note: str | None = None
    revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What came of a decision.

    Attributes:
        approval: as it is now.
        done: whether this decision is the one that counts.
        moved: whether the approval was open until now: it is decided, or closed for what has become of it.
        stale: it changed after it was shown, so that nothing was decided.
    """

    approval: Approval
    done: bool = False
    moved: bool = False
    stale: bool = False


async def ask_approvals(connection: Connection, asked: Sequence[Mapping[str, Any]]) -> None:
    """Ask coaches about celebrations, in the transaction that plans them; their mails are queued with it.

    Args:
        connection: inside the transaction that writes the celebrations and deliveries.
        asked: a row each: celebration_id, tenant, client, coach (id), parts, cents, revision, and in domain
            time asked_at, escalate_at, close_at, expires_at. A revision that was asked about changes nothing.
    """
    if asked:
        await connection.execute(_SQL.ask_approvals, as_json([dict(row) for row in asked]))


async def open_approvals(pool: Pool, *, tenant: str | None, limit: int = _LIST_LIMIT) -> tuple[Waiting, ...]:
    """What waits for coaches, oldest first; of every tenant when `tenant` is None."""
    found = await pool.fetch(_SQL.open_approvals, tenant, limit)
    return tuple(Waiting(**{**row, "parts": tuple(row["parts"])}) for row in found)


async def find_approval(
    connection: "Connection | Pool", celebration_id: str, *, tenant: str | None, now: datetime
) -> Approval | None:
    """The approval of a celebration, if there is one and it is the tenant's (None for any)."""
    row = await connection.fetchrow(_SQL.approval_facts, celebration_id, tenant, now)
    return _approval(row) if row else None


async def approved_words(connection: "Connection | Pool", celebration_id: str, channel: str) -> Approved | None:
    """The words that a coach approved for this channel; None when nobody was asked about it."""
    words = await connection.fetchval(_SQL.approved_words, celebration_id, channel)
    return msgspec.json.decode(words, type=Approved) if words else None


async def decide(
    pool: Pool, celebration_id: str, decision: Decision, *, tenant: str | None, now: datetime
) -> Decided | None:
    """Decide about an approval, once.

    What has become of it in the meantime goes before what is said: an erased client, a corrected or
    withdrawn milestone and parts that are gone close it.

    Args:
        pool: the ledger.
        celebration_id: what is decided about.
        decision: what is said.
        tenant: only if it is this tenant's; None for any.
        now: domain time.

    Returns:
        None when there is no such approval.
    """
    found = await find_approval(pool, celebration_id, tenant=tenant, now=now)
    if found is None:
        return None
    async with pool.acquire() as connection, connection.transaction():
        await lock_client(connection, found.tenant, found.client)
        await connection.execute(_SQL.lock_approval, celebration_id)
        await connection.execute(_SQL.keep_parts, celebration_id)
        approval = await _read(connection, celebration_id, now)
        if approval.state != "open":
            return Decided(approval=approval)
        if decision.revision not in (None, approval.situation.asked_revision):
            return Decided(approval=approval, stale=True)
        ended = ending(approval.situation)
        if ended:
            decision = Decision(ruling=ended, author=None)
        await _write(connection, approval, decision, now)
        decided = await _read(connection, celebration_id, now)
    return Decided(approval=decided, done=ended is None, moved=True)


async def _read(connection: Connection, celebration_id: str, now: datetime) -> Approval:
    row = await connection.fetchrow(_SQL.approval_facts, celebration_id, None, now)
    assert row is not None  # noqa: S101 - no approval is ever deleted, and this one was found
    return _approval(row)


async def _write(connection: Connection, approval: Approval, decision: Decision, now: datetime) -> None:
    """Write what the decision means, inside the transaction that holds the locks."""
    celebration_id, waiting = approval.celebration_id, approval.situation.waiting
    settled = settle(decision.ruling, approval.milestone, waiting, cents=approval.cents, author=decision.author)
    await _move(connection, celebration_id, settled)
    await append_decisions(connection, [rows.decision(approval.milestone, part, now) for part in settled.decisions])
    if settled.task:
        await upsert_tasks(connection, [rows.task(approval.milestone, settled.task, approval.coach, now)])
    words = decision.words if settled.state == "approved" else _NO_WORDS
    await connection.execute(
        _SQL.settle_approval,
        celebration_id,
        settled.state,
        settled.reason,
        decision.author,
        now,
        msgspec.json.encode(dict(words)).decode() if words else None,
        decision.note if settled.state == "declined" else None,
    )


async def _move(connection: Connection, celebration_id: str, settled: Settlement) -> None:
    if settled.released:
        await connection.execute(_SQL.release_parts, celebration_id, list(settled.released), settled.released_because)
        await notify_senders(connection)
    if settled.closed:
        await connection.execute(_SQL.close_parts, celebration_id, list(settled.closed), settled.closed_because)
    if settled.outcome:
        await connection.execute(_SQL.conclude, celebration_id, settled.outcome)


async def due_approvals(pool: Pool, now: datetime) -> tuple[str, ...]:
    """Open approvals whose wait is over, or about which nobody needs to say anything any more."""
    return tuple(row["celebration_id"] for row in await pool.fetch(_SQL.due_approvals, now))


async def due_escalations(pool: Pool, now: datetime) -> tuple[tuple[str, str, str], ...]:
    """Celebration, tenant and coach of each question that is to be asked once more."""
    found = await pool.fetch(_SQL.due_escalations, now)
    return tuple((row["celebration_id"], row["tenant"], row["coach"]) for row in found)


async def escalate(pool: Pool, celebration_id: str, *, coach: str, now: datetime) -> None:
    """Ask this coach, once; nothing when somebody decided meanwhile."""
    await pool.execute(_SQL.escalate, celebration_id, now, coach)


async def approval_figures(pool: Pool) -> tuple[int, datetime | None]:
    """How many wait, and since when, in real time, the oldest does."""
    row = await pool.fetchrow(_SQL.approval_figures)
    return (row["approvals"], row["oldest_at"]) if row else (0, None)


def _approval(row: asyncpg.Record) -> Approval:
    kept = {name: row[name] for name in _AS_THEY_ARE}
    return Approval(
        **kept,
        parts=tuple(row["parts"]),
        words=msgspec.json.decode(row["words"], type=dict[str, Approved]) if row["words"] else {},
        milestone=rows.recorded_milestone(row["record"]),
        merged=msgspec.json.decode(row["merged"], type=tuple[Milestone, ...]) if row["merged"] else (),
        profile=kept_profile(row["profile"]) if row["profile"] else None,
        going=frozenset(row["going"]),
        situation=Situation(
            erased=row["erased"],
            retracted=row["retracted"],
            asked_revision=row["revision"],
            heard_revision=row["heard_revision"],
            planned_revision=row["planned_revision"],
            waiting=tuple(row["waiting"]),
        ),
    )


_AS_THEY_ARE = (
    "celebration_id", "tenant", "client", "coach", "cents", "state", "reason", "asked_at", "escalate_at", "close_at",
    "expires_at", "escalated_at", "decided_by", "decided_at", "note", "phrase", "next_step", "is_first",
    "variant", "suppressed",
)  # fmt: skip
