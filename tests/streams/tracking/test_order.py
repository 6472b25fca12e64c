"""What arrives late or out of order is applied by event time (paragraph 11 of the design)."""

from itertools import permutations

import pytest

from schemas.event import Event
from tests.streams.tracking.story import (
    GOALS,
    HALFWAY,
    ONCE,
    SESSIONS,
    STREAK,
    Story,
    at,
    booked,
    check,
    event,
    paused,
    rescheduled,
    retracted,
    uncheck,
)

LATE = at(20)
SLIP = event("session.completed", at(2), session_id="s", named="slip")
LIGHTER = "{id: lighter, tier: micro, when: {value: weight.logged, of: kilos, falls_to: [80]}}"
BUYER = "{id: buyer, tier: program, when: {sum: purchase.completed, of: amount_cents, reaches: [5]}}"


def session(kind: str, day: int) -> Event:
    return event(f"session.{kind}", at(day), session_id="s")


def bought(kind: str, day: int, cents: int) -> Event:
    return event(f"purchase.{kind}", at(day), order_id=f"o{day}", amount_cents=cents, currency="EUR")


@pytest.mark.parametrize(
    ("rule", "events", "holds"),
    [
        (SESSIONS, (session("completed", 1), session("canceled", 2), session("attended", 3)), {"sessions 1"}),
        (SESSIONS, (session("completed", 1), session("attended", 2), session("no_show", 3)), set()),
        (SESSIONS, (booked("s", at(1), at(4)), rescheduled("s", at(2), at(5)), session("canceled", 3)), set()),
        (SESSIONS, (booked("s", at(1), at(4)), session("canceled", 2), rescheduled("s", at(3), at(5))), {"sessions 1"}),
        (SESSIONS, (SLIP, retracted(SLIP, at(3)), session("canceled", 1)), set()),
        (GOALS, tuple(event(f"goal.{kind}", at(day), goal_id="g")
                      for day, kind in enumerate(("completed", "reopened", "completed"), 1)), {"goals 1"}),
        (HALFWAY, tuple(event("course.progressed", at(day), course_id="c", percent=percent)
                        for day, percent in enumerate((60, 100, 20), 1)), {"course 50", "course 100"}),
        (ONCE, (check(1), check(2), check(3), uncheck(2, at(4))), set()),
        (ONCE, (check(1), check(2), uncheck(2, at(3)), check(2, at(4)), check(3)), {"once 3"}),
        (ONCE, (check(1), check(2), paused(3, 4), check(5)), {"once 3"}),
        (LIGHTER, tuple(event("weight.logged", at(day), kilos=kilos)
                        for day, kilos in enumerate((85, 79, 90), 1)), {"lighter 80"}),
        (LIGHTER, tuple(event("weight.logged", at(day), kilos=kilos)
                        for day, kilos in enumerate((79, 90, 81), 1)), set()),
        (BUYER, (bought("completed", 1, 4), bought("completed", 2, 3), bought("refunded", 3, 3)), set()),
        (BUYER, (bought("completed", 1, 4), bought("completed", 2, 3), bought("refunded", 3, 2)), {"buyer 5"}),
    ],
)  # fmt: skip
def test_11_what_holds_in_the_end_does_not_depend_on_the_order_of_arrival(
    rule: str, events: tuple[Event, ...], holds: set[str]
) -> None:
    for order in permutations(events):
        story = Story(rule)
        story.tell(*order, now=LATE)
        story.wait_until(LATE)
        standing: dict[str, bool] = {}
        for milestone in story.milestones:
            standing[f"{milestone.rule} {milestone.threshold}"] = milestone.type == "milestone.reached"
        assert {name for name, stands in standing.items() if stands} == holds, [each.id for each in order]


def test_11_the_milestone_of_a_late_event_carries_the_time_of_the_event() -> None:
    story = Story(SESSIONS)
    told = story.tell(event("session.completed", at(1), session_id="s"), now=at(15))
    assert (told.outcome, [m.reached_at for m in story.milestones]) == ("late", [at(1)])


def test_11_a_late_check_belongs_to_its_own_day() -> None:
    story = Story(STREAK)
    story.tell(event("habit.checked", at(3, 7), habit_id="run"), now=at(3))
    story.tell(*[event("habit.checked", at(day, 7), habit_id="run") for day in (1, 2)], now=at(9))
    assert [(m.occurrence, m.reached_at) for m in story.milestones] == [("run/2026-05-01", at(2, 7))]


def test_11_in_the_same_second_the_heavier_statement_wins_in_either_order() -> None:
    for order in permutations([session("completed", 1), session("canceled", 1)]):
        story = Story(SESSIONS)
        story.tell(*order)
        assert story.count("s") == 0
    for order in permutations([check(1, at(1)), uncheck(1, at(1))]):
        story = Story("{id: it, tier: streak, when: {streak: habit.checked, days: [1]}}")
        story.tell(*order)
        assert story.said in ([], ["it 1", "-it 1"])
