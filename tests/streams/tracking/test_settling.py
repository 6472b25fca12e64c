"""A milestone that settles is told that long after the crossing, if it still holds (paragraph 9 of the design)."""

import pytest

from schemas.event import Event
from tests.streams.tracking.story import Story, at, check, event, retracted, uncheck

GOAL = "{id: goal, tier: micro, when: {count: goal.completed, reaches: [1, 2]}, settle: 1h}"


def goal(state_it: str, hour: float, name: str = "g") -> Event:
    return event(f"goal.{state_it}", at(1, hour), goal_id=name)


def test_9_it_is_told_that_long_after_the_crossing_with_the_facts_of_the_crossing() -> None:
    story = Story(GOAL)
    told = story.tell(goal("completed", 8))
    assert (told.outcome, story.said) == ("applied", [])
    story.wait_until(at(1, 8.999))
    assert story.said == []
    story.tell(event("habit.checked", at(1, 8.9), habit_id="run"))
    story.wait_until(at(1, 9))
    (reached,) = story.milestones
    assert (reached.value, reached.reached_at, reached.caused_by) == (1, at(1, 8), goal("completed", 8).id)
    assert reached.facts["so_far"]["current_streak"] == 0
    story.wait_until(at(9))
    assert story.said == ["goal 1"]


def test_9_the_time_is_that_of_the_arrival_and_not_of_the_event() -> None:
    story = Story(GOAL)
    story.tell(goal("completed", 8), now=at(1, 12))
    story.wait_until(at(1, 12.999))
    assert story.said == []
    story.wait_until(at(1, 13))
    assert [m.reached_at for m in story.milestones] == [at(1, 8)]


def test_9_a_reversal_within_it_cancels_it_as_if_it_had_never_been() -> None:
    story = Story(GOAL)
    story.tell(goal("completed", 8), goal("reopened", 8.5))
    story.wait_until(at(9))
    assert story.said == []
    assert story.state is not None
    assert (story.state.awards, story.state.settling) == ({}, {})


def test_9_a_new_crossing_starts_the_clock_anew_with_the_first_revision() -> None:
    story = Story(GOAL)
    story.tell(goal("completed", 8), goal("reopened", 8.5), goal("completed", 8.75))
    story.wait_until(at(1, 9.74))
    assert story.said == []
    story.wait_until(at(1, 9.75))
    assert [(m.revision, m.reached_at) for m in story.milestones] == [(1, at(1, 8.75))]


def test_9_a_reversal_afterwards_is_told_at_once_and_the_next_crossing_settles_again() -> None:
    story = Story(GOAL)
    story.tell(goal("completed", 8))
    story.wait_until(at(1, 9))
    story.tell(goal("reopened", 10))
    assert story.said == ["goal 1", "-goal 1"]
    story.tell(goal("completed", 11))
    assert story.said == ["goal 1", "-goal 1"]
    story.wait_until(at(1, 12))
    assert story.said == ["goal 1", "-goal 1", "goal 1 r2"]


def test_9_a_second_crossing_that_is_cancelled_leaves_the_first_withdrawn_and_its_number_free() -> None:
    story = Story(GOAL)
    story.tell(goal("completed", 8))
    story.wait_until(at(1, 9))
    story.tell(goal("reopened", 10), goal("completed", 11), goal("reopened", 11.5))
    story.wait_until(at(1, 13))
    assert story.said == ["goal 1", "-goal 1"]
    story.tell(goal("completed", 14))
    story.wait_until(at(1, 15))
    assert story.said == ["goal 1", "-goal 1", "goal 1 r2"]


def test_9_each_threshold_settles_for_itself() -> None:
    story = Story(GOAL)
    story.tell(goal("completed", 8, "a"), goal("completed", 8.5, "b"))
    story.wait_until(at(1, 9))
    assert story.said == ["goal 1"]
    story.tell(goal("reopened", 9.1, "a"))
    story.wait_until(at(9))
    assert story.said == ["goal 1"]


def test_9_a_retraction_within_it_cancels_it() -> None:
    story = Story(GOAL)
    first = goal("completed", 8)
    story.tell(first, retracted(first, at(1, 8.5)))
    story.wait_until(at(9))
    assert story.said == []


def test_9_what_is_silent_settles_in_silence_and_stays_silent() -> None:
    story = Story(GOAL)
    story.tell(event("goal.completed", at(1, 8), goal_id="g", silent=True))
    story.wait_until(at(1, 9))
    story.tell(goal("reopened", 10), goal("completed", 11))
    story.wait_until(at(9))
    assert story.said == []


def test_9_a_crossing_that_is_cancelled_in_silence_is_told_when_it_comes_again_aloud() -> None:
    story = Story(GOAL)
    story.tell(event("goal.completed", at(1, 8), goal_id="g", silent=True), goal("reopened", 8.5), goal("completed", 9))
    story.wait_until(at(1, 10))
    assert story.said == ["goal 1"]


@pytest.mark.parametrize("days", [3, 4])
def test_9_a_streak_settles_as_any_other_rule_and_of_two_runs_each_for_itself(days: int) -> None:
    rule = "{id: s, tier: streak, when: {streak: habit.checked, days: [2]}, repeat: per-streak, settle: 2d}"
    story = Story(rule)
    story.tell(*[check(day) for day in (1, 2, days + 1, days + 2)])
    story.tell(uncheck(2, at(days + 2, 9)))
    story.wait_until(at(20))
    assert [m.occurrence for m in story.milestones] == [f"2026-05-0{days + 1}"]
    story.tell(uncheck(days + 1, at(21)))
    assert story.said == ["s 2", "-s 2"]


def test_9_others_go_on_at_once_beside_it() -> None:
    story = Story(GOAL, GOAL.replace("id: goal", "id: now").replace(", settle: 1h", ""))
    story.tell(goal("completed", 8))
    assert story.said == ["now 1"]
    story.wait_until(at(1, 9))
    assert story.said == ["now 1", "goal 1"]
