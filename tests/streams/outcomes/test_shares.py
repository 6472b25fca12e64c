"""Intervals are those that their author published."""

import pytest

from streams.outcomes.shares import Interval, Share, difference_interval, share_interval

WILSON = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)]
"""Newcombe 1998a, table I, method 3."""

NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0000),
    (10, 10, 0, 10, 0.6075, 1.0000),
]
"""Newcombe 1998b, table II, method 10, its contrasts (a) to (h)."""


@pytest.mark.parametrize(("count", "of", "low", "high"), WILSON)
def test_the_interval_of_a_share_is_wilsons(count: int, of: int, low: float, high: float) -> None:
    interval = share_interval(Share(count=count, of=of))
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(("count", "of", "first", "first_of", "low", "high"), NEWCOMBE)
def test_the_interval_of_a_difference_is_newcombes(
    count: int, of: int, first: int, first_of: int, low: float, high: float
) -> None:
    interval = difference_interval(Share(count=count, of=of), Share(count=first, of=first_of))
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_of_nobody_everything_is_possible() -> None:
    nobody, one = Share(count=0, of=0), Share(count=1, of=1)
    assert nobody.value is None
    assert one.value == 1.0
    assert share_interval(nobody) == Interval(low=0.0, high=1.0)
    assert difference_interval(nobody, one) == difference_interval(one, nobody) == Interval(low=-1.0, high=1.0)


def test_a_share_of_all_ends_at_one_and_mirrors_a_share_of_none() -> None:
    everybody = share_interval(Share(count=20, of=20))
    assert everybody.high == 1.0
    assert everybody.low == pytest.approx(1 - share_interval(Share(count=0, of=20)).high)


def test_a_difference_that_may_be_none_says_nothing() -> None:
    assert difference_interval(Share(count=5, of=56), Share(count=0, of=29)).says_nothing
    assert not difference_interval(Share(count=56, of=70), Share(count=48, of=80)).says_nothing
