"""Day sets: bit sets of local dates, and the runs in them.

Bit `i` of a set stands for the day `base + i`. Runs are found by carries and bit lengths,
so that a set of ten years costs about the same as one of ten days.
"""

from collections.abc import Iterator


def run_around(bits: int, index: int) -> tuple[int, int]:
    """The first and last index of the run that contains a set bit."""
    above = bits >> index
    last = index + (~above & (above + 1)).bit_length() - 2
    gaps_below = ~bits & ((1 << index) - 1)
    return gaps_below.bit_length(), last


def runs(bits: int) -> Iterator[tuple[int, int]]:
    """Every run, from the earliest to the latest, as first and last index."""
    index = 0
    while bits:
        gap = (bits & -bits).bit_length() - 1
        bits >>= gap
        length = (~bits & (bits + 1)).bit_length() - 1
        yield index + gap, index + gap + length - 1
        index += gap + length
        bits >>= length


def longest_run(bits: int) -> int:
    """The length of the longest run; 0 for an empty set."""
    longest = 0
    while bits:
        bits >>= (bits & -bits).bit_length() - 1
        length = (~bits & (bits + 1)).bit_length() - 1
        longest = max(longest, length)
        bits >>= length
    return longest
