"""Unknown deliveries: listed, and resolved by a person or by the tenant's policy; each with who decided it.

It must never resend by itself what a tenant did not ask to be resent, nor more than once, nor decide about what a
provider has told meanwhile: only what is still `unknown` is touched, under the locks of everybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from agents.ledger import rows
from agents.ledger.celebrations import append_decisions, notify_senders
from agents.ledger.clients import lock_client
from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from schemas.celebration import Decision, DecisionOutcome, DeliveryState, Reason
from schemas.milestone import Milestone

Answer = Literal["sent", "resend", "give-up"]
Resolution = Literal["resolved", "not_unknown", "expired"]

RESEND_AFTER_SECONDS: Final = 900.0
"""How long a provider has to tell before the policy `resend` sends once more; real time."""

POLICY: Final = "policy"
"""Who decides when the tenant's policy does."""

_SQL = load_queries("unknowns")
_TOLD = load_queries("provider_events")
_LIST_LIMIT = 500
_MEANS: Final[dict[Answer, tuple[DeliveryState, Reason, DecisionOutcome]]] = {
    "sent": ("sent", "resolved", "send"),
    "resend": ("pending", "resent", "send"),
    "give-up": ("failed", "given_up", "skip"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A delivery of which nobody can say whether it left.

    Attributes:
        name: what was reached.
        sending_at: when it was handed over, real time; `unknown_since` likewise.
    """

    delivery_id: str
    tenant: str
    client: str
    channel: str
    rule: str
    tier: str
    name: str
    sending_at: datetime | None
    unknown_since: datetime | None
    expires_at: datetime
    provider_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What somebody decides about an unknown delivery; `why` is in their own words."""

    answer: Answer
    author: str
    why: str | None = None


async def unknown_deliveries(pool: Pool, *, tenant: str | None, limit: int = _LIST_LIMIT) -> tuple[Unknown, ...]:
    """What is unknown, oldest first; of every tenant when `tenant` is None."""
    return tuple(Unknown(**dict(row)) for row in await pool.fetch(_SQL.unknowns, tenant, limit))


async def resolve(
    pool: Pool, delivery_id: str, ruling: Ruling, *, now: datetime, tenant: str | None = None
) -> Resolution:
    """A person decides.

    Args:
        pool: the ledger.
        delivery_id: as listed.
        ruling: what they decide.
        now: domain time.
        tenant: only if it is this tenant's; None for any.

    Returns:
        `not_unknown` when there is no such delivery, or it is known by now; `expired` when it is too late to send
        it once more. In both cases nothing is changed.
    """
    async with pool.acquire() as connection, connection.transaction():
        whose = tenant or await connection.fetchval(_SQL.tenant_of, delivery_id)
        client = await connection.fetchval(_SQL.whose, delivery_id, whose)
        if client is None:
            return "not_unknown"
        return await _resolve(connection, (whose, client, delivery_id), ruling, now)


async def resend_unknown(
    connection: Connection, *, tenants: Sequence[str], now: datetime, after_seconds: float = RESEND_AFTER_SECONDS
) -> tuple[str, ...]:
    """What the policy `resend` sends once more, each at most once.

    Args:
        connection: inside the sweeper's transaction.
        tenants: those whose policy says `unknown: resend`.
        now: domain time.
        after_seconds: real time since when it has to be unknown.

    Returns:
        The deliveries that wait for a sender again.
    """
    if not tenants:
        return ()
    found = await connection.fetch(_SQL.unknown_to_resend, list(tenants), now, after_seconds)
    ruling = Ruling(answer="resend", author=POLICY)
    resent = [
        row["delivery_id"]
        for row in sorted(found, key=lambda row: (row["tenant"], row["client"]))
        if await _resolve(connection, (row["tenant"], row["client"], row["delivery_id"]), ruling, now) == "resolved"
    ]
    return tuple(resent)


async def _resolve(connection: Connection, which: tuple[str, str, str], ruling: Ruling, now: datetime) -> Resolution:
    tenant, client, delivery_id = which
    await lock_client(connection, tenant, client)
    row = await connection.fetchrow(_SQL.lock_unknown, delivery_id)
    if row is None:
        return "not_unknown"
    if ruling.answer == "resend" and row["expires_at"] <= now:
        return "expired"
    state, reason, outcome = _MEANS[ruling.answer]
    await connection.execute(_SQL.resolve, delivery_id, state, reason, ruling.author, ruling.why, now)
    await connection.execute(_TOLD.settle_task, row["celebration_id"], ruling.author, row["channel"])
    decision = Decision(part=row["channel"], outcome=outcome, reason=reason, detail=f"by {ruling.author}")
    milestone: Milestone = rows.recorded_milestone(row["record"])
    await append_decisions(connection, [rows.decision(milestone, decision, now)])
    if state == "pending":
        await notify_senders(connection)
    return "resolved"
