"""The state of one client: everything that tracking remembers, as one compact value.

It must never hold a name, an address or a phone number: of the profile it keeps the tracked
bits alone. States are frozen; a step returns a new one that shares what did not change.

On the wire a state is a version byte and a MessagePack array. A field is only ever added at
the end, with a default: an older build ignores what it does not know, a newer one fills in
what is not there. What cannot be read that way gets the next version byte.
"""

import msgspec
from msgspec import Struct

from streams.tracking.awards import Awards
from streams.tracking.bookings import Booking
from streams.tracking.habits import Habit

VERSION = b"\x01"


class TrackedProfile(Struct, frozen=True, array_like=True):
    """The bits of a profile that tracking reads; days are counted from 1970, times in minutes."""

    timezone: str | None = None
    day_starts_minutes: int | None = None
    status: str = "active"
    birthday: str | None = None
    joined_on: int | None = None
    renewal_on: int | None = None
    tags: tuple[str, ...] = ()


class State(Struct, frozen=True, array_like=True):
    """What is remembered of one client.

    Attributes:
        who: `tenant/client`, because time alone may speak of a client.
        profile: the tracked bits.
        counts: number by counter, see `plan.Signature`.
        marks: percent by counter, a high-water mark.
        habits: day sets by habit.
        awards: the ledger, by rule, threshold and `per` value.
        bookings: sessions that are not over yet, by the hash of their id.
        seen: marks of event ids and business keys that counted lately, see `recent`.
        registers: entries of what may be taken back, see `registers`.
        patterns: what an entry had counted for, by its number.
        erased_ms: when a tombstone was applied; then nothing else is held.
    """

    who: str = ""
    profile: TrackedProfile | None = None
    counts: dict[str, int] = {}
    marks: dict[str, float] = {}
    habits: dict[str, Habit] = {}
    awards: Awards = {}
    bookings: dict[bytes, Booking] = {}
    seen: bytes = b""
    registers: bytes = b""
    patterns: tuple[tuple[str, ...], ...] = ()
    erased_ms: int | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


class UnreadableStateError(ValueError):
    """A state that this build cannot read: it was written by a newer one, or is damaged."""


def encode_state(state: State) -> bytes:
    """The state as it stands in the changelog."""
    return VERSION + _encoder.encode(state)


def decode_state(body: bytes) -> State:
    """The state that `encode_state` wrote.

    Raises:
        UnreadableStateError: another version byte, or bytes that are no state.
    """
    if body[:1] != VERSION:
        raise UnreadableStateError(f"state of version {body[:1]!r}; this build reads {VERSION!r}")
    try:
        return _decoder.decode(body[1:])
    except msgspec.DecodeError as error:
        raise UnreadableStateError(f"damaged state: {error}") from None
