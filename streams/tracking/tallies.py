"""Tallies: what statements and amounts make of the counters.

A key counts once, for what its prevailing statement counts for; a statement that comes, goes or
is overruled moves the counters by the difference, under whatever rulebook. What a statement counts
for is the number of a pattern, a tuple of counters; an amount that is not one stands beside it,
by the event that brought it.
"""

from collections.abc import Iterable
from typing import final

from msgspec import Struct
from msgspec.structs import replace

from streams.tracking import statements
from streams.tracking.bookings import Booking
from streams.tracking.plan import Number
from streams.tracking.state import State
from streams.tracking.statements import ATTENDED, COMPLETED, FALLEN, NO_PATTERN, Statement

Amounts = tuple[Number, ...]
_DIGITS = 6  # a sum of decimal fractions is the same in every order


class Move(Struct, frozen=True, gc=False):
    """A counter that went from one number to another."""

    counter: str
    before: Number
    after: Number


@final
class Counted(Struct, frozen=True, gc=False):
    """The state after something was said, and the counters that it moved.

    Attributes:
        adds: False if it only says again what is known.
    """

    state: State
    moves: tuple[Move, ...] = ()
    adds: bool = True


class Said(Struct, frozen=True, gc=False):
    """Something that is said about a key.

    Attributes:
        key: the hash of the key.
        id: the hash of the event.
        stamp: its place in the order of statements.
        now_ms: when it came.
        counters: what the key counts for.
        kind: see `statements`.
        amounts: what each counter moves by; empty for one each.
    """

    key: bytes
    id: bytes
    stamp: int
    now_ms: int
    counters: tuple[str, ...] = ()
    kind: int = COMPLETED
    amounts: Amounts = ()


def say(state: State, said: Said, *, was_pending: tuple[int, ...] | None = None) -> Counted:
    """The state after a statement, and what it moves.

    `was_pending` are the stamps of the bookings that were pending before, if they are others now.
    """
    known = statements.about(state.statements, said.key)
    state, number = _with_pattern(state, said.counters)
    new = Statement(said.key, said.id, said.kind, number, said.stamp)
    cells = statements.add(state.statements, new, said.now_ms)
    bookings = _not_overruled(state, cells) if state.bookings else state.bookings
    if not known and said.kind == COMPLETED and not said.amounts:
        counts, moves = _moved(state.counts, said.counters, (), 1)
        return Counted(replace(state, counts=counts, statements=cells, bookings=bookings), moves)
    pending = pending_about(state, said.key)
    before = statements.prevailing(known, pending if was_pending is None else was_pending)
    after = statements.prevailing([*known, new], pending)
    amounts = {**state.amounts, said.id: said.amounts} if said.amounts else state.amounts
    after_it = replace(state, statements=cells, amounts=_kept(amounts, cells), bookings=bookings)
    settled = _exchange(after_it, before, after)
    is_last = said.kind != COMPLETED and all(each.stamp < said.stamp for each in known)
    adds = before != after or is_last
    return Counted(settled.state, settled.moves, adds)


def unsay(state: State, event_id: bytes) -> Counted:
    """The state in which an event has said nothing, and what that moves."""
    gone = statements.by_event(state.statements, event_id)
    cells = statements.without_event(state.statements, event_id)
    after = Counted(replace(state, statements=cells))
    for key in dict.fromkeys(each.key for each in gone):
        settled = _exchange(after.state, counted_by(state, key), counted_by(after.state, key))
        after = Counted(settled.state, after.moves + settled.moves)
    return Counted(replace(after.state, amounts=_kept(state.amounts, cells)), after.moves)


def weigh_again(before: State, after: State, key: bytes) -> Counted:
    """What a key moves because its pending bookings are others."""
    return _exchange(after, counted_by(before, key), counted_by(after, key))


def counted_by(state: State, key: bytes) -> Statement | None:
    """The statement that a key counts by; None if it does not count."""
    return statements.prevailing(statements.about(state.statements, key), pending_about(state, key))


def pending_about(state: State, key: bytes) -> tuple[int, ...]:
    """The stamps of the bookings of a session that are not over."""
    bookings = state.bookings
    return tuple(booking.stamp for booking in bookings.values() if booking.key == key) if bookings else ()


def move_counts(state: State, counters: tuple[str, ...], step: int) -> Counted:
    """The state after each counter went up or down."""
    counts, moves = _moved(state.counts, counters, (), step)
    return Counted(replace(state, counts=counts), moves)


def _exchange(state: State, before: Statement | None, after: Statement | None) -> Counted:
    """The state in which a key counts by one statement instead of another."""
    if before == after:
        return Counted(state)
    spans: dict[str, Number] = {}
    counts = state.counts
    for said, sign in ((before, -1), (after, 1)):
        if said is not None and said.pattern != NO_PATTERN:
            counters = state.patterns[said.pattern]
            counts, moves = _moved(counts, counters, state.amounts.get(said.id, ()), sign)
            for move in moves:
                spans.setdefault(move.counter, move.before)
    moved = tuple(Move(counter, start, counts[counter]) for counter, start in spans.items() if counts[counter] != start)
    return Counted(replace(state, counts=counts), moved)


def _moved(
    counts: dict[str, Number], counters: Iterable[str], amounts: Amounts, sign: int
) -> tuple[dict[str, Number], tuple[Move, ...]]:
    moved, moves = counts.copy(), []
    for place, counter in enumerate(counters):
        before = counts.get(counter, 0)
        amount = amounts[place] if amounts else 1
        after = before + sign * amount
        moved[counter] = after = after if isinstance(after, int) else round(after, _DIGITS)
        moves.append(Move(counter, before, after))
    return moved, tuple(moves)


def _not_overruled(state: State, cells: bytes) -> dict[bytes, Booking]:
    """The bookings without those that are overruled by what leaves the window now: they are so for good."""
    length = len(state.statements) + statements.CELL - len(cells)
    if not length:
        return state.bookings
    gone = [each for each in statements.read(state.statements[:length]) if _overrules(each, state.statements)]
    return {
        event_id: booking
        for event_id, booking in state.bookings.items()
        if not any(each.key == booking.key and each.stamp > booking.stamp for each in gone)
    }


def _overrules(said: Statement, cells: bytes) -> bool:
    """Whether a statement stands against the earlier bookings of its session."""
    if said.kind != FALLEN:
        return said.kind != ATTENDED
    later = (each for each in statements.about(cells, said.key) if each.stamp > said.stamp)
    return all(each.kind != ATTENDED for each in later)


def _kept(amounts: dict[bytes, Amounts], cells: bytes) -> dict[bytes, Amounts]:
    """The amounts whose statement is still in the window."""
    if all(statements.is_by(cells, event_id) for event_id in amounts):
        return amounts
    return {event_id: known for event_id, known in amounts.items() if statements.is_by(cells, event_id)}


def _with_pattern(state: State, counters: tuple[str, ...]) -> tuple[State, int]:
    """The state that knows a pattern, and its number; `NO_PATTERN` when there is no room for it."""
    if not counters:
        return state, NO_PATTERN
    if counters in state.patterns:
        return state, state.patterns.index(counters)
    if len(state.patterns) >= NO_PATTERN:
        state = _without_idle_patterns(state)
    if len(state.patterns) >= NO_PATTERN:
        return state, NO_PATTERN
    return replace(state, patterns=(*state.patterns, counters)), len(state.patterns)


def _without_idle_patterns(state: State) -> State:
    """The state without the patterns that no statement refers to, the others renumbered."""
    used = sorted({tag & NO_PATTERN for tag in statements.tags(state.statements)} - {NO_PATTERN})
    renamed = bytearray(range(256))
    for new, old in enumerate(used):
        for kind in range(4):
            renamed[kind << 6 | old] = kind << 6 | new
    return replace(
        state,
        statements=statements.retag(state.statements, bytes(renamed)),
        patterns=tuple(state.patterns[old] for old in used),
    )
