"""Deliveries: taking them, asking once more, crossing the point of no return, recording.

A claim is a lease with a fence number. Whoever holds an old fence may record nothing, so a
sender that slept through its lease cannot undo what another one, or a person, did meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

import asyncpg
import msgspec

from agents.ledger import money, rows
from agents.ledger.approvals import ask_approvals
from agents.ledger.celebrations import HISTORY, append_decisions
from agents.ledger.clients import ClientRow, client_row, lock_client
from agents.ledger.money import month_of
from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from agents.ledger.referrals import new_code, record_asked
from agents.ledger.tasks import upsert_tasks
from schemas.brake import Pause
from schemas.celebration import Approved, Ask, Verdict
from schemas.milestone import Milestone
from schemas.policy import Budget, ChannelName, NextStep

_SQL = load_queries("deliveries")
_CELEBRATIONS = load_queries("celebrations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that this sender holds until its lease ends."""

    delivery_id: str
    tenant: str
    client: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What `release_facts` found for a delivery, as it was asked at a moment of domain time; see `ready_of`."""

    row: asyncpg.Record
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A claimed delivery with everything that decides whether it may leave, as it was read.

    Attributes:
        celebrated: when other celebrations of the tier left; empty when this one has its slot.
        heard_at: real time.
        expires_at: domain time.
        pauses: those in force.
        recovered: milestones that it tells of and a restore of the ledger holds, with the reason.
        since: `celebrated` looks back to here, domain time.
        digest: what all of it comes to; equal as long as nothing of it changes.
        celebrated_of_all: as `celebrated`, of every tier but nudges.
        phrase: as it was pinned; likewise `is_first`, `next_step`, `variant` and `gift_cents`.
        also: milestones that were merged into this one.
        keepsakes: those that wait for this message to carry them.
        core_waits: the celebration's mail has not left, and still may.
        celebrated_at: when its first message left; None before.
        referral_asked_at: when another message last asked for a referral.
        core_opened: another message of the celebration was opened.
        approved: the words that a coach has approved.
        money_agreed: a coach has agreed to the gift, within the budget or not.
        in_doubt: what it costs may have been ordered by an earlier attempt.
        client_cents: what other gifts of the month take of the client's budget.
        tenant_cents: and of the tenant's.
        month: of domain time, its first day.
    """

    celebration_id: str
    channel: str
    attempts: int
    deferrals: int
    heard_at: datetime
    expires_at: datetime
    milestone: Milestone
    client: ClientRow
    moment_taken: bool
    pauses: tuple[Pause, ...]
    recovered: Mapping[str, str]
    since: datetime
    digest: str
    celebrated: tuple[datetime, ...]
    celebrated_of_all: tuple[datetime, ...]
    phrase: int
    is_first: bool
    next_step: NextStep | None
    variant: str | None
    gift_cents: int
    also: tuple[Milestone, ...]
    keepsakes: tuple[ChannelName, ...]
    core_opened: bool
    core_waits: bool
    celebrated_at: datetime | None
    referral_asked_at: datetime | None
    approved: Approved | None
    money_agreed: bool
    in_doubt: bool
    client_cents: int
    tenant_cents: int
    month: date


async def claim(pool: Pool, *, channel: str, now: datetime, limit: int, lease_seconds: float) -> tuple[Claimed, ...]:
    """Take at most `limit` deliveries of a channel that are due at `now` (domain time)."""
    found = await pool.fetch(_SQL.claim, channel, now, limit, lease_seconds)
    return tuple(Claimed(**dict(row)) for row in found)


async def next_due(pool: Pool, *, channel: str, now: datetime) -> tuple[datetime | None, float | None]:
    """When the next one falls due in domain time, and in how many real seconds the next retry."""
    row = await pool.fetchrow(_SQL.next_due, channel, now)
    return (row["due_at"], row["retry_seconds"]) if row else (None, None)


async def read_facts(connection: "Connection | Pool", claims: Sequence[Claimed], now: datetime) -> dict[str, Facts]:
    """Read everything that decides, by delivery; nothing of those whose claim is lost or whose client nobody has met.

    Args:
        connection: what it reads stays so only inside a transaction that holds the locks of `lock_ready`.
        claims: what to release.
        now: domain time.
    """
    claimed = [one.delivery_id for one in claims], [one.fence for one in claims]
    found = await connection.fetch(_SQL.release_facts, *claimed, now - HISTORY, month_of(now))
    return {row["delivery_id"]: Facts(row=row, asked_at=now) for row in found}


def ready_of(facts: Facts) -> Ready:
    """What the facts of a delivery say."""
    row, now = facts.row, facts.asked_at
    return Ready(
        celebration_id=row["celebration_id"],
        channel=row["channel"],
        attempts=row["attempts"],
        deferrals=row["deferrals"],
        heard_at=row["heard_at"],
        expires_at=row["expires_at"],
        milestone=rows.recorded_milestone(row["record"]),
        client=client_row(row),
        moment_taken=row["moment_taken"],
        celebrated=() if row["celebrated_at"] else tuple(row["celebrated"]),
        celebrated_of_all=() if row["celebrated_at"] else tuple(row["celebrated_of_all"]),
        phrase=row["phrase"],
        is_first=row["is_first"] and not row["celebrated_of_all"],  # another may have left meanwhile
        next_step=row["next_step"],
        variant=row["variant"],
        gift_cents=row["gift_cents"],
        also=msgspec.json.decode(row["also"], type=tuple[Milestone, ...]) if row["also"] else (),
        keepsakes=tuple(row["keepsakes"]),
        core_opened=row["core_opened"],
        core_waits=row["core_waits"],
        celebrated_at=row["celebrated_at"],
        referral_asked_at=row["referral_asked_at"],
        approved=msgspec.json.decode(row["approved"], type=Approved) if row["approved"] else None,
        money_agreed=row["money_agreed"],
        in_doubt=row["in_doubt"],
        client_cents=row["client_cents"],
        tenant_cents=row["tenant_cents"],
        month=month_of(now),
        pauses=msgspec.json.decode(row["pauses"], type=tuple[Pause, ...]) if row["pauses"] else (),
        recovered=msgspec.json.decode(row["recovered"], type=dict[str, str]) if row["recovered"] else {},
        since=now - HISTORY,
        digest=row["digest"],
    )


async def lock_ready(connection: Connection, claimed: Claimed, now: datetime) -> Ready | None:
    """Lock the client and the delivery and read everything anew; None when the claim is lost."""
    await lock_client(connection, claimed.tenant, claimed.client)
    await connection.execute(_SQL.keep_delivery, claimed.delivery_id, claimed.fence)
    facts = (await read_facts(connection, [claimed], now)).get(claimed.delivery_id)
    return ready_of(facts) if facts else None


async def take_slot(connection: Connection, celebration_id: str, now: datetime) -> None:
    """The celebration begins: caps count it from now on."""
    await connection.execute(_SQL.take_slot, celebration_id, now)


async def carry(
    connection: Connection, ready: Ready, delivery_id: str, carried: Sequence[ChannelName], now: datetime
) -> None:
    """These keepsakes go with the message that is shown in this transaction."""
    if carried:
        await connection.execute(_SQL.carry, ready.celebration_id, delivery_id, list(carried))
    if "referral" in carried:
        asked = {"tenant": ready.milestone.tenant, "client": ready.milestone.client}
        await record_asked(connection, **asked, celebration_id=ready.celebration_id, asked_at=now)


async def part(connection: Connection, claimed: Claimed, ready: Ready, milestones: Sequence[Milestone]) -> None:
    """These are not told along; the delivery waits for its next claim, which finds it without them."""
    await lock_client(connection, claimed.tenant, claimed.client)
    await connection.execute(_CELEBRATIONS.part_from, ready.celebration_id, [one.milestone_id for one in milestones])
    await unclaim(connection, claimed)


async def unclaim(connection: Connection, claimed: Claimed) -> None:
    """Leave it to the next claim, which may be at once."""
    await connection.execute(_SQL.unclaim, claimed.delivery_id, claimed.fence)


async def begin_sending(
    pool: Pool,
    claimed: Claimed,
    ready: Ready,
    *,
    lease_seconds: float,
    carried: Sequence[ChannelName] = (),
    budget: Budget | None = None,
    now: datetime,
) -> bool:
    """Take the slot and commit `sending`, if all is still as it was decided on: after this it is never sent again.

    Args:
        pool: the ledger.
        claimed: what is released.
        ready: what was decided on.
        lease_seconds: how long an answer may take.
        carried: keepsakes that go with it.
        budget: what may be spent in the month, for what costs something; None when a person has agreed to it.
        now: domain time.

    Returns:
        False when the lease is over, it was held, withdrawn, erased or expired, or anything in `ready` has changed.
    """
    asked = claimed.tenant, claimed.client, claimed.delivery_id, claimed.fence, ready.since, ready.digest
    limits = (budget.client_month_cents, budget.tenant_month_cents) if budget else (None, None)
    cents = ready.gift_cents if ready.channel == "gift" else 0
    costs = ready.month, cents, *limits
    code = new_code() if "referral" in carried else None
    return bool(await pool.fetchval(_SQL.begin_as_decided, *asked, now, lease_seconds, carried, *costs, code))


async def settle(
    connection: Connection,
    claimed: Claimed,
    ready: Ready,
    verdict: Verdict,
    *,
    in_doubt: bool = False,
    now: datetime,
) -> bool:
    """Record what became of a claimed delivery, why, and what the coach is asked.

    Args:
        connection: inside a transaction, if there is more to record than the outcome: then the client is locked first,
            so that nothing is written about one who was erased meanwhile, and nobody plans on what ends here.
        claimed: what was released.
        ready: what was decided on.
        verdict: what became of it.
        in_doubt: what it costs may have been ordered.
        now: domain time.

    Returns:
        False when the claim was lost; then nothing is recorded.
    """
    erased = verdict.is_told and await lock_client(connection, claimed.tenant, claimed.client)
    done = await connection.fetchrow(
        _SQL.record_outcome,
        claimed.delivery_id,
        claimed.fence,
        verdict.state,
        verdict.reason,
        verdict.provider_id,
        verdict.retry_seconds,
        verdict.due_at,
        int(verdict.attempted),
        int(verdict.deferred),
    )
    if done is None:
        return False
    has_ended = verdict.state == "failed" and verdict.provider_id is not None  # the provider knows the order
    await money.settle_attempt(connection, claimed.delivery_id, in_doubt=in_doubt, has_ended=has_ended)
    if verdict.decision:
        decided = msgspec.structs.replace(verdict.decision, detail=None) if erased else verdict.decision
        await append_decisions(connection, [rows.decision(ready.milestone, decided, now)])
    if erased:
        return True
    if verdict.asks_coach is not None:
        asked = Ask(parts=(cast("ChannelName", ready.channel),), cents=ready.gift_cents)
        row = rows.ask(ready.milestone, asked, verdict.asks_coach, expires_at=ready.expires_at, now=now)
        await ask_approvals(connection, [row])
    if verdict.task:
        await upsert_tasks(connection, [rows.task(ready.milestone, verdict.task, ready.client.coach, now)])
    return True
