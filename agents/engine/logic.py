"""What the engine is handed: how to fold records into states, and nothing about what they mean.

Must never import what it is used for. A `Logic` must be pure: it never mutates its arguments, reads a clock or waits,
because the engine may run it again on the same records after a crash and has to get the same answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import msgspec

S = TypeVar("S")
R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)

Headers = Sequence[tuple[str, bytes | None]]


class Record(Protocol):
    """One source record as the driver's C reader yields it; `timestamp` is its append time in real milliseconds."""

    @property
    def offset(self) -> int:
        """The offset."""
        ...

    @property
    def timestamp(self) -> int:
        """When the broker appended it, in real milliseconds."""
        ...

    @property
    def timestamp_type(self) -> int | None:
        """1 when `timestamp` is the broker's append time."""
        ...

    @property
    def key(self) -> bytes | None:
        """The key as it is."""
        ...

    @property
    def value(self) -> bytes | None:
        """The value as it is."""
        ...

    @property
    def headers(self) -> Headers:
        """The headers, in order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A record to write in the same transaction; its partition follows from its key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a record is set aside: it goes to the dead letters unchanged, and the next one goes on.

    Args:
        reason: One of a small set of words, fit for a metric label.
        detail: What is wrong, for the person who repairs the source; never a payload.
    """

    reason: str
    detail: str


class Folded(msgspec.Struct, Generic[S], frozen=True, gc=False, kw_only=True):
    """What one record did: the state after it (None: there is none), what to publish, or why it was refused."""

    state: S | None
    outputs: tuple[Output, ...] = ()
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules(Generic[R_co]):
    """A snapshot of the rules for one batch.

    Args:
        versions: The version of each named part, from 1 up. A name's version only grows, so that an old snapshot is
            recognised; names come and go, and one that is absent holds nobody up.
        value: What the logic is handed.
    """

    versions: Mapping[str, int]
    value: R_co

    def behind(self, used: Mapping[str, int]) -> tuple[str, ...]:
        """The names whose version is lower here than the one already used."""
        return tuple(sorted(name for name, version in self.versions.items() if version < used.get(name, 0)))


class Logic(Protocol[S, R_contra]):
    """The pure functions that one partition's pipe runs; times are milliseconds of domain time.

    Raising sets the key's record aside, or parks the key where only time has passed; other keys go on.
    """

    def decode(self, key: bytes, body: bytes) -> S:
        """Read the state of a key back; only bytes that `encode` wrote are ever given."""
        ...

    def encode(self, state: S) -> bytes:
        """Write a state compactly; the engine puts its own header in front."""
        ...

    def fold(self, state: S | None, topic: str, record: Record, now_ms: int, rules: R_contra) -> Folded[S]:
        """Apply one record."""
        ...

    def tick(self, state: S, now_ms: int, rules: R_contra) -> tuple[S, tuple[Output, ...]]:
        """Apply what has fallen due by `now_ms`; the next deadline must then lie after it."""
        ...

    def next_deadline(self, state: S) -> int | None:
        """When `tick` has to run next, or None."""
        ...

    def is_outdated(self, key: bytes, body: bytes, rules: R_contra) -> bool:
        """Whether a state as `encode` wrote it was left by other rules than these; `tick` or `fold` then renews it.

        Asked of every key whenever the rules have changed, so it must not decode.
        """
        ...
