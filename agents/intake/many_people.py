"""Many people at once: clients and profiles of a whole batch, in sets and not one query each.

It must never come to another answer than `Identities` and `Admission` would one by one, nor stand
in a circle of locks with them or with another batch.

Theory of operation: addresses are claimed first, then ids, each kind in the order of their hashes;
whoever claims one by one takes an address before an id too, so nobody who waits for a batch holds
what the batch still wants. People of a batch who share a key with one another go one by one.
Profiles are locked in the order of the clients' ids.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from agents.intake.finding import Person
from agents.intake.identity import Identities, new_client
from agents.intake.outgoing import Outgoing, profile_record
from agents.intake.secrecy import Secrecy
from schemas.client import Profile, kept_profile

_NOTHING: Final = Profile()


class Deliverer(Protocol):
    """Puts records where they are safe."""

    async def deliver(self, records: Sequence[Outgoing]) -> None:
        """Returns once all of the records are acknowledged."""
        ...


class Found(NamedTuple):
    """A client of the batch.

    Attributes:
        profile: as last published, empty if nothing was.
        is_erased: nothing about this person is taken in any more.
    """

    client: str
    profile: Profile
    is_erased: bool


class ManyPeople:
    """Finds or makes the clients behind people, and publishes their profiles.

    Args:
        pool: an asyncpg pool.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        secrecy: hashes the keys.
    """

    def __init__(self, pool: Any, queries: dict[str, str], secrecy: Secrecy) -> None:
        self._pool = pool
        self._queries = queries
        self._identities = Identities(pool, queries, secrecy)

    async def identify(self, tenant: str, source: str, people: Sequence[Person]) -> dict[Person, Found]:
        """The clients whom a tool means, each as `Identities.identify` has them.

        Raises:
            asyncpg.PostgresError, OSError: the database is away.
        """
        keys = {person: self._identities.keys(tenant, source, person) for person in people}
        found = await self._known(tenant, keys)
        if missing := {person: of for person, of in keys.items() if person not in found}:
            counts = Counter(key for of in missing.values() for key in of)
            alone = {person: of for person, of in missing.items() if all(counts[key] == 1 for key in of)}
            found |= await self._claim(tenant, alone)
            for person in (person for person in missing if person not in alone):
                await self._identities.identify(tenant, source, person)
            if met := {person: of for person, of in missing.items() if person not in found}:
                found |= await self._known(tenant, met)
        return found

    async def _known(self, tenant: str, keys: Mapping[Person, tuple[bytes, ...]]) -> dict[Person, Found]:
        """Those whose every key is somebody's already, and vouched for: who imports a table vouches for it."""
        rows = await self._pool.fetch(
            self._queries["known_client"], tenant, list({key for of in keys.values() for key in of})
        )
        by_key = {row["key_hash"]: row for row in rows if row["is_vouched"]}
        return {person: _found(by_key[of[-1]]) for person, of in keys.items() if all(key in by_key for key in of)}

    async def _claim(self, tenant: str, keys: Mapping[Person, tuple[bytes, ...]]) -> dict[Person, Found]:
        """Give every key that is nobody's to its person's client: a known one, or a new one.

        Returns:
            Whose every key was nobody's: of them nothing else can be known.
        """
        clients = {person: new_client() for person in keys}
        new_keys: list[tuple[Person, bytes, str]] = []
        addresses = {of[0]: person for person, of in keys.items() if person.email}
        ids = {of[-1]: person for person, of in keys.items() if person.external_id}
        async with self._pool.acquire() as connection, connection.transaction():
            for owners in (addresses, ids):
                ordered = sorted(owners)
                rows = await connection.fetch(
                    self._queries["claim_keys"], tenant, ordered, [clients[owners[key]] for key in ordered]
                )
                for row in rows:
                    person = owners[row["key_hash"]]
                    clients[person] = row["client"]
                    if row["is_new"]:
                        new_keys.append((person, row["key_hash"], row["client"]))
            for person, key, given in new_keys:
                if given != clients[person]:  # the address is new, and the id was somebody's
                    await connection.execute(self._queries["give_key"], tenant, key, clients[person])
        claimed = Counter(person for person, _, _ in new_keys)
        return {
            person: Found(clients[person], _NOTHING, is_erased=False)
            for person, of in keys.items()
            if claimed[person] == len(of)
        }

    async def tell(
        self, tenant: str, told: Mapping[str, Sequence[Profile]], producer: Deliverer
    ) -> tuple[int, set[str]]:
        """Publish what was told of clients, joined to what is known, each that changes anything.

        Args:
            tenant: whose clients they are.
            told: by client, in order; of each profile the fields that are set count.
            producer: acknowledges the records, while the clients' rows are locked.

        Returns:
            How many profiles were published, and which of the clients were erased.

        Raises:
            asyncpg.PostgresError, OSError: the database is away.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            told, rows = await self._lock_people(connection, tenant, told)
            clients = sorted(told)
            erased = {row["client"] for row in rows if row["is_erased"]}
            known = {row["client"]: row["wished"] for row in rows}
            unheard = [client for client, profile in known.items() if profile is None]
            for row in await connection.fetch(self._queries["heard_profiles"], tenant, unheard):
                known[row["client"]] = row["profile"]
                erased |= {row["client"]} if row["is_erased"] else set()
            changed = {
                client: text
                for client in clients
                if client not in erased and (text := _changed(known[client], told[client])) is not None
            }
            if changed:
                await producer.deliver([profile_record(tenant, client, text) for client, text in changed.items()])
                await connection.execute(
                    self._queries["record_profiles"], tenant, list(changed), list(changed.values())
                )
        return len(changed), erased

    async def _lock_people(
        self, connection: Any, tenant: str, told: Mapping[str, Sequence[Profile]]
    ) -> tuple[Mapping[str, Sequence[Profile]], list[Any]]:
        """Lock whom these clients are, also those who were linked to another one meanwhile."""
        while True:
            rows = await connection.fetch(self._queries["lock_profiles"], tenant, sorted(told))
            moved = dict(await connection.fetch(self._queries["moved_people"], tenant, sorted(told)))
            if not moved:
                return told, rows
            told = _by_person(told, moved)


def _by_person(told: Mapping[str, Sequence[Profile]], people: Mapping[str, str]) -> dict[str, list[Profile]]:
    """What was told, by whom each client is; in the order in which it was told of each."""
    found: dict[str, list[Profile]] = {}
    for client, profiles in told.items():
        found.setdefault(people.get(client, client), []).extend(profiles)
    return found


def is_news(known: Profile, told: Profile) -> bool:
    """Whether one of the fields that are set says something else than what is known."""
    return any(getattr(known, name) != getattr(told, name) for name in told.model_fields_set)


def _found(row: Any) -> Found:
    profile = kept_profile(row["profile"]) if row["profile"] else _NOTHING
    return Found(row["client"], profile, bool(row["is_erased"]))


def _changed(known: str | None, told: Sequence[Profile]) -> str | None:
    """The profile with all that was told, in JSON; None when that is known already."""
    before = profile = kept_profile(known) if known else _NOTHING
    for one in told:
        profile = profile.model_copy(update={name: getattr(one, name) for name in one.model_fields_set})
    return None if profile == before else profile.model_dump_json(exclude_unset=True)
