"""Money: what a delivery costs is reserved before it may be ordered, and accounted for until it is spent or back.

It must never let a tenant or a client spend a cent more in a month than their budgets, nor give
back what may have been ordered.

Theory of operation: `reserve` belongs into the transaction of the point of no return. Whoever
reserves in a tenant's month writes to one row first, so that reservations come one after the
other and each adds up all that are committed; a transaction that is rolled back has reserved
nothing. Locks go in the order clients, deliveries, months, money. An answer from the provider
spends the money; a certain no returns it; silence puts it in doubt, which only the provider's
own word, or an operator who has asked the provider, ends. Whoever ends a delivery (an answer, a
brake, an erasure, its expiry) need not know of the money: `settle_ended`, now and then, settles
it by the delivery's state. Every move is kept with its author.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, TypeAlias

from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from agents.metrics import SPEND_CENTS
from schemas.policy import Budget

_SQL = load_queries("money")
_LIST_LIMIT = 500
_SETTLE_LIMIT = 1_000

AnyConnection: TypeAlias = "Connection | Pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What is reserved or spent in a month: for one client, and for the client's whole tenant."""

    client_cents: int
    tenant_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one delivery costs.

    Attributes:
        month: its first day.
        in_doubt: it may or may not have been ordered.
        delivery_state: what became of the delivery.
        returned_by: who gave the money back; None while it is not back.
    """

    delivery_id: str
    celebration_id: str
    tenant: str
    client: str
    channel: str
    month: date
    cents: int
    state: Literal["reserved", "spent", "returned"]
    in_doubt: bool
    delivery_state: str
    provider_id: str | None
    returned_by: str | None
    returned_why: str | None


def month_of(at: datetime) -> date:
    """The calendar month, in UTC, that an instant of domain time belongs to."""
    return at.astimezone(UTC).date().replace(day=1)


async def reserve(
    connection: AnyConnection,
    *,
    delivery_id: str,
    tenant: str,
    client: str,
    month: date,
    cents: int,
    budget: Budget,
) -> bool:
    """Reserve what a delivery costs; the same delivery again reserves nothing more.

    Returns:
        False when it would exceed a limit; then nothing is reserved.

    Raises:
        asyncpg.InvalidParameterValueError: the delivery has another amount reserved.
        asyncpg.ForeignKeyViolationError: there is no such delivery.
    """
    limits = budget.client_month_cents, budget.tenant_month_cents
    return bool(await connection.fetchval(_SQL.reserve_money, delivery_id, tenant, client, month, cents, *limits))


async def spend(connection: AnyConnection, delivery_id: str) -> int | None:
    """The provider has taken it: the cents that were reserved, None when none were."""
    cents: int | None = await connection.fetchval(_SQL.spend_money, delivery_id)
    return cents


async def doubt(connection: AnyConnection, delivery_id: str) -> int | None:
    """It may have been ordered: the cents that stay reserved from now on, None when nothing new is in doubt."""
    cents: int | None = await connection.fetchval(_SQL.doubt_money, delivery_id)
    return cents


async def give_back(
    connection: AnyConnection,
    delivery_id: str,
    *,
    author: str = "cairn",
    why: str | None = None,
    certain: bool = False,
) -> int | None:
    """Give the cents back to the budget of their month.

    Args:
        connection: the ledger.
        delivery_id: whose cost it was.
        author: who says so.
        why: pseudonymous.
        certain: the provider's own word; without it nothing that is spent or in doubt comes back.

    Returns:
        The cents that came back; None when none did.
    """
    cents: int | None = await connection.fetchval(_SQL.return_money, delivery_id, author, why, certain)
    return cents


async def settle_attempt(connection: AnyConnection, delivery_id: str, *, in_doubt: bool, has_ended: bool) -> None:
    """What an attempt says of the money beyond the delivery's state, by which `settle_ended` goes later.

    Args:
        connection: the ledger.
        delivery_id: whose cost it was.
        in_doubt: it may have been ordered.
        has_ended: its provider shows the order as failed or cancelled, so that its cents come back.
    """
    if in_doubt:
        await doubt(connection, delivery_id)
    elif has_ended:
        await give_back(connection, delivery_id, why="the order ended at its provider", certain=True)


async def settle_ended(pool: Pool, *, limit: int = _SETTLE_LIMIT) -> int:
    """Settle what was reserved for deliveries that ended: spent, in doubt, or back in the budget.

    Returns:
        How many were settled; as many as `limit` means that more may wait.
    """
    settled = await pool.fetch(_SQL.settle_money, limit)
    for row in settled:
        if row["move"] != "doubted":
            count_money(row["move"], row["cents"])
    return len(settled)


def count_money(state: Literal["spent", "returned"], cents: int | None) -> None:
    """Count what was moved, once that is committed; None counts nothing."""
    if cents is not None:
        SPEND_CENTS.labels(state).inc(cents)


async def taken(
    connection: AnyConnection, clients: Iterable[tuple[str, str]], month: date
) -> Mapping[tuple[str, str], Taken]:
    """What of the month's budgets is taken, by tenant and client; every one that was asked about is in it."""
    pairs = list(clients)
    found = await connection.fetch(_SQL.taken, [tenant for tenant, _ in pairs], [client for _, client in pairs], month)
    return {
        (row["tenant"], row["client"]): Taken(client_cents=row["client_cents"], tenant_cents=row["tenant_cents"])
        for row in found
    }


async def costs(
    connection: AnyConnection,
    *,
    tenant: str | None = None,
    month: date | None = None,
    delivery_id: str | None = None,
    limit: int = _LIST_LIMIT,
) -> tuple[Cost, ...]:
    """What deliveries cost, newest first; None restricts nothing."""
    found = await connection.fetch(_SQL.costs, tenant, month, delivery_id, limit)
    return tuple(Cost(**dict(row)) for row in found)


async def cents_in_doubt(connection: AnyConnection) -> int:
    """How much may or may not have been ordered."""
    return int(await connection.fetchval(_SQL.in_doubt))
