"""Statements: what was said lately about a session, a goal, an order or a single event.

A statement says that something counts, or that it does not, and which event said so. What is
said about one key is ordered by event time: the later instant wins, whatever arrives first,
and in the same second the heavier kind, so that neither the order of arrival nor a
duplicate changes the outcome, and an event that is taken back leaves what stood before it.

Cells are of one size and stand in the order in which they came: key (5 bytes of a hash), event
id (4), kind and pattern (1), stamp (4), and the day of arrival by the tracker's clock, modulo
256. With 15 of them, as a client of three sessions a week has, one event in 300 million would be
taken for another; with the most, one in eight million. The window is 35 days or 512 statements:
cells leave from the front when a new one comes.
"""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain
from struct import Struct
from zlib import crc32

import msgspec

WINDOW_DAYS = 35
MAX_STATEMENTS = 512

BOOKED, COMPLETED, FALLEN, ATTENDED = range(4)
"""Kinds, the heavier the later: a booking that is over, a completion, its reversal, its restoration."""

NO_PATTERN = 63
"""How many patterns a tag can name; a statement of this one counts for nothing."""

_KEY, _ID, _TAG, _STAMP = 5, 9, 10, 14
CELL = _STAMP + 1
_KINDS = 4
_HASH = 6  # as version 1 of the state hashed; the first bytes are kept
_DAY_MS = 86_400_000
_DAYS_MODULUS = 256
_AHEAD = 200  # from here on a day lies ahead: the clock was set back, and nothing is old
_SECOND_MS = 1000
_EPOCH_SECONDS = 1_420_070_400  # 2015-01-01: stamps reach from there to 2049
_LAST_STAMP = 2**32 - 1
_TAIL = Struct(">BIB")  # tag, stamp, day of arrival
_EMPTY = blake2b(digest_size=_HASH)
KEY_BYTES, ID_BYTES = _KEY, _ID - _KEY


class Statement(msgspec.Struct, frozen=True, gc=False):
    """One statement.

    Attributes:
        key: hash of what it is about.
        id: hash of the event that made it.
        kind: BOOKED, COMPLETED, FALLEN or ATTENDED.
        pattern: the number of the counters that it counts for.
        stamp: its place in the order of statements, see `stamp_of`.
    """

    key: bytes
    id: bytes
    kind: int
    pattern: int
    stamp: int


def key_of(family: str, key: str) -> bytes:
    """The hash under which a key of a family (an event type, or `id`) is remembered."""
    digest = _EMPTY.copy()  # costs half of a new one
    digest.update(f"{family}\x1f{key}".encode())
    return digest.digest()[:_KEY]


def id_of(event_id: str) -> bytes:
    """What is kept of an event's id: a checksum, which ids that differ in a few places never share."""
    return crc32(event_id.encode()).to_bytes(ID_BYTES, "big")


def stamp_of(at_ms: int, kind: int) -> int:
    """The place of a statement in the order of statements about one key."""
    seconds = at_ms // _SECOND_MS - _EPOCH_SECONDS
    if seconds <= 0:
        return kind
    return seconds * _KINDS + kind if seconds <= _LAST_STAMP // _KINDS else _LAST_STAMP


def add(cells: bytes, said: Statement, now_ms: int) -> bytes:
    """The cells with one more, without those that have left the window."""
    today = now_ms // _DAY_MS
    at, length = 0, len(cells)
    while at < length and is_old(cells[at + _STAMP], today):
        at += CELL
    tail = _TAIL.pack(said.kind << 6 | said.pattern, said.stamp, today % _DAYS_MODULUS)
    added = (cells[at:] if at else cells) + (said.key + said.id + tail)
    return added[-MAX_STATEMENTS * CELL :] if length >= MAX_STATEMENTS * CELL else added


def is_old(day: int, today: int) -> bool:
    """Whether a day, modulo 256, lies before the window."""
    return WINDOW_DAYS < (today - day) % _DAYS_MODULUS < _AHEAD


def about(cells: bytes, key: bytes) -> list[Statement]:
    """What is known to be said about a key, in the order of arrival."""
    places = _places(cells, key, 0)
    return [_read(cells, at) for at in places] if places else []


def read(cells: bytes) -> list[Statement]:
    """All that is known to be said, in the order of arrival."""
    return [_read(cells, at) for at in range(0, len(cells), CELL)]


def by_event(cells: bytes, event_id: bytes) -> list[Statement]:
    """What an event is known to have said."""
    return [_read(cells, at) for at in _places(cells, event_id, _KEY)]


def is_by(cells: bytes, event_id: bytes) -> bool:
    """Whether an event is known to have said anything."""
    return bool(_places(cells, event_id, _KEY))


def without_event(cells: bytes, event_id: bytes) -> bytes:
    """The cells without what an event has said."""
    for at in reversed(_places(cells, event_id, _KEY)):
        cells = cells[:at] + cells[at + CELL :]
    return cells


def tags(cells: bytes) -> bytes:
    """The tags of all cells; a tag's lower six bits are the pattern."""
    return cells[_ID::CELL]


def retag(cells: bytes, renamed: bytes) -> bytes:
    """The cells with every tag replaced by the byte of `renamed` (256 bytes) at its place."""
    changed = bytearray(cells)
    changed[_ID::CELL] = tags(cells).translate(renamed)
    return bytes(changed)


def prevailing(said: Sequence[Statement], pending: Sequence[int] = ()) -> Statement | None:
    """The statement that a key counts by; None if it does not count.

    Told in order of time: a completion counts, another one adds nothing; what fell through does not
    count, until it is completed or restored. Of several bookings the latest is meant, and it counts
    once it is over: `pending` are the stamps of those that are not.
    """
    if len(said) == 1 and not pending:
        return said[0] if said[0].kind in {BOOKED, COMPLETED} else None
    booked = max(chain((each.stamp for each in said if each.kind == BOOKED), pending), default=0)
    unit: Statement | None = None
    stands = False
    for each in sorted(said, key=_stamp):
        if each.kind == FALLEN:
            stands = False
        elif each.kind == ATTENDED:
            stands = unit is not None
        elif not stands and (each.kind == COMPLETED or each.stamp == booked):
            unit, stands = each, True
    return unit if stands else None


def _stamp(said: Statement) -> int:
    return said.stamp


def _read(cells: bytes, at: int) -> Statement:
    tag = cells[at + _ID]
    return Statement(
        cells[at : at + _KEY],
        cells[at + _KEY : at + _ID],
        tag >> 6,
        tag & NO_PATTERN,
        int.from_bytes(cells[at + _TAG : at + _STAMP], "big"),
    )


def _places(cells: bytes, part: bytes, offset: int) -> Sequence[int]:
    """Where the cells begin that hold a part at an offset: first bytes alone are looked through, one a cell."""
    found = []
    firsts = cells[offset::CELL]
    place = firsts.find(part[0])
    while place >= 0:
        at = place * CELL
        if cells.startswith(part, at + offset):
            found.append(at)
        place = firsts.find(part[0], place + 1)
    return found
