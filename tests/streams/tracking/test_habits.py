"""The statements about a habit's days: bounded, told in order of time, and taken back one by one."""

import pytest

from streams.tracking.habits import Habit, fill_days, repair_day, state_day, without_event


def test_an_id_that_stands_across_two_cells_is_no_id() -> None:
    habit = Habit(10, b"\x07", 2, bytes(9), b"abcabdabe")
    assert without_event(habit, b"cab") == (habit, ())
    assert without_event(Habit(10, b"\x03", 1, bytes(6), b"xxaaaa"), b"aaa")[1] == (10,)
    assert without_event(habit, b"abd") == (Habit(10, b"\x05", 2, bytes(9), b"abc\0\0\0abe"), (11,))


def _days(habit: Habit | None) -> list[int]:
    assert habit is not None
    return [habit.base + place for place in range(habit.bits().bit_length()) if habit.bits() >> place & 1]


NOON = 100 * 86_400_000 + 43_200_000


@pytest.mark.parametrize("known", [None, 40, 51, 59, 60, 61, 99, 103])
def test_a_report_fills_its_days_and_leaves_those_of_before(known: int | None) -> None:
    before = None if known is None else state_day(None, known, NOON, b"old", uncheck=False)
    filled = fill_days(before, 51, 100, NOON, b"new")
    assert _days(filled) == sorted({*range(51, 101)} | ({known} if known else set()))
    assert filled is not None
    assert filled.newest == max(100, known or 0)
    later = state_day(filled, 104, NOON, b"abc", uncheck=False)
    assert _days(later) == sorted({*range(51, 101), 104} | ({known} if known else set()))
    assert fill_days(filled, 51, 100, NOON, b"new") is None


def test_of_a_report_the_last_35_days_can_be_taken_back() -> None:
    filled = fill_days(None, 51, 100, NOON, b"new")
    assert filled is not None
    left, gone = without_event(filled, b"new")
    assert (_days(left), sorted(gone)) == ([*range(51, 66)], [*range(66, 101)])


def test_a_first_repair_says_nothing_about_the_days() -> None:
    assert repair_day(None, 5, b"abcd") == Habit(5, b"", 0, b"", repaired=((5, b"abcd"),))


def test_what_stands_again_keeps_its_time() -> None:
    habit = _told((10, 12, b"aaa", False), (10, 14, b"bbb", True))
    again, _ = without_event(habit, b"bbb")
    assert _days(again) == [10]
    assert _days(state_day(again, 10, _hour(10, 11), b"ccc", uncheck=True)) == [10]
    assert _days(state_day(again, 10, _hour(10, 13), b"ddd", uncheck=True)) == []


def test_of_several_overruled_the_latest_stands_again_one_after_another() -> None:
    habit = _told((10, 9, b"aaa", False), (10, 10, b"bbb", True), (10, 11, b"ccc", False), (10, 12, b"ddd", True))
    for name, days in ((b"ddd", [10]), (b"ccc", []), (b"bbb", [10]), (b"aaa", [])):
        assert habit is not None
        habit, touched = without_event(habit, name)
        assert (_days(habit), touched) == (days, (10,))
    assert habit.overruled is None


def test_what_comes_late_about_a_day_is_kept_beside_what_was_overruled_before() -> None:
    habit = _told((10, 12, b"ddd", True), (10, 9, b"aaa", False), (10, 11, b"ccc", False), (10, 10, b"bbb", True))
    for name, days in ((b"ddd", [10]), (b"ccc", []), (b"bbb", [10])):
        habit, _ = without_event(habit, name)
        assert _days(habit) == days


@pytest.mark.parametrize(("newest", "kept"), [(44, 2), (45, 1)])
def test_what_was_overruled_leaves_with_the_days_that_are_kept(newest: int, kept: int) -> None:
    habit = _told(
        (10, 12, b"aaa", False), (10, 13, b"bbb", True), (newest, 12, b"ccc", False), (newest, 13, b"ddd", True)
    )
    assert len(habit.overruled or b"") == 8 * kept


def test_a_day_between_others_has_no_word_of_its_own_until_one_comes() -> None:
    habit = _told((20, 12, b"aaa", False), (5, 12, b"bbb", False), (10, 12, b"ccc", False))
    assert (_days(habit), habit.overruled) == ([5, 10, 20], None)


def test_a_word_that_comes_months_later_is_the_later_one() -> None:
    habit = _told((10, 12, b"aaa", False))
    assert _days(state_day(habit, 10, _hour(90, 0), b"bbb", uncheck=True)) == []
    assert _days(state_day(_told((100, 12, b"aaa", False)), 100, _hour(20, 0), b"bbb", uncheck=True)) == [100]


def test_what_was_overruled_is_kept_where_the_number_of_a_day_takes_more_than_two_bytes() -> None:
    habit = _told((65_540, 9, b"xxx", False), (65_537, 9, b"aaa", False), (65_537, 10, b"bbb", True))
    habit = state_day(habit, 65_537, _hour(65_537, 11), b"ccc", uncheck=False)
    assert habit is not None
    assert len(habit.overruled or b"") == 16


def _told(*statements: tuple[int, int, bytes, bool]) -> Habit:
    habit = None
    for day, hour, name, uncheck in statements:
        habit = state_day(habit, day, _hour(day, hour), name, uncheck=uncheck) or habit
    assert habit is not None
    return habit


def _hour(day: int, hour: int) -> int:
    return (day * 24 + hour) * 3_600_000


@pytest.mark.parametrize(("newest", "days"), [(44, [44]), (45, [10, 45])])
def test_an_uncheck_of_the_last_35_days_is_remembered_with_its_time(newest: int, days: list[int]) -> None:
    habit = _told((10, 16, b"aaa", True), (newest, 12, b"bbb", False))
    assert _days(state_day(habit, 10, _hour(10, 15), b"ccc", uncheck=False)) == days


@pytest.mark.parametrize(("newest", "days"), [(17, [9, 10, 17]), (18, [9, 18])])
def test_of_the_last_8_days_the_later_word_stands_also_where_none_has_an_uncheck(newest: int, days: list[int]) -> None:
    habit = _told((9, 12, b"aaa", False), (10, 12, b"bbb", False), (newest, 12, b"ccc", False))
    assert _days(state_day(habit, 10, _hour(10, 11), b"ddd", uncheck=True)) == days
