"""Shares with their intervals: how far a figure of few clients can be from the truth.

The interval of a share is Wilson's score interval without continuity correction, and that of a
difference Newcombe's hybrid of two of them: both hold near 0 and 1 and for small numbers, where
the textbook's interval leaves what is possible (R. G. Newcombe, Statistics in Medicine 17 (1998),
857-872, method 3, and 873-890, method 10). Both are for one look at 95 %.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

_Z: Final = 1.959963984540054
"""The normal quantile of 97.5 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many of so many clients; `of` may be 0."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """From 0 to 1; None of nobody."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where the truth lies, 95 times in 100; of a share from 0 to 1, of a difference from -1 to 1."""

    low: float
    high: float

    @property
    def says_nothing(self) -> bool:
        """Of a difference: it may as well be none."""
        return self.low <= 0 <= self.high


def share_interval(share: Share) -> Interval:
    """Wilson's interval; of nobody it is everything."""
    if not share.of:
        return Interval(low=0.0, high=1.0)
    n, p, z2 = share.of, share.count / share.of, _Z * _Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if share.count == 0 else middle - half
    high = 1.0 if share.count == n else middle + half
    return Interval(low=low, high=high)


def difference_interval(share: Share, first: Share) -> Interval:
    """Newcombe's interval of how much higher `share` is than `first`; of nobody it is everything."""
    if not (share.of and first.of):
        return Interval(low=-1.0, high=1.0)
    one, two = share.count / share.of, first.count / first.of
    of_one, of_two = share_interval(share), share_interval(first)
    low = one - two - sqrt((one - of_one.low) ** 2 + (of_two.high - two) ** 2)
    high = one - two + sqrt((of_one.high - one) ** 2 + (two - of_two.low) ** 2)
    return Interval(low=low, high=high)
