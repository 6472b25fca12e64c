"""Identity: which client a tool's id or e-mail address means, the same one in every tool.

It must never split a person in two because two hooks came at once, nor hand a client that one
tool knows by id to another because an address was reused, nor let a word that nobody vouches for
tie a further address to a client: whoever had that address would then speak as the client.

Theory of operation: each id (within its tool) and each address (within the tenant) is a row
that points to a client, keyed by hash. Known keys are one read. Otherwise the keys are claimed
in one transaction, address first, each claim waiting for whoever claims the same row; that
order is the same everywhere, so claims cannot block each other in a circle. Where id and
address point to different clients the id is right: people share and change addresses. A client
who was linked to another is that other one, whatever their keys say.
"""

import os
from base64 import b32encode
from dataclasses import dataclass
from typing import Any

from agents.intake.finding import Person
from agents.intake.secrecy import Secrecy
from schemas.client import Profile, kept_profile

_ID_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A client as the intake knows them.

    Attributes:
        profile: as last published, empty if nothing was.
        is_erased: nothing about this person is taken in any more.
        has_voucher: a source that signs, or that we asked, knows this client.
    """

    client: str
    profile: Profile
    is_erased: bool
    has_voucher: bool


def new_client() -> str:
    """An id that says nothing of the person and is nobody's: 80 random bits, in base 32."""
    return f"c_{b32encode(os.urandom(_ID_BYTES)).decode().lower()}"


class Identities:
    """Finds or makes the client behind a person.

    Args:
        pool: an asyncpg pool.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        secrecy: hashes the keys.
    """

    def __init__(self, pool: Any, queries: dict[str, str], secrecy: Secrecy) -> None:
        self._pool = pool
        self._queries = queries
        self._secrecy = secrecy

    async def identify(self, tenant: str, source: str, person: Person) -> Known:
        """The client whom this tool means.

        Raises:
            asyncpg.PostgresError, OSError: the database is away; nothing was decided.
        """
        keys = self.keys(tenant, source, person)
        known = await self._known(tenant, keys, is_vouched=person.is_vouched)
        if known is None:
            await self._claim(tenant, keys, is_vouched=person.is_vouched)
            known = await self._known(tenant, keys, is_vouched=person.is_vouched)
        assert known is not None, "a claimed key stays"  # noqa: S101 - rows of identities are never deleted
        return known

    async def find(self, tenant: str, source: str, person: Person) -> dict[str, bool]:
        """The clients who are known by this address, or by this id of the source's, and whether they were erased."""
        rows = await self._pool.fetch(self._queries["known_client"], tenant, list(self.keys(tenant, source, person)))
        return {row["client"]: bool(row["is_erased"]) for row in rows}

    async def _known(self, tenant: str, keys: tuple[bytes, ...], *, is_vouched: bool) -> Known | None:
        """The client, if nothing is left to claim: every key is somebody's, and vouched for if the word is."""
        rows = await self._pool.fetch(self._queries["known_client"], tenant, list(keys))
        by_key = {row["key_hash"]: row for row in rows}
        if is_vouched and (len(by_key) < len(keys) or not all(row["is_vouched"] for row in rows)):
            return None
        row = by_key.get(keys[-1])
        if row is None:
            return None
        profile = kept_profile(row["profile"]) if row["profile"] else Profile()
        return Known(
            client=row["client"],
            profile=profile,
            is_erased=bool(row["is_erased"]),
            has_voucher=row["has_voucher"],
        )

    async def _claim(self, tenant: str, keys: tuple[bytes, ...], *, is_vouched: bool) -> None:
        """Give every key that is nobody's to one client: a known one, or a new one."""
        async with self._pool.acquire() as connection, connection.transaction():
            client, new_keys = new_client(), []
            for key in keys:
                row = await connection.fetchrow(self._queries["claim_key"], tenant, key, client, is_vouched)
                client = row["client"]
                if row["is_new"]:
                    new_keys.append(key)
            is_met = keys[-1] not in new_keys  # meanwhile, by a hook that came at once
            for key in new_keys:
                if is_met and not is_vouched:
                    await connection.execute(self._queries["drop_key"], tenant, key)
                else:
                    await connection.execute(self._queries["give_key"], tenant, key, client)

    def keys(self, tenant: str, source: str, person: Person) -> tuple[bytes, ...]:
        """The hashes by which the person is known; the one that decides stands last."""
        keys = []
        if person.email:
            keys.append(self._secrecy.hashed(tenant, "email", person.email.strip().lower()))
        if person.external_id:
            keys.append(self._secrecy.hashed(tenant, "id", source, person.external_id))
        return tuple(keys)
