"""A retracted event never happened, whatever its type and whichever came first (paragraph 8 of the design)."""

from typing import NamedTuple

import pytest

from schemas.event import EVENT_DATA, Event
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
    paused,
    repaired,
    rescheduled,
    retracted,
    uncheck,
)


class Case(NamedTuple):
    """A story in which an event makes a difference: the last one told, after those of `before`."""

    rule: str
    event: Event
    before: tuple[Event, ...] = ()
    after: tuple[Event, ...] = ()
    does: tuple[str, ...] = ("it 1",)


def counting(event_type: str) -> str:
    return f"{{id: it, tier: micro, when: {{count: {event_type}, reaches: [1]}}}}"


def counted(event_type: str, **data: str | int) -> Case:
    return Case(counting(event_type), event(event_type, at(5), **data))


SESSION_1 = event("session.completed", at(2), session_id="s")
GOAL_1 = event("goal.completed", at(2), goal_id="g")
MONEY = {"order_id": "o", "amount_cents": 700, "currency": "EUR"}
BUYER = "{id: buyer, tier: program, when: {sum: purchase.completed, of: amount_cents, reaches: [500]}}"
CASES = {
    "session.booked": Case(SESSIONS, booked("s", at(5), at(6)), does=("sessions 1",)),
    "session.rescheduled": Case(SESSIONS, rescheduled("s", at(5), at(6)), does=("sessions 1",)),
    "session.completed": Case(SESSIONS, SESSION_1, does=("sessions 1",)),
    "session.canceled": Case(
        SESSIONS, event("session.canceled", at(5), session_id="s"), (SESSION_1,), does=("-sessions 1",)
    ),
    "session.no_show": Case(
        SESSIONS, event("session.no_show", at(5), session_id="s"), (SESSION_1,), does=("-sessions 1",)
    ),
    "session.attended": Case(
        SESSIONS,
        event("session.attended", at(5), session_id="s"),
        (SESSION_1, event("session.no_show", at(3), session_id="s")),
        does=("sessions 1 r2",),
    ),
    "habit.checked": Case(STREAK, check(3), (check(1), check(2)), does=("streak 3",)),
    "habit.unchecked": Case(STREAK, uncheck(2), (check(1), check(2), check(3)), does=("-streak 3",)),
    "streak.reported": Case(STREAK, event("streak.reported", at(9), habit_id="run", days=4), does=("streak 3",)),
    "streak.paused": Case(STREAK, paused(3, 4, at(6)), (check(1), check(2), check(5)), does=("streak 3",)),
    "streak.repaired": Case(STREAK, repaired(3, at(6)), (check(1), check(2), check(4)), does=("streak 3",)),
    "lesson.completed": counted("lesson.completed", course_id="c", lesson_id="l"),
    "course.progressed": Case(
        HALFWAY, event("course.progressed", at(5), course_id="c", percent=60), does=("course 50",)
    ),
    "course.completed": Case(
        HALFWAY, event("course.completed", at(5), course_id="c"), does=("course 50", "course 100")
    ),
    "goal.completed": Case(GOALS, GOAL_1, does=("goals 1",)),
    "goal.reopened": Case(GOALS, event("goal.reopened", at(5), goal_id="g"), (GOAL_1,), does=("-goals 1",)),
    "program.enrolled": counted("program.enrolled", program_id="p"),
    "program.completed": counted("program.completed", program_id="p"),
    "purchase.completed": Case(BUYER, event("purchase.completed", at(5), **MONEY), does=("buyer 500",)),
    "purchase.refunded": Case(
        BUYER,
        event("purchase.refunded", at(5), **MONEY),
        (event("purchase.completed", at(2), **MONEY),),
        does=("-buyer 500",),
    ),
    "membership.renewed": counted("membership.renewed"),
    "membership.ended": counted("membership.ended"),
    "referral.converted": counted("referral.converted"),
    "tea.drunk": counted("tea.drunk", cups=1),
    "weight.logged": Case(
        "{id: it, tier: micro, when: {value: weight.logged, of: kilos, falls_to: [80]}}",
        event("weight.logged", at(5), kilos=79),
        (event("weight.logged", at(4), kilos=81),),
        does=("it 80",),
    ),
}
SEVERAL = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def turned(said: str) -> str:
    """What takes back what was said: a withdrawal of a first revision is followed by the second."""
    if said.startswith("-"):
        return f"{said[1:]} r2"
    return f"-{said}"


def test_8_every_type_can_be_retracted() -> None:
    assert set(EVENT_DATA) - {"event.retracted"} <= set(CASES)


@SEVERAL
def test_8_a_retraction_takes_back_what_the_event_did_and_only_once(case: Case) -> None:
    story = Story(case.rule)
    story.tell(*case.before)
    story.heard()
    story.tell(case.event)
    story.wait_until(at(10))
    assert story.heard() == [*case.does]
    story.tell(retracted(case.event, at(11)), event("event.retracted", at(12), event_id=case.event.id))
    assert sorted(story.heard()) == sorted(map(turned, case.does))
    story.wait_until(at(15))
    assert story.heard() == []


@SEVERAL
def test_8_what_was_retracted_does_not_come_again_and_its_twin_does(case: Case) -> None:
    story = Story(case.rule)
    story.tell(*case.before, case.event)
    story.wait_until(at(10))
    story.tell(retracted(case.event, at(11)))
    story.heard()
    assert story.tell(case.event, now=at(12)).outcome == "duplicate"
    story.wait_until(at(15))
    assert story.heard() == []


@SEVERAL
def test_8_a_retraction_before_its_event_bars_its_id(case: Case) -> None:
    story, without = Story(case.rule), Story(case.rule)
    story.tell(retracted(case.event, at(1)), *case.before)
    without.tell(*case.before)
    assert story.tell(case.event).outcome == "duplicate"
    story.wait_until(at(15))
    assert story.said == without.said


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
