"""A record on its way to Kafka, before a partition is chosen for it; every profile is made here."""

from msgspec import Struct

from schemas.topics import CLIENTS, client_key

_PROFILE_HEADERS = (("content-type", b"application/json"),)


class Outgoing(Struct, frozen=True, kw_only=True):
    """One record: topic, key, value (None is a tombstone) and headers.

    A struct, because the spool writes it down as it is.
    """

    topic: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def profile_record(tenant: str, client: str, profile: str) -> Outgoing:
    """A client's whole profile, in JSON, as `coaching.clients.v1` has it."""
    return Outgoing(topic=CLIENTS, key=client_key(tenant, client), value=profile.encode(), headers=_PROFILE_HEADERS)
