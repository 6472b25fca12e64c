"""Lapses of runs that became one, or parts: which stand, which are taken back and which come again (semantic 5)."""

from tests.streams.tracking.story import Story, at, check, event, uncheck
from tests.streams.tracking.test_lapses import BROKEN, STREAK, broken_on_8_may


def test_5_a_report_that_joins_and_goes_on_after_two_broken_runs_takes_both_lapses_back() -> None:
    story = Story(STREAK.replace("9", "90"), BROKEN)
    story.tell(*[check(day) for day in (1, 2, 3, 5, 6, 7, 8)])
    story.wait_until(at(11, 12))
    story.heard()
    story.tell(event("streak.reported", at(11, 13), habit_id="run", days=9, day="2026-05-09"))
    assert [(m.type, m.occurrence, m.value) for m in story.milestones[2:]] == [
        ("milestone.retracted", "run/2026-05-01", 3), ("milestone.retracted", "run/2026-05-05", 4),
    ]  # fmt: skip


def test_5_a_late_check_at_the_very_moment_when_the_longer_run_is_due_retracts_nothing() -> None:
    story = broken_on_8_may()
    story.tell(check(6, at(9, 12)))
    story.wait_until(at(20))
    assert story.heard() == []


def test_5_a_part_that_is_split_from_a_run_whose_lapse_stands_lapses_by_itself() -> None:
    story = broken_on_8_may()
    story.tell(check(7, at(20)), check(8, at(20)), check(6, at(20)), check(9, at(20)))
    assert story.heard() == []
    story.tell(uncheck(6, at(21)))
    story.wait_until(at(21))
    assert [(m.occurrence, m.value) for m in story.milestones[1:]] == [("run/2026-05-07", 3)]


def test_5_of_the_parts_of_a_run_whose_lapse_was_mended_one_lapses_again() -> None:
    story = Story(STREAK, BROKEN)
    story.tell(*[check(day) for day in range(1, 8)])
    story.wait_until(at(10, 12))
    story.tell(check(8, at(10, 13)), uncheck(4, at(10, 14)))
    story.wait_until(at(20))
    assert story.said == ["broken None", "-broken None", "broken None r2"]
