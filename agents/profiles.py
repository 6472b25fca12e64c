"""Profiles: the clients topic becomes the ledger's clients, the one table with contact data.

A profile replaces the one before, a tombstone erases for good. A value that cannot be read is
parked without its content, because it may hold an address.
"""

from collections.abc import Sequence

from agents.bookkeeper import Bookkeeper, Written, refused
from agents.engine.logic import Record
from agents.ledger.clients import ProfileRecord, apply_profiles
from agents.ledger.parked import Refusal
from agents.ledger.pool import Connection, Pool
from agents.metrics import ERASURES
from schemas.codec import decode_profile
from schemas.refusal import Refused
from schemas.topics import split_key


def profile_keeper(pool: Pool) -> Bookkeeper:
    """The bookkeeper of `coaching.clients.v1`."""
    return Bookkeeper(pool, write_profiles, keep_values=False)


async def write_profiles(connection: Connection, records: Sequence[Record]) -> Written:
    """Apply profiles and tombstones in the order of their offsets."""
    decoded = [_decode(record) for record in records]
    profiles = [found for found in decoded if isinstance(found, ProfileRecord)]
    await apply_profiles(connection, profiles)
    erased = sum(found.profile is None for found in profiles)
    return Written(
        refusals=[found for found in decoded if isinstance(found, Refusal)],
        count=lambda: ERASURES.inc(erased),
    )


def _decode(record: Record) -> ProfileRecord | Refusal:
    try:
        tenant, client = split_key(record.key or b"")
        profile = decode_profile(record.value) if record.value is not None else None
    except Refused as error:
        return refused(record, error.reason, error.detail)
    except ValueError as error:
        return refused(record, "wrong_key", str(error))
    return ProfileRecord(tenant=tenant, client=client, profile=profile, offset=record.offset)
