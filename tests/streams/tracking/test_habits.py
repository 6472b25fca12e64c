"""The statements about a habit's days: bounded, told in order of time, and taken back one by one."""

from streams.tracking.habits import Habit, without_event


def test_an_id_that_stands_across_two_cells_is_no_id() -> None:
    habit = Habit(10, b"\x07", 2, bytes(9), b"abcabdabe")
    assert without_event(habit, b"cab") == (habit, ())
    assert without_event(habit, b"abd") == (Habit(10, b"\x05", 2, bytes(9), b"abc\0\0\0abe"), (11,))
