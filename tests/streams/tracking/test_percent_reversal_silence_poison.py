"""What is easy to get wrong about marks, reversals, silence and poison (paragraphs 7, 8, 10, 13)."""

import pytest

from tests.streams.tracking.story import (
    GOALS,
    HALFWAY,
    SESSIONS,
    STREAK,
    Story,
    at,
    booked,
    check,
    event,
    uncheck,
)


def _attended(number: int) -> None:
    return event("session.completed", at(number), session_id=f"s{number}")


def test_7_percent_is_a_high_water_mark_for_each_course() -> None:
    story = Story(HALFWAY)
    for course, percent in (("a", 60), ("a", 20), ("a", 55), ("b", 10), ("b", 50)):
        story.tell(event("course.progressed", at(1), course_id=course, percent=percent))
    assert [(m.threshold, m.occurrence, m.value) for m in story.milestones] == [(50, "a", 60), (50, "b", 50)]


def test_7_a_completed_course_is_at_100() -> None:
    story = Story(HALFWAY)
    story.tell(event("course.progressed", at(1), course_id="a", percent=66.5))
    story.tell(event("course.completed", at(1), course_id="a"))
    assert [(m.threshold, m.value) for m in story.milestones] == [(50, 66.5), (100, 100)]


def test_7_a_free_type_may_carry_a_percentage() -> None:
    story = Story("{id: plan, tier: program, when: {percent: plan.progressed, of: share, reaches: [50]}}")
    for share in ("sixty", True, None, 120, 60):
        story.tell(event("plan.progressed", at(1), share=share))
    assert [(m.rule, m.value, m.occurrence) for m in story.milestones] == [("plan", 60, "once")]


def test_8_a_withdrawn_milestone_names_the_revision_that_it_withdraws() -> None:
    story = Story(GOALS)
    for day, kind in enumerate(["completed", "reopened", "completed", "reopened"], start=1):
        story.tell(event(f"goal.{kind}", at(day), goal_id="g"))
    assert [(m.type, m.revision) for m in story.milestones] == [
        ("milestone.reached", 1), ("milestone.retracted", 1), ("milestone.reached", 2), ("milestone.retracted", 2),
    ]  # fmt: skip
    assert len({m.milestone_id for m in story.milestones}) == 1


def test_8_of_a_rule_with_per_the_award_of_its_own_value_is_withdrawn() -> None:
    story = Story("{id: core, tier: major, when: {count: goal.completed, per: goal_id, reaches: [1]}}")
    story.tell(*[event("goal.completed", at(1), goal_id=goal) for goal in "ab"])
    story.tell(event("goal.reopened", at(2), goal_id="b"))
    assert [(m.type, m.occurrence) for m in story.milestones] == [
        ("milestone.reached", "a"), ("milestone.reached", "b"), ("milestone.retracted", "b"),
    ]  # fmt: skip


def test_8_only_thresholds_that_no_longer_hold_are_withdrawn() -> None:
    story = Story(SESSIONS)
    story.tell(*[_attended(day) for day in (1, 2, 3)], event("session.canceled", at(4), session_id="s1"))
    assert story.said == ["sessions 1", "sessions 2", "sessions 3", "-sessions 3"]


def test_8_a_reopening_that_overtakes_its_goal_still_reopens_it() -> None:
    story = Story(GOALS)
    story.tell(event("goal.reopened", at(2), goal_id="g"))
    assert story.tell(event("goal.completed", at(1), goal_id="g")).outcome == "duplicate"
    assert story.tell(event("goal.reopened", at(1, 9), goal_id="g")).outcome == "duplicate"
    assert story.said == []


def test_8_checks_are_counted_by_habit_and_day_and_unchecks_take_them_back() -> None:
    story = Story("{id: it, tier: micro, when: {count: habit.checked, reaches: [2]}}")
    story.tell(check(1), check(1, at(1, 9)), check(1, habit_id="swim"), uncheck(1), uncheck(1, at(1, 21)))
    assert story.said == ["it 2", "-it 2"]


def test_10_history_moves_state_and_ledger_and_says_nothing_now_or_later() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.completed", at(1), session_id="s1", silent=True))
    story.tell(event("session.canceled", at(2), session_id="s1"), event("session.attended", at(3), session_id="s1"))
    assert story.said == []
    story.tell(_attended(4))
    assert story.said == ["sessions 2"]


def test_10_silence_of_a_deadline_is_decided_by_the_event_that_set_it() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2), silent=True))
    story.wait_until(at(9))
    assert (story.said, story.count("s")) == ([], 1)


def test_13_an_event_from_the_future_is_refused_and_changes_nothing() -> None:
    story = Story(SESSIONS)
    refused = story.tell(event("session.completed", at(3), session_id="s"), now=at(2, 7.99))
    assert (refused.outcome, refused.refusal.reason, story.said) == ("refused", "time_in_future", [])
    assert story.tell(event("session.completed", at(3), session_id="s"), now=at(2, 8)).outcome == "applied"


@pytest.mark.parametrize("day", ["2026-05-08", "2099-01-01", "1900-01-01"])
def test_13_a_day_that_cannot_belong_to_its_time_is_refused(day: str) -> None:
    story = Story(STREAK)
    refused = story.tell(event("habit.checked", at(5), habit_id="run", day=day))
    assert (refused.outcome, refused.refusal.reason) == ("refused", "day_out_of_range")
