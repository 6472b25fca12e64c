"""Runs of days and the awards that belong to them (paragraph 4 of the design of tracking)."""

import pytest

from schemas.event import Event
from tests.streams.tracking.story import (
    ONCE,
    STREAK,
    Story,
    at,
    check,
    event,
    paused,
    repaired,
    uncheck,
)


def test_4_a_run_of_days_reaches_each_length_once() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in range(1, 10)])
    assert [(m.threshold, m.occurrence, m.value) for m in story.milestones] == [
        (3, "run/2026-05-01", 3), (5, "run/2026-05-01", 5),
    ]  # fmt: skip


def test_4_several_checks_on_a_day_are_one() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(1, at(1, 9)), check(1, at(1, 10)), check(2))
    assert story.said == []


def test_4_a_new_run_may_reach_it_again_only_per_streak() -> None:
    story = Story(STREAK, ONCE)
    story.tell(*[check(day) for day in (1, 2, 3, 5, 6, 7)])
    assert story.said == ["streak 3", "once 3", "streak 3"]
    assert story.milestones[0].milestone_id != story.milestones[2].milestone_id


def test_4_late_days_join_two_runs_without_a_second_award() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3, 5, 6, 7)])
    story.tell(check(4, at(8)))
    assert story.said == ["streak 3", "streak 3", "streak 5"]
    assert (story.milestones[2].occurrence, story.milestones[2].value) == ("run/2026-05-01", 7)


def test_4_an_uncheck_withdraws_and_a_check_brings_back_the_same_id() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3)], uncheck(2), check(2, at(2, 22)))
    assert story.said == ["streak 3", "-streak 3", "streak 3 r2"]
    assert len({m.milestone_id for m in story.milestones}) == 1


def test_4_an_award_stands_as_long_as_one_of_its_runs_is_long_enough() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in range(1, 6)], uncheck(1))
    assert story.said == ["streak 3", "streak 5", "-streak 5"]


def test_4_a_withdrawn_award_belongs_to_the_run_that_overlaps_its_days() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3)], uncheck(2), check(4), check(5))
    assert story.said == ["streak 3", "-streak 3", "streak 3 r2"]


def test_4_the_days_of_an_award_grow_with_the_run_that_holds_it() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in range(1, 7)], uncheck(3))
    assert story.said == ["streak 3", "streak 5", "-streak 5"]
    story.tell(uncheck(6))
    assert story.said[3:] == ["-streak 3"]


def test_4_a_run_of_the_least_length_at_the_end_of_the_days_still_holds_the_award() -> None:
    story = Story(STREAK.replace("[3, 5]", "[2]"))
    story.tell(*[check(day) for day in range(1, 7)], uncheck(2), uncheck(3), uncheck(4))
    assert story.said == ["streak 2"]


def test_4_of_two_awards_of_a_length_each_keeps_its_own_days() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3, 4, 6, 7, 8, 9)], uncheck(1), uncheck(7), uncheck(8))
    assert [(m.type, m.occurrence) for m in story.milestones] == [
        ("milestone.reached", "run/2026-05-01"), ("milestone.reached", "run/2026-05-06"),
        ("milestone.retracted", "run/2026-05-06"),
    ]  # fmt: skip


def test_4_a_run_that_begins_after_the_days_of_an_award_is_another() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), check(3), uncheck(3), *[check(day) for day in (4, 5, 6)])
    assert [(m.occurrence, m.revision) for m in story.milestones] == [
        ("run/2026-05-01", 1), ("run/2026-05-01", 1), ("run/2026-05-04", 1),
    ]  # fmt: skip


def test_4_a_run_that_goes_on_does_not_bring_back_the_award_of_another() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3)], uncheck(2, at(3, 9)), *[check(day) for day in (10, 11, 12)])
    assert story.said == ["streak 3", "-streak 3", "streak 3"]
    story.tell(check(13), uncheck(12), uncheck(3, at(13, 9)))
    assert story.said[3:] == ["-streak 3"]


def test_4_a_rule_of_once_stands_while_any_run_is_long_enough() -> None:
    story = Story(ONCE)
    story.tell(*[check(day) for day in (1, 2, 3, 7, 8, 9)], uncheck(2))
    assert story.said == ["once 3"]
    story.tell(uncheck(8))
    assert story.said == ["once 3", "-once 3"]


def test_4_the_latest_statement_about_a_day_wins_whatever_arrives_first() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), check(3, at(3, 12)))
    stale = story.tell(uncheck(3, at(3, 10)))
    assert (stale.outcome, story.said) == ("duplicate", ["streak 3"])


def test_4_the_order_of_the_last_week_is_that_of_time_and_not_of_arrival() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in range(1, 9)])
    assert story.tell(uncheck(2, at(2, 7)), now=at(8)).outcome == "duplicate"
    assert story.said == ["streak 3", "streak 5"]


def test_4_about_a_day_long_past_the_statement_that_arrives_last_wins() -> None:
    story = Story("{id: s, tier: streak, when: {streak: habit.checked, per: habit_id, days: [2]}}")
    story.tell(check(50), check(1, at(50)), check(2, at(50)), uncheck(1, at(49)))
    assert story.said == ["s 2", "-s 2"]


def test_4_an_uncheck_of_weeks_ago_is_remembered_with_its_time() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in (1, 2, 3)], uncheck(2, at(4)), *[check(day) for day in range(10, 13)])
    assert story.tell(check(2, at(3, 23)), now=at(12)).outcome == "duplicate"
    story.tell(check(20), check(2, at(5)), now=at(20))
    assert story.said == ["streak 3", "-streak 3", "streak 3", "streak 3 r2"]


def test_4_without_per_any_habit_keeps_the_streak_alive() -> None:
    story = Story("{id: any, tier: streak, when: {streak: habit.checked, days: [3]}, repeat: per-streak}")
    story.tell(check(1), check(2, habit_id="swim"), check(2), check(3, habit_id="read"))
    assert [m.occurrence for m in story.milestones] == ["2026-05-01"]
    story.tell(uncheck(2))
    assert story.said == ["any 3"]
    story.tell(uncheck(2, habit_id="swim"))
    assert story.said == ["any 3", "-any 3"]


@pytest.mark.parametrize("before", [[], [paused(20, 21, at(1))]], ids=["alone", "beside a pause"])
def test_4_rules_of_other_habits_hold_up_no_rule(before: list[Event]) -> None:
    swim = STREAK.replace("repeat", "where: {habit_id: swim}, repeat").replace("id: streak", "id: swim")
    story = Story(swim, STREAK)
    story.tell(*before, *[check(day) for day in (1, 2, 3)])
    assert story.said == ["streak 3"]


def test_4_where_chooses_habits() -> None:
    story = Story(
        "{id: both, tier: streak, when: {streak: habit.checked, days: [2]}, where: {habit_id: [run, swim]}}",
        "{id: run, tier: streak, when: {streak: habit.checked, per: habit_id, days: [2]}, where: {habit_id: run}}",
    )
    story.tell(check(1), check(2, habit_id="read"), check(2, habit_id="swim"))
    assert story.said == ["both 2"]


def test_4_a_reported_streak_fills_its_days() -> None:
    story = Story(STREAK)
    story.tell(event("streak.reported", at(10), habit_id="run", days=4))
    story.tell(check(11))
    assert [(m.threshold, m.occurrence) for m in story.milestones] == [(3, "run/2026-05-07"), (5, "run/2026-05-07")]


def test_4_a_reported_streak_ends_on_the_day_that_it_names() -> None:
    story = Story(STREAK)
    story.tell(event("streak.reported", at(10), habit_id="run", days=4, day="2026-05-06"))
    assert [(m.threshold, m.occurrence) for m in story.milestones] == [(3, "run/2026-05-03")]


def test_4_a_reported_streak_of_years_is_one_statement() -> None:
    story = Story("{id: s, tier: streak, when: {streak: habit.checked, days: [1000]}}")
    story.tell(check(1), event("streak.reported", at(10), habit_id="run", days=1000))
    assert story.said == ["s 1000"]
    assert story.tell(event("streak.reported", at(10), habit_id="run", days=1000)).outcome == "duplicate"
    assert story.tell(event("streak.reported", at(11), habit_id="run", days=0)).outcome == "duplicate"


def test_4_a_late_check_between_a_withdrawn_run_and_another_brings_the_award_back() -> None:
    story = Story(STREAK.replace("[3, 5]", "[3]"))
    story.tell(*[check(day) for day in (1, 2, 3)], uncheck(2), *[check(day) for day in (5, 6, 7)])
    assert story.heard() == ["streak 3", "-streak 3", "streak 3"]
    story.tell(check(4, at(7, 9)))
    assert story.heard() == ["streak 3 r2"]


def test_4_a_reported_streak_leaves_the_days_before_it() -> None:
    story = Story(STREAK)
    story.tell(check(1), check(2), event("streak.reported", at(5), habit_id="run", days=3))
    assert [(m.threshold, m.value, m.occurrence) for m in story.milestones] == [
        (3, 5, "run/2026-05-01"), (5, 5, "run/2026-05-01"),
    ]  # fmt: skip


def test_4_what_is_withdrawn_says_how_long_the_longest_run_is_that_is_left() -> None:
    story = Story(STREAK)
    story.tell(*[check(day) for day in range(1, 8)], uncheck(5))
    assert [(m.type, m.threshold, m.value) for m in story.milestones[2:]] == [("milestone.retracted", 5, 4)]


ANY = "{id: any, tier: streak, when: {streak: habit.checked, days: [3, 5]}, repeat: per-streak}"


def test_4_a_streak_of_any_habit_goes_on_with_whichever_is_checked() -> None:
    story = Story(ANY, STREAK)
    habits = ("run", "read", "read", "run", "run", "read")
    story.tell(*[check(day, habit_id=habit) for day, habit in enumerate(habits, start=1)])
    assert story.said == ["any 3", "any 5"]


def test_4_a_day_of_any_habit_counts_once_whichever_other_was_checked_on_it() -> None:
    story = Story(ANY)
    story.tell(*[check(day, habit_id=habit) for day in (1, 2) for habit in ("run", "read")])
    assert story.said == []
    story.tell(check(3, habit_id="read"), check(3, at(3, 21)))
    assert story.said == ["any 3"]


def test_4_a_repaired_day_of_one_habit_bridges_the_streak_of_any_and_counts_for_nothing() -> None:
    story = Story(ANY)
    story.tell(check(1), check(2), repaired(3, habit_id="read"), check(4))
    assert story.said == ["any 3"]
    assert story.milestones[0].value == 3
