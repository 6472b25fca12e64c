"""Linking: a client becomes another one, in the ledger, in the tools' keys and on the topic of profiles.

It must never publish a tombstone: that erases, here and with every subscriber, and the person lives. The linked
id's profile is published empty instead, so that no contact data is left under it.

Theory of operation: one transaction holds the locks of both clients, in the ledger and of what the intake published.
The joint profile and the empty one are produced inside of it, as the intake produces every profile; if Kafka does
not take them, nothing happened. What the linked id lived through is sent again by `agents.link_follower`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.intake.facts import completed
from agents.intake.outgoing import Outgoing, profile_record
from agents.ledger.links import Carried, LinkRefused, link, profiles_of
from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from schemas.client import Profile, kept_profile

Deliver = Callable[[Sequence[Outgoing]], Awaitable[None]]
"""Hands records over; returns once Kafka, or the spool's disk, has all of them."""

_INTAKE = load_queries("intake")


@dataclass(frozen=True, slots=True, kw_only=True)
class Couple:
    """Two clients of a tenant who are one person.

    Attributes:
        into: who they are.
        client: who was taken for somebody else.
        author: who says so.
    """

    tenant: str
    into: str
    client: str
    author: str


async def link_clients(pool: Pool, deliver: Deliver, couple: Couple, *, now: datetime) -> Carried:
    """Make the couple one; their history follows.

    Args:
        pool: the ledger.
        deliver: hands the profiles over.
        couple: who is who.
        now: domain time.

    Raises:
        LinkRefused: they cannot be one; nothing was changed.
        KafkaError, SpoolFull, OSError: the profiles were not taken; nothing was changed.
        asyncpg.PostgresError: the database is away; say it again later, which changes nothing twice.
    """
    async with pool.acquire() as connection, connection.transaction():
        carried = await _link(connection, couple, now)
        if carried.is_new:
            await _publish(connection, deliver, couple.tenant, couple.client, carried.into)
    return carried


async def would_link(pool: Pool, couple: Couple, *, now: datetime) -> Carried:
    """What `link_clients` would carry over; nothing is changed, and nothing published.

    Raises:
        LinkRefused: they cannot be one.
    """
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            return await _link(connection, couple, now)
        finally:
            await transaction.rollback()


async def _link(connection: Connection, couple: Couple, now: datetime) -> Carried:
    names = {"tenant": couple.tenant, "client": couple.client, "into": couple.into, "author": couple.author}
    return await link(connection, **names, now=now)


async def _publish(connection: Connection, deliver: Deliver, tenant: str, client: str, into: str) -> None:
    """Publish the joint profile, and an empty one under the linked id, each if it is news."""
    for one in sorted((client, into)):
        row = await connection.fetchrow(_INTAKE.lock_profile, tenant, one)
        if row is not None and row["is_erased"]:
            raise LinkRefused("erased", f"{one} was erased: nothing may bring them back")
    rows = await profiles_of(connection, tenant, (client, into))
    if rows[client]["profile"] is None and rows[into]["profile"] is None:
        return  # the first profile is whoever's who knows the client
    joint = completed(_profile(rows[into]["wished"]), _profile(rows[client]["wished"]))
    news = {into: joint} if joint != _profile(rows[into]["profile"]) else {}
    if _profile(rows[client]["profile"]) != Profile():
        news[client] = Profile()
    texts = {one: profile.model_dump_json(exclude_defaults=True) for one, profile in news.items()}
    await deliver([profile_record(tenant, one, text) for one, text in texts.items()])
    for one, text in texts.items():
        await connection.execute(_INTAKE.record_profile, tenant, one, text)


def _profile(text: Any) -> Profile:
    return Profile() if text is None else kept_profile(text)
