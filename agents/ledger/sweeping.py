"""Sweeping: what nobody will finish, and what follows from what was finished.

It must never send anything and never turn `sending` back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.ledger import rows
from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from schemas.milestone import Milestone

_SQL = load_queries("deliveries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A delivery that nobody finished in time; `recovered` when a restore of the ledger held it."""

    delivery_id: str
    tenant: str
    client: str
    channel: str
    celebration_id: str
    state: str
    recovered: bool = False


async def sweep_sending(connection: Connection) -> tuple[Swept, ...]:
    """Deliveries whose sender died after the point of no return become `unknown`."""
    return tuple(Swept(**dict(row)) for row in await connection.fetch(_SQL.sweep_sending))


async def sweep_expired(connection: Connection, now: datetime) -> tuple[Swept, ...]:
    """Deliveries that waited too long are closed; `now` is domain time."""
    return tuple(Swept(**dict(row)) for row in await connection.fetch(_SQL.sweep_expired, now))


async def follow_carriers(connection: Connection) -> None:
    """Keepsakes whose message has left are `sent` with it."""
    await connection.execute(_SQL.follow_carriers)


async def drop_uncarried(connection: Connection) -> tuple[Swept, ...]:
    """Keepsakes that no message carried, and none will, are closed."""
    return tuple(Swept(**dict(row)) for row in await connection.fetch(_SQL.drop_uncarried))


async def leave_untold(connection: Connection) -> None:
    """What came too late or lies unread is left to the client's next mail."""
    await connection.execute(_SQL.leave_untold)


async def leads_that_ended(connection: Connection) -> tuple[str, ...]:
    """Celebrations that were to tell of others too, and ended lately without having left."""
    return tuple(row["celebration_id"] for row in await connection.fetch(_SQL.leads_that_ended))


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """What a celebration answers, the client's coach, and whether the client is erased."""

    milestone: Milestone
    coach: str | None
    erased: bool


async def milestones_of(connection: Connection, celebration_ids: Sequence[str]) -> dict[str, Whose]:
    """What each celebration answers, and for whom."""
    found = await connection.fetch(_SQL.milestones_of, list(celebration_ids))
    return {
        row["celebration_id"]: Whose(
            milestone=rows.recorded_milestone(row["record"]), coach=row["coach"], erased=row["erased"]
        )
        for row in found
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How many deliveries of a channel stand in a state that is not final, and since when the oldest does."""

    channel: str
    state: str
    deliveries: int
    oldest_at: datetime


async def figures(pool: Pool) -> tuple[Figure, ...]:
    """What waits, for the metrics that are sampled."""
    return tuple(Figure(**dict(row)) for row in await pool.fetch(_SQL.figures))
