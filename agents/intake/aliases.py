"""Aliases: the one session that a chain of rescheduled bookings is, in whatever order its links are heard.

It must never give one session two ids for good, nor two sessions one. Some tools do not move a booking: they cancel
it and make another, with another id, and say which one it takes the place of.

Theory of operation: a booking that was never rescheduled has no row, its session has its own id. The first link that
is heard writes rows for both its ends, with the id of the older end, and every later link adds a row with the same
id. If the links come out of order, two parts of a chain may have been told under two ids before the link between them
is heard. Then the older part takes the id of the newer one, which knows the latest time, and its rows remember the id
that they gave up, so that whoever reads the chain can take back what was told under it, again after a failure. Links
of a source are joined one after another, under a lock of Postgres.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.intake.secrecy import Secrecy


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The session of a chain.

    Attributes:
        given_up: ids under which a part of it may have been told, in order.
    """

    session_id: str
    given_up: tuple[str, ...] = ()


class Aliases:
    """Finds the session of a booking, and joins bookings to one session.

    Args:
        pool: an asyncpg pool.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        secrecy: hashes the bookings' ids.
    """

    def __init__(self, pool: Any, queries: dict[str, str], secrecy: Secrecy) -> None:
        self._pool = pool
        self._queries = queries
        self._secrecy = secrecy

    async def settle(self, tenant: str, source: str, chain: Sequence[str]) -> Settled:
        """The session of bookings that are known to be one, by their own ids, the oldest first.

        Raises:
            asyncpg.PostgresError, OSError: the database is away; nothing was joined.
        """
        known = await self._known(self._pool, tenant, source, chain)
        if len(chain) > 1 and (len(known) < len(chain) or len({row["session_id"] for row in known}) > 1):
            async with self._pool.acquire() as connection, connection.transaction():
                await self._join(connection, tenant, source, chain)
                known = await self._known(connection, tenant, source, chain)
        given_up = sorted({session_id for row in known for session_id in row["given_up"]})
        return Settled(session_id=known[0]["session_id"] if known else chain[0], given_up=tuple(given_up))

    async def _known(self, executor: Any, tenant: str, source: str, chain: Sequence[str]) -> list[Any]:
        hashes = [self._hashed(alias) for alias in chain]
        rows: list[Any] = await executor.fetch(self._queries["known_aliases"], tenant, source, hashes)
        return rows

    async def _join(self, connection: Any, tenant: str, source: str, chain: Sequence[str]) -> None:
        await connection.execute(self._queries["lock_aliases"], tenant, source)
        session_id = chain[0]
        for alias in chain:
            known = await connection.fetchval(self._queries["session_of_alias"], tenant, source, self._hashed(alias))
            if known is None:
                await connection.execute(self._queries["add_alias"], tenant, source, self._hashed(alias), session_id)
            elif known != session_id:
                await connection.execute(self._queries["join_sessions"], tenant, source, session_id, known)
                session_id = known

    def _hashed(self, alias: str) -> bytes:
        return self._secrecy.hashed("alias", alias)
