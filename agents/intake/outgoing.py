"""A record on its way to Kafka, before a partition is chosen for it."""

from msgspec import Struct


class Outgoing(Struct, frozen=True, kw_only=True):
    """One record: topic, key, value (None is a tombstone) and headers.

    A struct, because the spool writes it down as it is.
    """

    topic: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
