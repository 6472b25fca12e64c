"""Day sets, against plain counting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.tracking.days import DaySet, Run, run_around, runs_near, runs_of

sets = st.sets(st.integers(0, 200), max_size=80)
_BASE = 20_000


def _bits(days: set[int]) -> int:
    return sum(1 << day for day in days)


def _by_hand(checked: set[int], neutral: set[int]) -> list[Run]:
    """Every run by plain counting: checked days between which every day is checked or neutral."""
    found: list[list[int]] = []
    for day in sorted(checked):
        if found and all(between in neutral for between in range(found[-1][-1] + 1, day)):
            found[-1].append(day)
        else:
            found.append([day])
    return [Run(_BASE + days[0], _BASE + days[-1], len(days), _BASE + _reach(days[-1], neutral)) for days in found]


def _reach(day: int, neutral: set[int]) -> int:
    while day + 1 in neutral:
        day += 1
    return day


@given(sets, sets)
def test_runs_are_those_that_a_person_counts(checked: set[int], neutral: set[int]) -> None:
    days = DaySet(_BASE, _bits(checked), _bits(neutral - checked))
    assert list(runs_of(days)) == _by_hand(checked, neutral - checked)


@given(sets)
def test_without_neutral_days_the_run_around_a_day_is_the_run_it_is_in(checked: set[int]) -> None:
    bits, runs = _bits(checked), _by_hand(checked, set())
    for run in runs:
        first, last = run.first - _BASE, run.last - _BASE
        assert {run_around(bits, day) for day in range(first, last + 1)} == {(first, last)}


@given(sets, sets, st.integers(0, 200), st.integers(0, 20))
def test_the_runs_near_some_days_are_all_that_touch_them_and_no_part_of_a_run(
    checked: set[int], neutral: set[int], first: int, span: int
) -> None:
    days = DaySet(_BASE, _bits(checked), _bits(neutral - checked))
    every, near = runs_of(days), runs_near(days, _BASE + first, _BASE + first + span)
    assert set(near) <= set(every)
    touching = {run for run in every if run.first <= _BASE + first + span + 1 and run.last >= _BASE + first - 1}
    assert touching <= set(near)


@pytest.mark.parametrize(
    ("other", "is_covered"),
    [
        (Run(2, 6, 4, 6), True), (Run(3, 5, 3, 9), True), (Run(1, 6, 4, 6), False), (Run(2, 7, 4, 7), False),
        (Run(2, 6, 5, 6), False),
    ],
)  # fmt: skip
def test_a_run_covers_another_of_no_more_checks_within_its_days(other: Run, *, is_covered: bool) -> None:
    assert Run(2, 6, 4, 6).covers(other) == is_covered


@pytest.mark.parametrize(("first", "days", "is_shared"), [(1, 1, False), (1, 2, True), (6, 3, True), (7, 1, False)])
def test_a_run_overlaps_days_that_it_shares_with_them(first: int, days: int, *, is_shared: bool) -> None:
    assert Run(2, 6, 4, 9).overlaps(first, days) == is_shared


def test_the_run_that_begins_the_day_after_is_near() -> None:
    days = DaySet(_BASE, 0b110011)
    assert runs_near(days, _BASE - 1, _BASE - 1) == (Run(_BASE, _BASE + 1, 2, _BASE + 1),)
    assert runs_near(days, _BASE - 2, _BASE - 2) == ()


def test_of_a_run_that_begins_two_days_after_no_part_is_near() -> None:
    assert runs_near(DaySet(_BASE, 0b1110111), _BASE + 2, _BASE + 2) == (Run(_BASE, _BASE + 2, 3, _BASE + 2),)
