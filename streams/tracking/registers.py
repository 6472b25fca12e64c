"""Registers: keys that count once, can be taken back, and count again when they are restored.

A register holds the latest statement about one key (a session, a goal, an event id): that it
counts, or that it does not. What it counted for is kept as the number of a pattern (a tuple
of counters), so that a reversal takes back exactly what was given, under whatever rulebook.
"""

from typing import final

from msgspec import Struct
from msgspec.structs import replace

from streams.tracking import recent
from streams.tracking.recent import Entry
from streams.tracking.state import State

PATTERNS = 80
"""How many patterns are kept; what counts for yet another one cannot be taken back."""

COUNTED, INFERRED, VOID = 0, PATTERNS, 2 * PATTERNS
_VOID_WITHOUT_PATTERN, _COUNTED_WITHOUT_PATTERN = 255, 254


class Move(Struct, frozen=True, gc=False):
    """A counter that went from one number to another."""

    counter: str
    before: float
    after: float


@final
class Counted(Struct, frozen=True, gc=False):
    """The state after a statement about a key, and the counters that it moved."""

    state: State
    moves: tuple[Move, ...] = ()


def standing(entry: Entry | None) -> int | None:
    """What the register says: COUNTED, INFERRED, VOID, or None if nothing."""
    if entry is None:
        return None
    if entry.tag >= _COUNTED_WITHOUT_PATTERN:
        return VOID if entry.tag == _VOID_WITHOUT_PATTERN else COUNTED
    return entry.tag // PATTERNS * PATTERNS


def see(state: State, key: bytes, now_ms: int) -> State:
    """The state that remembers a key for the window from now."""
    return replace(state, seen=recent.mark(state.seen, key, now_ms))


class Statement(Struct, frozen=True, gc=False):
    """Something that is said about a key.

    Attributes:
        key: the hash of the key.
        stamp: its place in the order of statements, see `recent.stamp_of`.
        now_ms: when it came.
        counters: what the key counts for.
        standing: COUNTED or INFERRED.
        restores: it counts for what the key counted for before it was taken back, if known.
    """

    key: bytes
    stamp: int
    now_ms: int
    counters: tuple[str, ...] = ()
    standing: int = COUNTED
    restores: bool = False


def count_key(state: State, said: Statement) -> Counted | None:
    """The state after the statement that a key counts; None if a later one stands against it."""
    entry = recent.find(state.registers, said.key)
    stands = standing(entry)
    if entry is not None and said.stamp <= entry.stamp and stands in {VOID, said.standing}:
        return None
    if entry is not None and stands != VOID:
        return Counted(replace(state, registers=_stated(state, said, said.standing, _pattern_of(entry))))
    known = _pattern_of(entry) if said.restores else None
    counters = said.counters if known is None else state.patterns[known]
    state, number = _with_pattern(state, counters)
    counts, moves = _moved(state.counts, counters, 1)
    return Counted(replace(state, counts=counts, registers=_stated(state, said, said.standing, number)), moves)


def void_key(state: State, said: Statement) -> Counted | None:
    """The state after the statement that a key does not count; None if a later one stands against it."""
    entry = recent.find(state.registers, said.key)
    if entry is not None and said.stamp <= entry.stamp:
        return None
    number = _pattern_of(entry)
    registers = _stated(state, said, VOID, number)
    if number is None or standing(entry) == VOID:
        return Counted(replace(state, registers=registers))
    counts, moves = _moved(state.counts, state.patterns[number], -1)
    return Counted(replace(state, counts=counts, registers=registers), moves)


def move_counts(state: State, counters: tuple[str, ...], step: int) -> Counted:
    """The state after each counter went up or down; none falls below zero."""
    counts, moves = _moved(state.counts, counters, step)
    return Counted(replace(state, counts=counts), moves)


def _moved(counts: dict[str, int], counters: tuple[str, ...], step: int) -> tuple[dict[str, int], tuple[Move, ...]]:
    moved, moves = counts.copy(), []
    for counter in counters:
        before = counts.get(counter, 0)
        moved[counter] = after = max(before + step, 0)
        moves.append(Move(counter, before, after))
    return moved, tuple(moves)


def _pattern_of(entry: Entry | None) -> int | None:
    return entry.tag % PATTERNS if entry is not None and entry.tag < _COUNTED_WITHOUT_PATTERN else None


def _stated(state: State, said: Statement, stands: int, number: int | None) -> bytes:
    """The registers with a statement, and the number of the pattern that it counts or counted for."""
    without = _VOID_WITHOUT_PATTERN if stands == VOID else _COUNTED_WITHOUT_PATTERN
    entry = Entry(without if number is None else stands + number, said.stamp)
    return recent.put(state.registers, said.key, entry, said.now_ms)


def _with_pattern(state: State, counters: tuple[str, ...]) -> tuple[State, int | None]:
    """The state that knows a pattern, and its number; None when there is no room for it."""
    if counters in state.patterns:
        return state, state.patterns.index(counters)
    if len(state.patterns) >= PATTERNS:
        state = _without_idle_patterns(state)
    if len(state.patterns) >= PATTERNS:
        return state, None
    return replace(state, patterns=(*state.patterns, counters)), len(state.patterns)


def _without_idle_patterns(state: State) -> State:
    """The state without the patterns that no entry refers to, the others renumbered."""
    used = sorted({tag % PATTERNS for tag in recent.tags(state.registers) if tag < _COUNTED_WITHOUT_PATTERN})
    renamed = bytearray(range(256))
    for new, old in enumerate(used):
        for stands in (COUNTED, INFERRED, VOID):
            renamed[stands + old] = stands + new
    return replace(
        state,
        registers=recent.retag(state.registers, bytes(renamed)),
        patterns=tuple(state.patterns[old] for old in used),
    )
