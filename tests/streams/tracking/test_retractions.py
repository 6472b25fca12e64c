"""A retracted event never happened, and what stood before it stands again (paragraph 8 of the design)."""

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
    rescheduled,
    retracted,
    uncheck,
)

GOAL_1 = event("goal.completed", at(2), goal_id="g")


def test_8_the_bar_is_for_one_id_and_lasts_as_long_as_the_window() -> None:
    story = Story(GOALS)
    story.tell(retracted(GOAL_1, at(1)), event("goal.completed", at(2), goal_id="h", named="other"))
    assert story.said == ["goals 1"]
    assert story.tell(GOAL_1, now=at(36)).outcome == "duplicate"
    story.tell(GOAL_1, now=at(37))
    assert story.said == ["goals 1", "goals 2"]


def test_8_what_left_the_window_is_not_taken_back() -> None:
    story = Story(GOALS)
    story.tell(GOAL_1, event("goal.completed", at(40), goal_id="h"))
    story.tell(retracted(GOAL_1, at(40)))
    assert (story.said, story.count("g")) == (["goals 1", "goals 2"], 2)


def test_8_a_retraction_of_what_no_one_has_heard_of_changes_nothing() -> None:
    story = Story(GOALS, STREAK, HALFWAY)
    story.tell(GOAL_1, check(1), event("course.progressed", at(1), course_id="c", percent=60))
    before = story.state
    told = story.tell(event("event.retracted", at(3), event_id="nobody"))
    assert before is not None
    assert (told.milestones, told.state.counts, told.state.marks, told.state.habits) == (
        (), before.counts, before.marks, before.habits,
    )  # fmt: skip


def test_8_a_retracted_reschedule_leaves_the_session_where_it_was() -> None:
    story = Story(SESSIONS)
    moved = rescheduled("s", at(2), at(9))
    story.tell(booked("s", at(1), at(5)), moved, retracted(moved, at(3)))
    story.wait_until(at(20))
    assert [m.reached_at for m in story.milestones] == [at(5)]


def test_8_a_reschedule_retracted_after_the_first_time_is_over_lets_it_count_then() -> None:
    story = Story(SESSIONS)
    moved = rescheduled("s", at(2), at(9))
    story.tell(booked("s", at(1), at(5)), moved)
    story.wait_until(at(6))
    assert story.said == []
    story.tell(retracted(moved, at(7)))
    story.wait_until(at(7))
    assert story.said == ["sessions 1"]
    story.wait_until(at(20))
    assert story.said == ["sessions 1"]


def test_8_a_retracted_booking_takes_the_session_out_of_the_calendar() -> None:
    story = Story(SESSIONS)
    first = booked("s", at(1), at(5))
    story.tell(first, retracted(first, at(2)))
    story.wait_until(at(20))
    assert (story.said, story.state and story.state.bookings) == ([], {})


def test_8_a_retracted_booking_leaves_a_reschedule_that_stands_for_itself() -> None:
    story = Story(SESSIONS)
    first = booked("s", at(1), at(5))
    story.tell(first, rescheduled("s", at(2), at(9)), retracted(first, at(3)))
    story.wait_until(at(20))
    assert [m.reached_at for m in story.milestones] == [at(9)]


def test_8_a_retracted_completion_leaves_the_booking_that_is_still_to_come() -> None:
    story = Story(SESSIONS)
    early = event("session.completed", at(3), session_id="s")
    story.tell(booked("s", at(1), at(5)), early, retracted(early, at(4)))
    assert story.heard() == ["sessions 1", "-sessions 1"]
    story.wait_until(at(6))
    assert story.heard() == ["sessions 1 r2"]


def test_8_a_retracted_cancellation_of_a_booking_lets_it_count_when_it_is_over() -> None:
    story = Story(SESSIONS)
    slip = event("session.canceled", at(2), session_id="s")
    story.tell(booked("s", at(1), at(5)), slip, retracted(slip, at(3)))
    story.wait_until(at(6))
    assert story.said == ["sessions 1"]


def test_8_a_percentage_falls_to_the_next_highest_that_is_kept() -> None:
    story = Story(HALFWAY)
    slip = event("course.progressed", at(3), course_id="c", percent=100)
    story.tell(event("course.progressed", at(2), course_id="c", percent=60), slip, retracted(slip, at(4)))
    assert story.said == ["course 50", "course 100", "-course 100"]
    assert story.milestones[-1].value == 60
    story.tell(event("course.progressed", at(5), course_id="c", percent=100))
    assert story.said[3:] == ["course 100 r2"]


def test_8_a_percentage_falls_to_the_highest_and_not_to_the_last_that_is_left() -> None:
    story = Story(HALFWAY)
    slip = event("course.progressed", at(3), course_id="c", percent=100)
    story.tell(*[event("course.progressed", at(1), course_id="c", percent=percent) for percent in (70, 60)], slip)
    story.tell(retracted(slip, at(4)))
    assert (story.said[-1], story.milestones[-1].value) == ("-course 100", 70)


def test_8_an_event_that_two_rules_measured_is_taken_back_from_both() -> None:
    every = "{id: any, tier: program, when: {percent: course.progressed, reaches: [50]}}"
    story = Story(HALFWAY, every)
    slip = event("course.progressed", at(3), course_id="c", percent=60)
    story.tell(slip, retracted(slip, at(4)))
    assert sorted(story.said) == ["-any 50", "-course 50", "any 50", "course 50"]


def test_8_a_retracted_uncheck_may_reach_a_number_of_checks() -> None:
    story = Story("{id: checks, tier: micro, when: {count: habit.checked, reaches: [3]}}")
    off = uncheck(2)
    story.tell(check(1), check(2), off, check(3), retracted(off, at(4)))
    assert story.said == ["checks 3"]


def test_8_several_ids_may_be_barred() -> None:
    story = Story(GOALS)
    goals = [event("goal.completed", at(3), goal_id=name) for name in "abc"]
    story.tell(*[retracted(each, at(1)) for each in goals])
    assert [story.tell(each).outcome for each in goals] == ["duplicate"] * 3


def test_8_of_a_percentage_nothing_is_left_but_zero() -> None:
    story = Story(HALFWAY)
    slip = event("course.progressed", at(3), course_id="c", percent=60)
    story.tell(slip, retracted(slip, at(4)), event("course.progressed", at(5), course_id="c", percent=50))
    assert [(m.revision, m.value) for m in story.milestones] == [(1, 60), (1, 0), (2, 50)]


def test_8_a_percentage_that_two_later_ones_followed_stands() -> None:
    story = Story(HALFWAY)
    first = event("course.progressed", at(1), course_id="c", percent=60)
    others = [event("course.progressed", at(day), course_id="c", percent=50 + day) for day in (11, 12)]
    story.tell(first, *others, *[retracted(each, at(13)) for each in (*others, first)])
    assert story.said == ["course 50"]


def test_8_a_mark_of_a_rulebook_that_is_gone_falls_without_a_word() -> None:
    story = Story("{id: p, tier: program, when: {percent: plan.done, of: share, reaches: [50]}}")
    slip = event("plan.done", at(1), share=60)
    story.tell(slip)
    story.adopt(GOALS, now=at(2))
    story.tell(retracted(slip, at(3)))
    assert story.said == ["p 50"]
    assert story.state is not None
    assert all(mark.kept == () for mark in story.state.marks.values())


def test_8_a_retracted_check_leaves_another_check_of_the_same_day() -> None:
    story = Story(STREAK)
    first = check(2, at(2, 7))
    story.tell(check(1), first, check(2, at(2, 9)), check(3), retracted(first, at(4)))
    assert story.said == ["streak 3"]


@pytest.mark.parametrize("number", range(8))
def test_8_a_retracted_second_check_of_a_day_long_past_leaves_the_first(number: int) -> None:
    """The time of the first is kept no longer, its id is."""
    story = Story(STREAK)
    first, again = check(1, named=f"first{number}"), check(1, at(12, 9), named="again")
    story.tell(first, check(2), check(3), check(12), again, retracted(again, at(13)))
    assert story.said == ["streak 3"]
    story.tell(retracted(first, at(14)))
    assert story.said == ["streak 3", "-streak 3"]


def test_8_a_retracted_check_is_found_beyond_days_without_one() -> None:
    story = Story(STREAK)
    first = check(2)
    story.tell(check(1), first, check(3), check(9), check(12), retracted(first, at(13)))
    assert story.said == ["streak 3", "-streak 3"]


def test_8_a_retracted_uncheck_may_reach_what_was_never_reached() -> None:
    story = Story(STREAK)
    off = uncheck(2)
    story.tell(check(1), check(2), off, check(3), retracted(off, at(4)))
    assert [(m.threshold, m.revision, m.reached_at) for m in story.milestones] == [(3, 1, at(4))]


def test_8_a_retracted_check_is_counted_no_longer_for_its_habit() -> None:
    story = Story("{id: checks, tier: micro, when: {count: habit.checked, per: habit_id, reaches: [2]}}")
    slip = check(2)
    story.tell(check(1), slip, check(1, habit_id="swim"), retracted(slip, at(3)))
    assert [(m.type, m.occurrence, m.value) for m in story.milestones] == [
        ("milestone.reached", "run", 2), ("milestone.retracted", "run", 1),
    ]  # fmt: skip


def test_8_a_retracted_check_leaves_the_uncheck_that_came_before_it() -> None:
    story = Story(STREAK)
    again = check(2, at(2, 22))
    story.tell(check(1), check(2), uncheck(2, at(2, 20)), again, check(3), retracted(again, at(4)))
    assert story.said == ["streak 3", "-streak 3"]


def test_8_a_retracted_overruled_check_changes_nothing_and_does_not_stand_again() -> None:
    story = Story(STREAK)
    first, off = check(2, at(2, 7)), uncheck(2, at(2, 20))
    story.tell(check(1), first, off, check(3), retracted(first, at(4)), retracted(off, at(5)))
    assert story.said == []


def test_8_a_retracted_check_is_counted_no_longer() -> None:
    story = Story("{id: checks, tier: micro, when: {count: habit.checked, reaches: [2]}}")
    slip = check(2)
    story.tell(check(1), slip, retracted(slip, at(3)))
    assert (story.said, story.milestones[-1].value) == (["checks 2", "-checks 2"], 1)
    twin = check(5)
    story.tell(twin, retracted(twin, at(6)), check(5, at(7), named="again"))
    assert story.said[2:] == ["checks 2 r2", "-checks 2 r2", "checks 2 r3"]


def test_8_a_retracted_report_takes_all_its_days_and_leaves_the_others() -> None:
    story = Story(STREAK)
    report = event("streak.reported", at(5), habit_id="run", days=5)
    story.tell(report, check(3), check(6), retracted(report, at(7)))
    assert story.said == ["streak 3", "streak 5", "-streak 3", "-streak 5"]
    story.tell(check(4, at(8)), check(5, at(8)))
    assert story.said[4:] == ["streak 3 r2"]


def test_8_an_event_that_said_several_things_is_taken_back_whole() -> None:
    steps = "{id: steps, tier: micro, when: {count: course.progressed, reaches: [1]}}"
    story = Story(HALFWAY, steps)
    slip = event("course.progressed", at(1), course_id="c", percent=60)
    story.tell(slip, retracted(slip, at(2)))
    assert story.said == ["course 50", "steps 1", "-steps 1", "-course 50"]


def test_8_a_second_report_of_a_key_stands_in_for_a_retracted_first() -> None:
    story = Story(SESSIONS)
    tool, platform = (event("session.completed", at(1), session_id="s", named=name) for name in ("tool", "platform"))
    story.tell(tool, platform, retracted(tool, at(2)))
    assert story.said == ["sessions 1"]
    story.tell(retracted(platform, at(3)))
    assert story.said == ["sessions 1", "-sessions 1"]


def test_8_at_most_512_ids_are_barred() -> None:
    story = Story(GOALS)
    story.tell(*[event("event.retracted", at(1), event_id=f"e{number}") for number in range(520)])
    assert story.state is not None
    assert len(story.state.barred) <= 513


def test_8_what_is_retracted_of_a_silent_award_is_silent() -> None:
    story = Story(GOALS)
    first = event("goal.completed", at(1), goal_id="g", silent=True)
    story.tell(first, retracted(first, at(2)), event("goal.completed", at(3), goal_id="h"))
    assert story.said == []
