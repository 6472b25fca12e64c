"""Bookings: sessions in the calendar that are not over yet, by the event that put them there."""

from msgspec import Struct


class Booking(Struct, frozen=True, array_like=True):
    """A session that will count when it is over, unless it is said to have fallen through.

    It keeps the booking's fields, because rules look at them when the session counts.

    Attributes:
        key: the hash of the session's id.
        stamp: place of the booking in the order of statements, see `statements.stamp_of`.
        ends_ms: when it ends.
        due_ms: when it counts as completed.
        silent: whether what follows from it is silent.
    """

    key: bytes
    stamp: int
    ends_ms: int
    due_ms: int
    session_id: str
    kind: str | None = None
    program_id: str | None = None
    title: str | None = None
    silent: bool = False
