"""Tag memory: what was said last of a contact's tag, so that removing it takes the right thing back.

A hook that removes a tag does not name the one that added it, and hooks come in any order. It
must never hold a contact's id or address: rows are keyed by hash, and event ids are digests.

Theory of operation: one row for each contact and tag with the last adding, its event's id and
the last removal, each moved on by a later one only, in one statement. It is written before the
event is produced: a hook that is sent again finds its own row and says the same. Where the tool
confirms each change, a tag that stands is not added once more before its removal is heard: who
knows of a true adding could otherwise claim it again and again.
"""

from typing import Any

from agents.intake.kajabi import Standing, TagChange
from agents.intake.secrecy import Secrecy


class TagMemory:
    """Remembers tags.

    Args:
        pool: an asyncpg pool.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        secrecy: hashes the keys.
    """

    def __init__(self, pool: Any, queries: dict[str, str], secrecy: Secrecy) -> None:
        self._pool = pool
        self._queries = queries
        self._secrecy = secrecy

    async def note(self, tenant: str, source: str, change: TagChange, *, is_confirmed: bool = False) -> Standing:
        """Remember a change; what it means beside all that is known.

        Args:
            tenant: whose source it is.
            source: the source's name.
            change: of a mapped tag.
            is_confirmed: the tool was asked, as it is about every change of this tag.

        Raises:
            asyncpg.PostgresError, OSError: the database is away; nothing was remembered.
        """
        key = self._secrecy.hashed(tenant, "tag", source, change.contact, change.tag)
        added = (change.event_id, change.at) if change.is_added else (None, None)
        removed_at = None if change.is_added else change.at
        said = (*added, removed_at, is_confirmed)
        row = await self._pool.fetchrow(self._queries["note_tag"], tenant, source, key, *said)
        added_id, added_at, removed_at = row["added_id"], row["added_at"], row["removed_at"]
        if change.is_added:
            is_last = added_id == change.event_id and (removed_at is None or removed_at < added_at)
        else:
            is_last = removed_at == change.at and (added_at is None or added_at <= removed_at)
        return Standing(is_last=is_last, added_id=added_id)
