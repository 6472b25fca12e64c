"""Outcomes: what clients did after they were celebrated, counted by client and never by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from streams.outcomes.shares import Share
from streams.planning.answer import MESSAGES

_SQL = load_queries("outcomes")
_CHANNELS = sorted(MESSAGES)
_SLOW_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What the clients of a tier or variant did; a share is of those who can be looked at already.

    Attributes:
        clients: whom at least one message reached.
        opted_out: left a channel within a week of a message.
        renewed: within ninety days of the first message; of clients whose day of renewal is known.
    """

    name: str
    clients: int
    messages: int
    opened: Share
    clicked: Share
    opted_out: Share
    renewed: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What went out of one kind of words.

    Attributes:
        variant: EXPERIMENT/VARIANT.
        opened: how many were seen to be opened or read.
    """

    rule: str
    kind: str
    tier: str
    channel: str
    variant: str | None
    sent: int
    opened: int


async def groups(
    pool: Pool, *, experiment: str | None, since: datetime, tenant: str | None = None
) -> tuple[Group, ...]:
    """Each variant of an experiment, or without one each tier, by name."""
    rows = await pool.fetch(_SQL.groups, experiment, since, tenant, _CHANNELS, timeout=_SLOW_SECONDS)
    return tuple(
        Group(
            name=row["name"],
            clients=row["clients"],
            messages=row["messages"],
            opened=Share(count=row["opened"], of=row["clients"]),
            clicked=Share(count=row["clicked"], of=row["clients"]),
            opted_out=Share(count=row["opted_out"], of=row["past_a_week"]),
            renewed=Share(count=row["renewed"], of=row["past_a_term"]),
        )
        for row in rows
    )


async def renewals_of_hold_out(pool: Pool, *, since: datetime, tenant: str | None = None) -> Mapping[str, Share]:
    """Of the `held out` and of the `celebrated`: how many renewed; nobody where there is none."""
    rows = await pool.fetch(_SQL.hold_out, since, tenant, _CHANNELS, timeout=_SLOW_SECONDS)
    found = {row["name"]: Share(count=row["renewed"], of=row["past_a_term"]) for row in rows}
    return {name: found.get(name, Share(count=0, of=0)) for name in ("held out", "celebrated")}


async def first_heard_at(pool: Pool, *, tenant: str) -> datetime | None:
    """When the first milestone of a tenant was heard of, in real time; None when none was."""
    found: datetime | None = await pool.fetchval(_SQL.first_heard_at, tenant, timeout=_SLOW_SECONDS)
    return found


async def met(pool: Pool, *, tenant: str, since: datetime) -> Mapping[str, int]:
    """How often each rule was met."""
    rows = await pool.fetch(_SQL.met, tenant, since, timeout=_SLOW_SECONDS)
    return {row["rule"]: row["milestones"] for row in rows}


async def sent(pool: Pool, *, tenant: str, since: datetime) -> tuple[Sent, ...]:
    """What went out, by what decides which words it had."""
    rows = await pool.fetch(_SQL.sent, tenant, since, _CHANNELS, timeout=_SLOW_SECONDS)
    return tuple(Sent(**dict(row)) for row in rows)
