"""Day sets, against plain counting."""

from hypothesis import given
from hypothesis import strategies as st

from streams.tracking.days import longest_run, run_around, runs

sets = st.sets(st.integers(0, 200), max_size=80)


def _by_hand(days: set[int]) -> list[tuple[int, int]]:
    found = []
    for day in sorted(days):
        if found and found[-1][1] == day - 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


@given(sets)
def test_runs_are_those_that_a_person_counts(days: set[int]) -> None:
    bits = sum(1 << day for day in days)
    assert list(runs(bits)) == _by_hand(days)
    assert longest_run(bits) == max((last - first + 1 for first, last in _by_hand(days)), default=0)
    for first, last in _by_hand(days):
        assert {run_around(bits, day) for day in range(first, last + 1)} == {(first, last)}
