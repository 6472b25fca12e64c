"""Links in the ledger: two clients become one person, and what the linked one has said is carried over.

It must never lose a withdrawal, let a linked id be spoken to once more, or point to an id that points further.

Theory of operation: both clients are locked, in one order, for as long as the transaction lasts; wishes, brakes,
plans and erasures take the same locks, so each of them is before the link, and carried, or after it, of the person.
The linked id keeps its rows: a suppression that nobody can lift closes what waits there and leaves it to the coach.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from agents.ledger.brakes import replace_suppression
from agents.ledger.clients import ClientKey, lock_client
from agents.ledger.pool import Connection, Pool
from agents.ledger.queries import load_queries
from schemas.brake import Suppression

_SQL = load_queries("links")
_LIST_LIMIT: Final = 500

Why = Literal["same", "unknown", "erased", "cycle", "elsewhere"]


class LinkRefused(Exception):
    """Two clients that cannot become one; `why` names the reason for programs, the text for people."""

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a link carried over.

    Attributes:
        into: who the client is from now on.
        is_new: False when the two were one already; then nothing was changed.
        keys: ids and addresses of tools.
        consents: kinds of consent in which the linked client's word counts.
        channels: channels that are left from now on.
        is_suppressed: the linked client's suppression holds for the other one.
        followers: clients that had been linked to the linked one.
    """

    into: str
    is_new: bool
    keys: int = 0
    consents: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    is_suppressed: bool = False
    followers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link, and how far it is.

    Attributes:
        resent: events that were sent again under the other id.
        caught_up_at: when the topic was last read to its end; None while its history is on its way.
        erased_at: when the person's tombstones were handed over.
    """

    tenant: str
    client: str
    into_client: str
    author: str
    linked_at: datetime
    resent: int
    caught_up_at: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedLink:
    """A link that this process follows until its lease is over.

    Attributes:
        next_offset: up to where the linked id's partition of the events topic was read.
        fence: must still be the link's for anything to be recorded.
    """

    tenant: str
    client: str
    into_client: str
    linked_at: datetime
    next_offset: int
    resent: int
    fence: int


async def link(connection: Connection, *, tenant: str, client: str, into: str, author: str, now: datetime) -> Carried:
    """Make two clients one, inside the caller's transaction.

    Args:
        connection: in a transaction; the locks of both are held until it ends.
        tenant: of both.
        client: who is somebody else from now on.
        into: who that is; of one who was linked, the person they are.
        author: who says so.
        now: domain time.

    Raises:
        LinkRefused: they cannot be one; nothing was changed.
    """
    person = await _lock_both(connection, tenant, client, into)
    if person == await connection.fetchval(_SQL.person_of, tenant, client):
        if client == person:
            raise LinkRefused("cycle", f"{into} is linked to {client} already: linked back they would be nobody")
        return Carried(into=person, is_new=False)
    await _refuse_unfit(connection, tenant, client, person)
    await connection.fetchval(_SQL.add_link, tenant, client, person, author)
    followers = await connection.fetchval(_SQL.follow_on, tenant, client, person)
    keys = await connection.fetchval(_SQL.move_keys, tenant, client, person)
    consents = await connection.fetch(_SQL.carry_consents, [tenant], [client])
    channels = await connection.fetch(_SQL.carry_channels, [tenant], [client])
    is_suppressed = await _carry_suppression(connection, tenant, client, person, now)
    closed = Suppression(answer="drop", reason=f"linked to {person}")
    whose = {"tenant": tenant, "client": client}
    await replace_suppression(connection, **whose, suppression=closed, author=author, now=now)
    await connection.execute(_SQL.ask_all_again, tenant, person)
    return Carried(
        into=person,
        is_new=True,
        keys=keys,
        consents=tuple(row["kind"] for row in consents),
        channels=tuple(row["channel"] for row in channels),
        is_suppressed=is_suppressed,
        followers=followers,
    )


async def _lock_both(connection: Connection, tenant: str, client: str, into: str) -> str:
    """Lock the client and the person that `into` is; that person."""
    if client == into:
        raise LinkRefused("same", f"{client} cannot be linked to itself: name two clients")
    for one in (client, into):
        if not await connection.fetchval(_SQL.is_known, tenant, one):
            raise LinkRefused("unknown", f"nothing was heard of {one} at {tenant}: ids are compared letter by letter")
    while True:
        person = str(await connection.fetchval(_SQL.person_of, tenant, into))
        for one in sorted({client, person}):
            await lock_client(connection, tenant, one)
        if person == await connection.fetchval(_SQL.person_of, tenant, into):
            return person


async def _refuse_unfit(connection: Connection, tenant: str, client: str, person: str) -> None:
    whose = await connection.fetchval(_SQL.person_of, tenant, client)
    if whose != client:
        raise LinkRefused("elsewhere", f"{client} is linked to {whose} already: link {whose} instead")
    for one in (client, person):
        if await connection.fetchval(_SQL.is_erased, tenant, one):
            raise LinkRefused("erased", f"{one} was erased: nothing may bring them back")


async def _carry_suppression(connection: Connection, tenant: str, client: str, person: str, now: datetime) -> bool:
    """The stricter of both holds for the person; whether that is news."""
    rows = {row["client"]: row for row in await connection.fetch(_SQL.suppressions_of, tenant, [client, person], now)}
    if client not in rows:
        return False
    theirs, own = _read(rows[client]), _read(rows[person]) if person in rows else None
    strict = stricter(theirs, own)
    if strict == own:
        return False
    author = rows[client]["author"]
    whose = {"tenant": tenant, "client": person}
    await replace_suppression(connection, **whose, suppression=strict, author=author, now=now)
    return True


def _read(row: Any) -> Suppression:
    return Suppression(answer=row["answer"], reason=row["reason"], until=row["until"])


def stricter(one: Suppression, other: Suppression | None) -> Suppression:
    """What both ask for: closed if either closes, until both have ended; in the other's words if it is as strict."""
    if other is None:
        return one
    ends = [said.until for said in (one, other) if said.until is not None]
    until = max(ends) if len(ends) > 1 else None
    answer: Literal["hold", "drop"] = "drop" if "drop" in {one.answer, other.answer} else "hold"
    is_enough = (answer, until) == (other.answer, other.until)
    return Suppression(answer=answer, reason=other.reason if is_enough else one.reason, until=until)


async def profiles_of(connection: Connection, tenant: str, clients: Sequence[str]) -> dict[str, Any]:
    """What is known of these clients, by id: `profile` and `wished` in JSON, None where nothing is.

    Inside a transaction that holds their locks.
    """
    return {row["client"]: row for row in await connection.fetch(_SQL.profiles, tenant, list(clients))}


async def links_of(
    pool: Pool, *, tenant: str | None = None, client: str | None = None, limit: int = _LIST_LIMIT
) -> tuple[Link, ...]:
    """Who is linked to whom, newest first."""
    return tuple(Link(**dict(row)) for row in await pool.fetch(_SQL.links, tenant, client, limit))


async def claim_links(pool: Pool, *, lease: timedelta, person: ClientKey | None = None) -> tuple[ClaimedLink, ...]:
    """Take the links that nobody follows: all, or those that lead to a person."""
    whose = person or (None, None)
    return tuple(ClaimedLink(**dict(row)) for row in await pool.fetch(_SQL.claim_links, lease, *whose))


async def move_on(pool: Pool, claimed: ClaimedLink, *, next_offset: int, resent: int, lease: timedelta) -> bool:
    """Record how far it is; False when the link is not ours any more, or leads elsewhere by now."""
    whose = claimed.tenant, claimed.client, claimed.fence, claimed.into_client
    return await pool.fetchval(_SQL.move_on, *whose, next_offset, resent, lease) is not None


async def let_go(pool: Pool, claimed: ClaimedLink, *, is_read: bool) -> None:
    """Somebody else may look next; `is_read` says whether the topic was read to its end."""
    whose = claimed.tenant, claimed.client, claimed.fence, claimed.into_client
    await pool.execute(_SQL.let_go, *whose, is_read)


async def half_erased(pool: Pool) -> tuple[tuple[str, str], ...]:
    """Tenant and client of people of whom one id was erased, and not yet every other."""
    return tuple((row["tenant"], row["client"]) for row in await pool.fetch(_SQL.half_erased))
