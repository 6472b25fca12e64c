"""Every type of event can be retracted, before and after it came (paragraph 8 of the design)."""

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
