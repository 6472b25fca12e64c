"""States of version 1, as earlier builds wrote them: read, and turned into what they would be now.

They did not know which event said what, so what they hold cannot be taken back by an event's id.
"""

import msgspec
from msgspec import Struct

from streams.tracking.awards import FIRST, HELD, TOLD, Award
from streams.tracking.bookings import Booking
from streams.tracking.habits import Habit
from streams.tracking.marks import Mark
from streams.tracking.plan import Number
from streams.tracking.state import State, TrackedProfile
from streams.tracking.statements import (
    BOOKED,
    COMPLETED,
    FALLEN,
    ID_BYTES,
    KEY_BYTES,
    NO_PATTERN,
    Statement,
    add,
    stamp_of,
)

VERSION = b"\x01"

_ENTRY_CELL, _MARK_CELL, _HASH = 13, 7, 6
_PATTERNS = 80
_DAY_MS = 86_400_000
_NOBODY = bytes(ID_BYTES)
_KINDS = (COMPLETED, BOOKED, FALLEN)


class _Habit(Struct, frozen=True, array_like=True):
    base: int
    days: bytes
    newest: int
    instants: bytes


class _Booking(Struct, frozen=True, array_like=True):
    stamp: int
    ends_ms: int
    due_ms: int
    session_id: str
    kind: str | None = None
    program_id: str | None = None
    title: str | None = None
    silent: bool = False


class _Award(Struct, frozen=True, array_like=True):
    revision: int = 1
    held: bool = True
    told: bool = True
    run: tuple[int, int] | None = None


class _State(Struct, frozen=True, array_like=True):
    who: str = ""
    profile: TrackedProfile | None = None
    counts: dict[str, Number] = {}
    marks: dict[str, Number] = {}
    habits: dict[str, _Habit] = {}
    awards: dict[str, tuple[_Award, ...]] = {}
    bookings: dict[bytes, _Booking] = {}
    seen: bytes = b""
    registers: bytes = b""
    patterns: tuple[tuple[str, ...], ...] = ()
    erased_ms: int | None = None


_decoder = msgspec.msgpack.Decoder(_State)


def decode(body: bytes) -> State:
    """The state that a body of version 1 holds.

    Raises:
        msgspec.DecodeError: it is damaged.
    """
    old = _decoder.decode(body[len(VERSION) :])
    return State(
        who=old.who,
        profile=old.profile,
        counts=old.counts,
        marks={counter: Mark(merged=((0, value),)) for counter, value in old.marks.items()},
        habits={name: _habit(habit) for name, habit in old.habits.items()},
        awards={slot: tuple(map(_award, awards)) for slot, awards in old.awards.items()},
        bookings={key[:ID_BYTES]: _booking(key, booking) for key, booking in old.bookings.items()},
        statements=_statements(old),
        patterns=old.patterns[:NO_PATTERN],
        erased_ms=old.erased_ms,
    )


def _habit(old: _Habit) -> Habit:
    return Habit(old.base, old.days, old.newest - old.base, old.instants)


def _award(old: _Award) -> Award:
    return Award(FIRST * old.revision | HELD * old.held | TOLD * old.told, old.run)


def _booking(key: bytes, old: _Booking) -> Booking:
    return Booking(
        key[:ID_BYTES],
        _stamp(old.stamp),
        old.ends_ms,
        old.due_ms,
        old.session_id,
        old.kind,
        old.program_id,
        old.title,
        old.silent,
    )


def _statements(old: _State) -> bytes:
    """What was remembered of keys and of single events, each with the day of its arrival."""
    cells = b""
    for at in range(0, len(old.registers), _ENTRY_CELL):
        cell = old.registers[at : at + _ENTRY_CELL]
        kind, pattern = _read_tag(cell[_HASH])
        stamp = _stamp(int.from_bytes(cell[_HASH + 1 : -1], "big"))
        cells = add(cells, Statement(cell[:KEY_BYTES], _NOBODY, kind, pattern, stamp), cell[-1] * _DAY_MS)
    for at in range(0, len(old.seen), _MARK_CELL):
        cell = old.seen[at : at + _MARK_CELL]
        seen = Statement(cell[:KEY_BYTES], cell[:ID_BYTES], COMPLETED, NO_PATTERN, 0)
        cells = add(cells, seen, cell[-1] * _DAY_MS)
    return cells


def _stamp(old: int) -> int:
    """A stamp of version 1, a place in ticks of 32 ms, as it would be now."""
    return stamp_of(old // 4 * 32, old % 4)


def _read_tag(tag: int) -> tuple[int, int]:
    if tag >= 3 * _PATTERNS:
        return (FALLEN if tag == 255 else COMPLETED), NO_PATTERN  # noqa: PLR2004 - version 1's mark for it
    pattern = tag % _PATTERNS
    return _KINDS[tag // _PATTERNS], min(NO_PATTERN, pattern)
