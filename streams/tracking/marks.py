"""Marks: what was ever heard of a percentage or a watched value, and which thresholds that crossed.

A percentage is a high-water mark from zero: a drop is ignored, and what takes an event back lets it
fall to the next highest that is kept. A watched value (weight, distance) crosses a threshold when a
measurement beyond it follows one before it, by event time; going back takes nothing away. What falls
is kept as its negative, so that one way of looking fits both.

Kept are the latest values, two of a percentage and eight of what is watched; an older one is merged
into what the mark has crossed and can no longer be taken back. Of what was merged the lowest stays known
with its time: it is what a later measurement came from, and an earlier one did not.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate, chain

from msgspec import Struct, structs

from streams.tracking.plan import Number

MAX_PERCENTS, MAX_VALUES = 2, 8
ID_BYTES = 3

Span = tuple[Number, Number]
"""What was crossed: every threshold with low < threshold <= high."""


class Kept(Struct, frozen=True, array_like=True):
    """A value that can still be taken back, with the event that brought it and, if it matters, its time."""

    value: Number
    id: bytes
    at_ms: int = 0


class Mark(Struct, frozen=True, array_like=True):
    """What is known of one value.

    Attributes:
        kept: the latest values, in the order of arrival.
        lowest: of a watched value the lowest of the others. Earlier builds wrote it without its time, for
            percentages too; what has no time is not used.
        merged: what the others have crossed.
    """

    kept: tuple[Kept, ...] = ()
    lowest: Kept | Number | None = None
    merged: tuple[Span, ...] = ()


class Crossing(Struct, frozen=True, gc=False):
    """A value that crosses everything above `low`, up to and with itself."""

    low: Number
    value: Number
    at_ms: int


def with_value(mark: Mark, new: Kept, *, from_zero: bool) -> Mark:
    """The mark that has heard of one more value; a percentage begins at zero."""
    kept = (*mark.kept, new)
    old = len(kept) - (MAX_PERCENTS if from_zero else MAX_VALUES)
    if old <= 0:
        return structs.replace(mark, kept=kept)
    forgotten = structs.replace(mark, kept=kept[:old])
    merged = joined(spans(forgotten, from_zero=from_zero))
    if from_zero:
        return Mark(kept[old:], merged=merged)
    return Mark(kept[old:], min(_timed(forgotten), key=lambda each: each.value), merged)


def without_event(mark: Mark, event_id: bytes) -> Mark:
    """The mark that has not heard what an event said."""
    return structs.replace(mark, kept=tuple(each for each in mark.kept if each.id != event_id[:ID_BYTES]))


def is_by(mark: Mark, event_id: bytes) -> bool:
    """Whether an event is known to have said a value of this mark."""
    return any(each.id == event_id[:ID_BYTES] for each in mark.kept)


def highest(mark: Mark) -> Number:
    """The highest value; zero before the first."""
    return max(chain((each.value for each in mark.kept), (high for _, high in mark.merged)), default=0)


def latest(mark: Mark) -> Number:
    """The value that was measured last; zero before the first."""
    return max(mark.kept, key=lambda each: each.at_ms).value if mark.kept else 0


def spans(mark: Mark | None, *, from_zero: bool) -> tuple[Span, ...]:
    """What a mark has crossed."""
    if mark is None:
        return ()
    return mark.merged + tuple((each.low, each.value) for each in crossings(mark, from_zero=from_zero))


def crossings(mark: Mark, *, from_zero: bool) -> Iterator[Crossing]:
    """The known values that cross anything, in order of time."""
    if from_zero:
        yield from (Crossing(0, each.value, each.at_ms) for each in mark.kept)
        return
    known = _timed(mark)
    lows = accumulate((each.value for each in known), min)
    for low, each in zip(lows, known[1:], strict=False):
        if low < each.value:
            yield Crossing(low, each.value, each.at_ms)


def _timed(mark: Mark) -> list[Kept]:
    """What is known of a watched value, in order of time."""
    known = (*mark.kept, mark.lowest) if isinstance(mark.lowest, Kept) else mark.kept
    return sorted(known, key=lambda each: (each.at_ms, each.value))


def is_within(crossed: Iterable[Span], threshold: Number) -> bool:
    """Whether a threshold was crossed."""
    return any(low < threshold <= high for low, high in crossed)


def joined(crossed: Iterable[Span]) -> tuple[Span, ...]:
    """The same with overlapping parts made one, the lowest first."""
    found: list[Span] = []
    for low, high in sorted(crossed):
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return tuple(found)
