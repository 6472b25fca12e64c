"""Wishes in the ledger: read as they count now, and written so that they hold from the commit on.

A wish must never wait for Kafka: it stands in a table of its own, which release and planning ask, until the profile
that says the same has come. It must never be written for somebody who was erased.
"""

from collections.abc import Mapping
from datetime import datetime

from agents.ledger.clients import leave_channel, lock_person, return_to_channel
from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from schemas.client import Consent, ConsentKind, Profile, kept_profile
from schemas.wishes import Change, Wishes

_SQL = load_queries("wishes")
_HISTORY_LIMIT = 200


async def read_wishes(pool: Pool, tenant: str, client: str) -> Wishes | None:
    """What counts for the client; None for one who was erased."""
    row = await pool.fetchrow(_SQL.wishes, tenant, client)
    if row is None or row["erased"]:
        return None
    profile = kept_profile(row["profile"]) if row["profile"] else Profile()
    unwanted = {channel for channel, wanted in profile.channels.items() if not wanted}
    return Wishes(left=frozenset(unwanted | set(row["opted_out"])), consents=profile.consents)


async def read_history(pool: Pool, tenant: str, client: str, limit: int = _HISTORY_LIMIT) -> tuple[Change, ...]:
    """How it came about, newest first."""
    return tuple(Change(**dict(row)) for row in await pool.fetch(_SQL.history, tenant, client, limit))


async def change_wishes(
    pool: Pool,
    *,
    tenant: str,
    client: str,
    channels: Mapping[str, bool],
    consents: Mapping[ConsentKind, bool],
    source: str,
    at: datetime,
) -> tuple[tuple[str, ...], dict[ConsentKind, Consent]] | None:
    """Write what the client says.

    Args:
        pool: the ledger.
        tenant: the client's.
        client: who says it.
        channels: whether they want each.
        consents: whether they allow each.
        source: the way on which they say it.
        at: when, domain time.

    Returns:
        The channels whose state is news, and the consents that are, as they are to be published; None, and
        nothing is written, for a client who was erased.
    """
    async with pool.acquire() as connection, connection.transaction():
        client = await lock_person(connection, tenant, client)
        if await connection.fetchval(_SQL.is_erased, tenant, client):
            return None
        news = []
        for channel, wanted in sorted(channels.items()):
            named = {"tenant": tenant, "client": client, "channel": channel, "source": source}
            is_news = (
                await return_to_channel(connection, **named)
                if wanted
                else await leave_channel(connection, **named, author="client")
            )
            news += [channel] * is_news
        said: dict[ConsentKind, Consent] = {}
        for kind, granted in sorted(consents.items()):
            given = Consent(granted=granted, source=source, at=at)
            whose = {"tenant": tenant, "client": client, "author": "client"}
            if counts := await wish_consent(connection, **whose, kind=kind, said=given):
                said[kind] = counts
    return tuple(news), said


async def wish_consent(
    connection: Connection, *, tenant: str, client: str, kind: ConsentKind, said: Consent, author: str
) -> Consent | None:
    """Write one consent inside the caller's transaction, which holds the client's lock.

    Returns:
        The consent as it counts, later than whatever was said before; None when it counts already.
    """
    row = tenant, client, kind, said.granted, said.source, author, said.at
    at = await connection.fetchval(_SQL.wish_consent, *row)
    return said.model_copy(update={"at": at}) if at else None
