"""What a re-read remembers: of each object of a source, what was last admitted.

It must never hold contact data: what an object says is kept as a keyed hash. It must be told
only after admission: what is remembered is not admitted again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.intake.secrecy import Secrecy


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What was admitted of an object.

    Attributes:
        digest: 32 bytes that stand for all that it said.
        starts_at: when it takes place.
    """

    object_id: str
    digest: bytes
    starts_at: datetime


class RereadMemory:
    """The memory of one source, in Postgres.

    Args:
        pool: an asyncpg pool.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        secrecy: hashes what is remembered.
        tenant: the tenant's id.
        source: the source's name.

    Its asynchronous methods raise asyncpg.PostgresError or OSError while the database is away.
    """

    def __init__(self, pool: Any, queries: dict[str, str], secrecy: Secrecy, tenant: str, source: str) -> None:
        self._pool = pool
        self._queries = queries
        self._secrecy = secrecy
        self._key = (tenant, source)

    def digest_of(self, *said: str) -> bytes:
        """32 bytes that stand for what an object says; without the identity key they tell nothing."""
        return self._secrecy.hashed("reread", *self._key, *said)

    async def recall(self, object_ids: Iterable[str]) -> Mapping[str, Remembered]:
        """What is remembered of these objects, by id."""
        rows = await self._pool.fetch(self._queries["remembered_objects"], *self._key, list(object_ids))
        return {row["object_id"]: Remembered(**row) for row in rows}

    async def remember(self, admitted: Sequence[Remembered]) -> None:
        """Keep what was admitted; of an object that stands there twice, the last."""
        last = {one.object_id: one for one in admitted}.values()
        columns = ([one.object_id for one in last], [one.digest for one in last], [one.starts_at for one in last])
        await self._pool.execute(self._queries["remember_objects"], *self._key, *columns)

    async def forget_before(self, instant: datetime) -> None:
        """Drop what took place before any time that is read again."""
        await self._pool.execute(self._queries["forget_objects"], *self._key, instant)
