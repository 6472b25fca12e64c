"""The state of one client: everything that tracking remembers, as one compact value.

It must never hold a name, an address or a phone number: of the profile it keeps the tracked
bits alone. States are frozen; a step returns a new one that shares what did not change.

On the wire a state is a version byte, the stamp of the rulebook that it was last looked at with,
and a MessagePack array. A field is only ever added at the end, with a default: an older build
ignores what it does not know, a newer one fills in what is not there. What cannot be read that
way gets the next version byte, and `state_v1` reads the one before.
"""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas.milestone import Milestone
from streams.tracking.awards import Awards
from streams.tracking.bookings import Booking
from streams.tracking.habits import Habit
from streams.tracking.marks import Mark
from streams.tracking.pauses import Pause
from streams.tracking.plan import STAMP_BYTES, Number

VERSION = b"\x02"
_HEAD = len(VERSION) + STAMP_BYTES


ACTIVE = ""
"""The status of most clients."""


class TrackedProfile(Struct, frozen=True, array_like=True):
    """The bits of a profile that tracking reads; days are counted from 1970, times in minutes."""

    timezone: str | None = None
    day_starts_minutes: int | None = None
    status: str = ACTIVE
    birthday: str | None = None
    joined_on: int | None = None
    renewal_on: int | None = None
    tags: tuple[str, ...] = ()


class Settling(Struct, frozen=True, array_like=True):
    """A milestone that is emitted when it is due, unless it is withdrawn before."""

    due_ms: int
    milestone: Milestone
    told: bool = True


class PendingLapse(Struct, frozen=True, gc=False, array_like=True):
    """A run that is broken when it is due, unless something mends it before; days count from 1970."""

    first: int
    last: int
    length: int
    due_ms: int
    silent: bool = False

    @property
    def span(self) -> int:
        """How many days from the first to the last."""
        return self.last - self.first + 1


class State(Struct, frozen=True, gc=False, array_like=True):
    """What is remembered of one client.

    Attributes:
        who: `tenant/client`; it is not part of the bytes, whose key says it already.
        profile: the tracked bits.
        counts: number or sum by counter, see `plan.Signature`.
        marks: percentages and watched values by counter.
        habits: day sets by habit.
        awards: the ledger, by rule, threshold and `per` value.
        bookings: sessions that are not over yet, by the hash of the event.
        statements: what was said lately, see `statements`.
        patterns: what a statement counts for, by its number.
        amounts: what a statement moves its counters by if not by one, by the hash of the event.
        pauses: the latest.
        barred: hashes of events that were taken back, with the time until when they are refused.
        settling: milestones that wait for their time, by their id.
        lapses: runs that may turn out to be broken, by rule and `per` value.
        next_date_ms: when the next date of the client is due.
        erased_ms: when a tombstone was applied; then nothing else is held.
        stamp: of the rulebook that it was last looked at with.
    """

    who: str = ""
    profile: TrackedProfile | None = None
    counts: dict[str, Number] = {}
    marks: dict[str, Mark] = {}
    habits: dict[str, Habit] = {}
    awards: Awards = {}
    bookings: dict[bytes, Booking] = {}
    statements: bytes = b""
    patterns: tuple[tuple[str, ...], ...] = ()
    amounts: dict[bytes, tuple[Number, ...]] = {}
    pauses: tuple[Pause, ...] = ()
    barred: dict[bytes, int] = {}
    settling: dict[str, Settling] = {}
    lapses: dict[str, tuple[PendingLapse, ...]] = {}
    next_date_ms: int | None = None
    erased_ms: int | None = None
    stamp: bytes | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


class UnreadableStateError(ValueError):
    """A state that this build cannot read: it was written by a newer one, or is damaged."""


def encode_state(state: State) -> bytes:
    """The state as it stands in the changelog."""
    return VERSION + (state.stamp or bytes(STAMP_BYTES)) + _encoder.encode(replace(state, who="", stamp=None))


def decode_state(body: bytes, who: str) -> State:
    """The state that `encode_state` wrote of `who` (`tenant/client`), in this version or the one before.

    Raises:
        UnreadableStateError: another version byte, or bytes that are no state.
    """
    if body[:1] != VERSION:
        return _decode_earlier(body)
    try:
        return replace(_decoder.decode(body[_HEAD:]), who=who, stamp=stamp_in(body))
    except msgspec.DecodeError as error:
        raise UnreadableStateError(f"damaged state: {error}") from None


def stamp_in(body: bytes) -> bytes | None:
    """The stamp of the rulebook that an encoded state was last looked at with; it decodes nothing."""
    stamp = body[len(VERSION) : _HEAD]
    return stamp if body[:1] == VERSION and any(stamp) else None


def _decode_earlier(body: bytes) -> State:
    from streams.tracking import state_v1

    if body[:1] != state_v1.VERSION:
        raise UnreadableStateError(f"state of version {body[:1]!r}; this build reads {VERSION!r}")
    try:
        return state_v1.decode(body)
    except msgspec.DecodeError as error:
        raise UnreadableStateError(f"damaged state: {error}") from None
