"""Day sets: bit sets of local dates, and the runs in them.

Bit `i` of a set stands for the day `base + i`. Beside the days with a check a set may have neutral
days, which neither extend a run nor break it. Runs are found by carries and bit lengths, so that
a set of ten years costs about the same as one of ten days.
"""

from collections.abc import Iterator

from msgspec import Struct


class Run(Struct, frozen=True, gc=False):
    """Consecutive local days with a check: the first, the last, and how many had one.

    Attributes:
        reach: the last day up to which nothing broke it: neutral days that follow, else `last`.
    """

    first: int
    last: int
    length: int
    reach: int

    def overlaps(self, first: int, days: int) -> bool:
        """Whether it has a day in common with `days` days from `first`."""
        return self.first < first + days and first <= self.last

    def covers(self, other: "Run") -> bool:
        """Whether all days of another run are its own, and as many of them had a check."""
        return self.first <= other.first and other.last <= self.last and self.length >= other.length


class DaySet(Struct, frozen=True, gc=False):
    """Days with a check, and neutral ones; both sets begin at `base`."""

    base: int
    checked: int
    neutral: int = 0


def run_around(bits: int, index: int) -> tuple[int, int]:
    """The first and last index of the run that contains a set bit."""
    above = bits >> index
    last = index + (~above & (above + 1)).bit_length() - 2
    gaps_below = ~bits & ((1 << index) - 1)
    return gaps_below.bit_length(), last


def runs_of(days: DaySet) -> tuple[Run, ...]:
    """Every run, from the earliest to the latest."""
    return tuple(_runs_within(days, days.checked | days.neutral))


def runs_near(days: DaySet, first: int, last: int) -> tuple[Run, ...]:
    """The runs that the days from `first` to `last` belong to, or stand beside."""
    filled = days.checked | days.neutral
    low, high = max(first - days.base - 1, 0), last - days.base + 1
    if high < 0:
        return ()
    if filled >> low & 1:
        low, _ = run_around(filled, low)
    if filled >> high & 1:
        _, high = run_around(filled, high)
    return tuple(_runs_within(days, filled & ((1 << high + 1) - (1 << low))))


def _runs_within(days: DaySet, filled: int) -> Iterator[Run]:
    while filled:
        low = (filled & -filled).bit_length() - 1
        _, high = run_around(filled, low)
        filled = filled >> high + 1 << high + 1
        checked = days.checked & ((1 << high + 1) - (1 << low))
        if checked:
            first, last = (checked & -checked).bit_length() - 1, checked.bit_length() - 1
            yield Run(days.base + first, days.base + last, checked.bit_count(), days.base + high)
