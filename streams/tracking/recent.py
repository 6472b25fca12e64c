"""Recent keys: what was counted lately, so that it counts once and can be taken back.

A key is remembered by 48 bits of its hash; with at most 512 of them for a client, one event
in 500 billion would be taken for another. A *mark* says only that a key was seen. An *entry*
says what it counted for (its tag) and when that was said (its stamp). The stamp orders what
is said about one key: the later instant wins, whatever arrives first, and at the same
instant (32 ms) the higher precedence, so that neither the order of arrival nor a duplicate
changes the outcome.

Cells are of one size and stand in the order in which they came, the last byte being the day
(by the tracker's clock, modulo 256). The window is 35 days or 512 keys: cells leave from the
front, when a new one comes.
"""

from hashlib import blake2b

from msgspec import Struct

WINDOW_DAYS = 35
MAX_KEYS = 512

_HASH, _TAG, _STAMP = 6, 7, 12
_MARK_CELL, _ENTRY_CELL = _HASH + 1, _STAMP + 1
_DAY_MS = 86_400_000
_DAYS_MODULUS = 256
_AHEAD = 200  # from here on a day lies ahead: the clock was set back, and nothing is old
_TICK_MS = 32
_PRECEDENCES = 4
_BYTES = tuple(bytes((number,)) for number in range(256))


class Entry(Struct, frozen=True, gc=False):
    """What is remembered of one key."""

    tag: int
    stamp: int


def key_of(family: str, key: str) -> bytes:
    """The hash under which a key of a family (an event type, or `id`) is remembered."""
    return blake2b(f"{family}\x1f{key}".encode(), digest_size=_HASH).digest()


def stamp_of(at_ms: int, precedence: int = 0) -> int:
    """The place of a statement in the order of statements about one key."""
    return max(at_ms, 0) // _TICK_MS * _PRECEDENCES + precedence


def is_marked(marks: bytes, key: bytes) -> bool:
    """Whether a key was seen within the window."""
    return _place(marks, key, _MARK_CELL) >= 0


def mark(marks: bytes, key: bytes, now_ms: int) -> bytes:
    """The marks with one more."""
    return _appended(marks, key, now_ms, _MARK_CELL)


def find(entries: bytes, key: bytes) -> Entry | None:
    """The entry of a key, if it is still remembered."""
    at = _place(entries, key, _ENTRY_CELL)
    if at < 0:
        return None
    return Entry(entries[at + _HASH], int.from_bytes(entries[at + _TAG : at + _STAMP], "big"))


def put(entries: bytes, key: bytes, entry: Entry, now_ms: int) -> bytes:
    """The entries with one added, or replaced and moved to the end."""
    at = _place(entries, key, _ENTRY_CELL)
    kept = entries if at < 0 else entries[:at] + entries[at + _ENTRY_CELL :]
    cell = key + _BYTES[entry.tag] + entry.stamp.to_bytes(_STAMP - _TAG, "big")
    return _appended(kept, cell, now_ms, _ENTRY_CELL)


def tags(entries: bytes) -> bytes:
    """The tags of all entries."""
    return entries[_HASH::_ENTRY_CELL]


def retag(entries: bytes, renamed: bytes) -> bytes:
    """The entries with every tag replaced by the byte of `renamed` (256 bytes) at its place."""
    cells = bytearray(entries)
    cells[_HASH::_ENTRY_CELL] = tags(entries).translate(renamed)
    return bytes(cells)


def _appended(cells: bytes, cell: bytes, now_ms: int, size: int) -> bytes:
    today = now_ms // _DAY_MS
    at, length = 0, len(cells)
    while at < length and WINDOW_DAYS < (today - cells[at + size - 1]) % _DAYS_MODULUS < _AHEAD:
        at += size
    appended = (cells[at:] if at else cells) + cell + _BYTES[today % _DAYS_MODULUS]
    return appended[-MAX_KEYS * size :] if length >= MAX_KEYS * size else appended


def _place(cells: bytes, key: bytes, size: int) -> int:
    at = cells.find(key)
    while at >= 0 and at % size:
        at = cells.find(key, at + 1)
    return at
