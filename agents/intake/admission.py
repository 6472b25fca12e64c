"""Admission: a finding becomes records, for a client known only by a pseudonym.

It must never let a name or address into the events topic, produce an event before the profile
that came with it, or produce two profiles of one client in the wrong order.

Theory of operation: the person is looked up; facts that add something are joined to the profile
last published, under the lock of the client's row, and the lock is held until the record is
acknowledged. The table and the topic may differ by one profile if the process dies between the
two: the same facts are then published once more, which changes nothing. Whether the client was
linked to another is asked once more under the lock, which a link holds too: a profile is made
before the link, and carried over, or after it, of the other client. An event that was made for
the linked id at the same moment is followed from the topic (`agents.link_follower`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import structlog

from agents.intake.facts import joined, unvouched
from agents.intake.finding import Finding, Happening, Ignored
from agents.intake.identity import Identities
from agents.intake.outgoing import Outgoing, profile_record
from agents.intake.producer import Producer
from agents.intake.secrecy import Secrecy
from agents.intake.spool import SpoolFull
from schemas.client import Profile, kept_profile
from schemas.codec import STRUCTURED_CONTENT_TYPE, decode_event, encode_event
from schemas.event import Event
from schemas.refusal import Refused
from schemas.topics import CLIENTS, DEAD_LETTERS, EVENTS, client_key

_EVENT_HEADERS = (("content-type", STRUCTURED_CONTENT_TYPE),)
_DEAD_LETTER = "cairn-dead-letter-"
_KEPT_BODY_BYTES = 768 * 1024
_PROFILE_MAX_CHARS = 64 * 1024
_SAID: Final = (Refused, SpoolFull, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What whoever admits is told: the finding is at fault, or the database or the broker is away."""

_log = structlog.get_logger()


class Admission:
    """Takes findings in, and sets aside what became none.

    Args:
        pool: an asyncpg pool.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        producer: acknowledges the records.
        secrecy: hashes what identifies, seals what is set aside.
    """

    def __init__(self, pool: Any, queries: dict[str, str], producer: Producer, secrecy: Secrecy) -> None:
        self._pool = pool
        self._queries = queries
        self._producer = producer
        self._secrecy = secrecy
        self._identities = Identities(pool, queries, secrecy)

    async def admit(self, tenant: str, source: str, finding: Finding, heard_at: datetime) -> bool:
        """Publish what the finding says; False, and nothing is done, for a client who was erased.

        Raises:
            Refused: the tracker would refuse an event, or the profile is too large; no event was
                produced. Also, as `translator_failed`, what we did not expect, such as a stored
                profile that does not hold up any more: it is one client's, and stops nobody else.
            SpoolFull: Kafka is away and the spool has no room.
            asyncpg.PostgresError, OSError: the database is away; say it again later.
        """
        try:
            return await self._admit(tenant, source, finding, heard_at)
        except _SAID:
            raise
        except Exception:  # noqa: BLE001 - the finding is refused, so that its hook is parked
            _log.exception("admission_failed", tenant=tenant, source=source)
            raise Refused("translator_failed", "it could not be admitted; the fault's place is in the log") from None

    async def _admit(self, tenant: str, source: str, finding: Finding, heard_at: datetime) -> bool:
        known = await self._identities.identify(tenant, source, finding.person)
        if known.is_erased:
            return False
        records = [
            _event_record(_event(tenant, source, known.client, happening, heard_at)) for happening in finding.happenings
        ]
        is_guarded = known.has_voucher and not finding.person.is_vouched
        if _with_facts(known.profile, finding, is_guarded=is_guarded) != known.profile:
            await self._publish_profile(tenant, known.client, finding, is_guarded=is_guarded)
        if records:
            await self._producer.deliver(records)
        return True

    async def restate(self, tenant: str, client: str, facts: Mapping[str, Any]) -> bool:
        """Publish what a client told us of themselves, joined to what is known of them.

        A profile is published whole and the newest wins. So where the tenant's platform publishes profiles itself,
        ours is made of what the ledger heard of it; and where nobody did yet, none is: it would wipe the one that is
        on its way.

        Returns:
            Whether a profile says it now; False as well for a client who was erased.

        Raises:
            Refused, SpoolFull, asyncpg.PostgresError, OSError: as `admit`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            client, row = await self._lock_person(connection, tenant, client)
            text = row["profile"] or await connection.fetchval(self._queries["heard_profile"], tenant, client)
            if row["is_erased"] or text is None:
                return False
            profile = joined(kept_profile(row["wished"] or text), facts)
            if profile != kept_profile(text):
                await self._publish(connection, tenant, client, profile)
            return True

    async def _publish_profile(self, tenant: str, client: str, finding: Finding, *, is_guarded: bool) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            client, row = await self._lock_person(connection, tenant, client)
            if row["is_erased"]:
                return
            known = kept_profile(row["wished"]) if row["wished"] else Profile()
            profile = _with_facts(known, finding, is_guarded=is_guarded)
            if profile != known:
                await self._publish(connection, tenant, client, profile)

    async def _lock_person(self, connection: Any, tenant: str, client: str) -> tuple[str, Any]:
        """Lock what was published about the client, or about whom they were linked to, and read it."""
        while True:
            row = await connection.fetchrow(self._queries["lock_profile"], tenant, client)
            person = await connection.fetchval(self._queries["person_of"], tenant, client)
            if person == client:
                return client, row
            client = person

    async def _publish(self, connection: Any, tenant: str, client: str, profile: Profile) -> None:
        """Produce a profile under the lock of the client's row."""
        text = profile.model_dump_json(exclude_unset=True)
        if len(text) > _PROFILE_MAX_CHARS:
            raise Refused("too_large", f"a profile has at most {_PROFILE_MAX_CHARS} characters")
        await self._producer.deliver([profile_record(tenant, client, text)])
        await connection.execute(self._queries["record_profile"], tenant, client, text)

    async def erase(self, tenant: str, client: str) -> None:
        """Forget the person here and publish the tombstones that erase them everywhere else, of every id they have.

        The hashed keys stay, so that no later hook brings the person back.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            ids = await self._lock_ids(connection, tenant, client)
            for one in ids:
                await connection.execute(self._queries["erase_profile"], tenant, one)
            await self._producer.deliver(
                [Outgoing(topic=CLIENTS, key=client_key(tenant, one), value=None) for one in ids]
            )
            await connection.execute(self._queries["links_erased"], tenant, ids)

    async def _lock_ids(self, connection: Any, tenant: str, client: str) -> list[str]:
        """Every id of the person, each locked; a link that came in between is seen."""
        locked: list[str] = []
        while True:
            ids = [row["client"] for row in await connection.fetch(self._queries["ids_of"], tenant, client)]
            if set(ids) <= set(locked):
                return ids
            for one in ids:
                await connection.fetchrow(self._queries["lock_profile"], tenant, one)
            locked = ids

    async def set_aside(
        self,
        tenant: str,
        source: str,
        body: bytes,
        ignored: Ignored,
        heard_at: datetime | None,
        *,
        is_sealed: bool = False,
    ) -> None:
        """Put a verified body that says nothing usable into the dead letters, sealed.

        Its bytes are recovered with `Secrecy.opened`; of a body beyond 768 KiB the rest is cut. The digest is the same
        each time that the same body is set aside. One that `is_sealed` already, under a key that is not ours now, is
        put there as it is, without a digest. `heard_at` is the domain time of its receipt, by which a replay reads it.
        """
        value = body[:_KEPT_BODY_BYTES]
        reason = {
            "reason": ignored.reason,
            "detail": ignored.detail,
            "topic": f"hook:{source}",
            "sealed": "cut" if len(body) > _KEPT_BODY_BYTES else "whole",
        }
        if heard_at is not None:
            reason["heard-at"] = heard_at.astimezone(UTC).isoformat()
        if not is_sealed:
            hook = await self._secrecy.put_away(tenant, source, body, most_bytes=_KEPT_BODY_BYTES)
            reason["digest"], value = hook.digest.hex(), hook.sealed
        record = Outgoing(
            topic=DEAD_LETTERS,
            key=f"{tenant}/{source}".encode(),
            value=value,
            headers=tuple((_DEAD_LETTER + name, text.encode()) for name, text in reason.items()),
        )
        await self._producer.deliver([record])


def _with_facts(known: Profile, finding: Finding, *, is_guarded: bool) -> Profile:
    """The known profile with what the finding may say of it."""
    return joined(known, unvouched(known, finding.facts) if is_guarded else finding.facts)


def _event(tenant: str, source: str, client: str, happening: Happening, heard_at: datetime) -> Event:
    event_id = f"{happening.id}:{client}" if happening.unique_within == "client" else happening.id
    return Event(
        id=event_id,
        source=f"cairn/{tenant}/{source}",
        type=happening.type,
        tenant=tenant,
        client=client,
        occurred_at=happening.occurred_at,
        data=happening.data,
        received_at=heard_at,
    )


def _event_record(event: Event) -> Outgoing:
    """The event's record, read once as the tracker will read it.

    Raises:
        Refused: the tracker would refuse it.
    """
    value = encode_event(event)
    decode_event(_EVENT_HEADERS, value)
    return Outgoing(topic=EVENTS, key=client_key(event.tenant, event.client), value=value, headers=_EVENT_HEADERS)
