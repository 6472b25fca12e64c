"""Clients: profiles as they arrive, erasure, and the channels that clients leave.

Contact data stands in one column of one table. Erasure removes it together with everything
that was rendered from it, and leaves a row that keeps the client from coming back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from schemas.brake import Suppression
from schemas.client import Profile, kept_profile

_SQL = load_queries("clients")
_LINKS = load_queries("links")
_ERASE_MORE = (
    _SQL.erase_inbox,
    _SQL.keep_sending,
    _SQL.erase_deliveries,
    _SQL.erase_tasks,
    _SQL.erase_approvals,
    _SQL.erase_words,
    _SQL.erase_facts,
    _SQL.erase_wishes,
    _SQL.erase_published,
    _SQL.erase_referrals,
    _SQL.erase_decisions,
    _SQL.erase_renewals,
    _SQL.erase_refused,
)

_NOT_READ = -1

ClientKey = tuple[str, str]
"""Tenant and client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    """What the ledger knows about a client that decides about messages.

    Attributes:
        linked_at: since when somebody else is this person; what is heard of from then on is celebrated as theirs.
    """

    profile: Profile | None
    erased: bool
    opted_out: tuple[str, ...]
    suppression: Suppression | None
    linked_at: datetime | None = None

    @property
    def coach(self) -> str | None:
        """The coach's id, if the profile names one."""
        return self.profile.coach_id if self.profile else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRecord:
    """One record of the clients topic; a profile of None erases."""

    tenant: str
    client: str
    profile: Profile | None
    offset: int


def client_row(row: asyncpg.Record) -> ClientRow:
    """Read the columns that every query about clients shares."""
    suppression = None
    if row["answer"]:
        suppression = Suppression(answer=row["answer"], reason=row["suppression_reason"], until=row["until"])
    return ClientRow(
        profile=kept_profile(row["profile"]) if row["profile"] else None,
        erased=row["erased"],
        opted_out=tuple(row["opted_out"]),
        suppression=suppression,
    )


async def lock_clients(connection: Connection, keys: Sequence[ClientKey]) -> dict[ClientKey, ClientRow]:
    """Keep these clients from being erased or suppressed until the transaction ends, and read them."""
    columns = [tenant for tenant, _ in keys], [client for _, client in keys]
    await connection.execute(_SQL.meet_clients, *columns)
    await connection.execute(_SQL.share_clients, *columns)
    rows = await connection.fetch(_SQL.clients_to_plan_for, *columns)
    return {(row["tenant"], row["client"]): replace(client_row(row), linked_at=row["linked_at"]) for row in rows}


async def lock_client(connection: Connection, tenant: str, client: str) -> bool:
    """One change about this client at a time, until the transaction ends.

    Returns:
        Whether the client is erased.
    """
    erased = await connection.fetchval(_SQL.lock_client, tenant, client)
    if erased is None:
        await connection.execute(_SQL.meet_clients, [tenant], [client])
        erased = await connection.fetchval(_SQL.lock_client, tenant, client)
    return bool(erased)


async def lock_person(connection: Connection, tenant: str, client: str) -> str:
    """One change about this person at a time, until the transaction ends.

    Returns:
        The id under which they are known: another one, if the client was linked to somebody.
    """
    while True:
        await lock_client(connection, tenant, client)
        person = str(await connection.fetchval(_SQL.person_of, tenant, client))
        if person == client:
            return client
        client = person


async def apply_profiles(connection: Connection, records: Sequence[ProfileRecord]) -> None:
    """Apply records in the order of their offsets; of each client only the last one matters."""
    latest = {(record.tenant, record.client): record for record in records}
    rows: list[dict[str, Any]] = [
        {
            "tenant": record.tenant,
            "client": record.client,
            "profile": record.profile.model_dump(mode="json", exclude_defaults=True),
            "source_offset": record.offset,
        }
        for record in latest.values()
        if record.profile is not None
    ]
    if rows:
        await connection.execute(_SQL.upsert_profiles, msgspec.json.encode(rows).decode())
        keys = [row["tenant"] for row in rows], [row["client"] for row in rows]
        await connection.execute(_LINKS.carry_consents, *keys)  # a platform may go on under a linked client's id
        await connection.execute(_LINKS.carry_channels, *keys)
    erased = {(r.tenant, r.client): r for r in records if r.profile is None}
    for record in erased.values():
        await _erase(connection, record)


async def _erase(connection: Connection, record: ProfileRecord) -> None:
    """Erase the person, under every id that they have."""
    for row in await connection.fetch(_SQL.ids_of, record.tenant, record.client):
        offset = record.offset if row["client"] == record.client else _NOT_READ
        await connection.execute(_SQL.erase_client, record.tenant, row["client"], offset)
        for statement in _ERASE_MORE:
            await connection.execute(statement, record.tenant, row["client"])


async def has_moved_on(connection: Connection, tenant: str, client: str, offset: int) -> bool:
    """Whether a record at that offset would change nothing any more: a newer one came, or the client is erased."""
    return bool(await connection.fetchval(_SQL.has_moved_on, tenant, client, offset))


async def clients_by_phone(pool: Pool, tenant: str, phone: str) -> tuple[str, ...]:
    """The tenant's clients with this number, E.164."""
    return tuple(row["client"] for row in await pool.fetch(_SQL.clients_by_phone, tenant, phone))


async def leave_channel(
    connection: Connection, *, tenant: str, client: str, channel: str, source: str, author: str
) -> bool:
    """The person leaves a channel; what waits there is closed when a sender asks, once more if it did already.

    Args:
        connection: inside a transaction.
        tenant: the client's.
        client: who leaves.
        channel: what they leave.
        source: the way on which they said so.
        author: who says so: the client, or the provider that told of it.

    Returns:
        Whether that is news.
    """
    client = await lock_person(connection, tenant, client)
    news = await connection.fetchval(_SQL.opt_out, tenant, client, channel, source, author)
    await connection.execute(_SQL.ask_again, tenant, client, channel)
    return news is not None


async def return_to_channel(connection: Connection, *, tenant: str, client: str, channel: str, source: str) -> bool:
    """The client comes back to a channel.

    Returns:
        Whether they had left it.
    """
    client = await lock_person(connection, tenant, client)
    return await connection.fetchval(_SQL.opt_in, tenant, client, channel, source, "client") is not None


async def opt_out(pool: Pool, *, tenant: str, client: str, channel: str, source: str) -> bool:
    """`leave_channel`, in a transaction of its own."""
    async with pool.acquire() as connection, connection.transaction():
        return await leave_channel(
            connection, tenant=tenant, client=client, channel=channel, source=source, author="client"
        )


async def opt_in(pool: Pool, *, tenant: str, client: str, channel: str, source: str = "page") -> bool:
    """`return_to_channel`, in a transaction of its own."""
    async with pool.acquire() as connection, connection.transaction():
        return await return_to_channel(connection, tenant=tenant, client=client, channel=channel, source=source)


async def has_opted_out(pool: Pool, *, tenant: str, client: str, channel: str) -> bool:
    """Whether the client has left this channel."""
    return bool(await pool.fetchval(_SQL.has_opted_out, tenant, client, channel))
