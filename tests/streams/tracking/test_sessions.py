"""Booked is not attended (paragraph 6 of the design of tracking)."""

from datetime import datetime

import pytest

from schemas.event import Event
from tests.streams.tracking.story import (
    GOALS,
    SESSIONS,
    Story,
    at,
    booked,
    event,
    rescheduled,
    retracted,
)


def test_6_a_booked_session_counts_after_its_hold_off() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2, 10), title="Yoga with Ann", kind="yoga", program_id="p"))
    story.wait_until(at(2, 11.99))
    assert story.said == []
    story.wait_until(at(2, 12))
    (reached,) = story.milestones
    assert (reached.reached_at, reached.caused_by, reached.facts["inferred"]) == (at(2, 10), None, True)
    assert (reached.facts["title"], reached.facts["kind"], reached.facts["program_id"]) == (
        "Yoga with Ann",
        "yoga",
        "p",
    )


def test_6_a_rescheduled_then_cancelled_session_is_not_a_completed_one() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)), rescheduled("s1", at(1, 9), at(3)))
    story.wait_until(at(2, 20))
    story.tell(event("session.canceled", at(2, 21), session_id="s1"))
    story.wait_until(at(9))
    assert story.said == []


def test_6_a_reschedule_moves_it() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)), rescheduled("s1", at(1, 9), at(5)))
    story.wait_until(at(4))
    assert story.said == []
    story.wait_until(at(6))
    assert [m.reached_at for m in story.milestones] == [at(5)]


def test_6_a_reschedule_that_comes_late_takes_back_what_was_inferred() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(rescheduled("s1", at(1, 12), at(5)), now=at(3))
    story.wait_until(at(6))
    assert story.said == ["sessions 1", "-sessions 1", "sessions 1 r2"]


def test_6_what_is_retracted_of_a_session_that_is_put_off_leaves_it_put_off() -> None:
    story = Story(SESSIONS)
    slip = event("session.canceled", at(2, 12), session_id="s1")
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(rescheduled("s1", at(2, 10), at(5)), slip, retracted(slip, at(4)), now=at(4))
    assert story.said == ["sessions 1", "-sessions 1"]
    story.wait_until(at(6))
    assert story.said == ["sessions 1", "-sessions 1", "sessions 1 r2"]


def test_6_a_reschedule_into_the_past_leaves_what_was_inferred() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(rescheduled("s1", at(1, 12), at(2, 9)), now=at(3))
    assert story.said == ["sessions 1"]
    assert story.tell(booked("s1", at(1), at(2))).outcome == "duplicate"


def test_6_a_reschedule_to_a_time_that_is_just_over_leaves_what_was_inferred() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(rescheduled("s1", at(1, 12), at(3, 6)), now=at(3))
    story.wait_until(at(3))
    assert story.said == ["sessions 1"]


def test_6_a_reschedule_into_the_past_after_a_cancellation_counts_again() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(event("session.canceled", at(1, 10), session_id="s1"), rescheduled("s1", at(1, 12), at(2, 9)), now=at(3))
    story.wait_until(at(9))
    assert story.said == ["sessions 1", "-sessions 1", "sessions 1 r2"]


def test_6_a_reschedule_into_the_past_does_not_hurry_one_that_is_still_to_come() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(rescheduled("s1", at(1, 14), at(5)), rescheduled("s1", at(1, 12), at(2, 9)), now=at(3))
    story.wait_until(at(4))
    assert story.said == ["sessions 1", "-sessions 1"]
    story.wait_until(at(6))
    assert story.said == ["sessions 1", "-sessions 1", "sessions 1 r2"]


def test_6_what_kind_of_session_it_is_the_earliest_booking_says() -> None:
    yoga = "{id: yoga, tier: micro, when: {count: session.completed, reaches: [1]}, where: {kind: [yoga]}}"
    story = Story(yoga)
    story.tell(booked("s1", at(1), at(2), kind="yoga"))
    story.wait_until(at(3))
    story.tell(rescheduled("s1", at(3), at(5)))
    story.wait_until(at(9))
    assert story.said == ["yoga 1", "-yoga 1", "yoga 1 r2"]
    other = Story(yoga)
    other.tell(booked("s1", at(1), at(2), kind="yoga"), rescheduled("s1", at(1, 9), at(5), kind="run"))
    other.wait_until(at(9))
    assert other.said == ["yoga 1"]


def test_6_a_reschedule_into_the_past_does_not_bring_back_what_fell_through() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(event("session.canceled", at(2, 9), session_id="s1"), rescheduled("s1", at(1, 12), at(2, 9)), now=at(3))
    story.wait_until(at(9))
    assert story.said == ["sessions 1", "-sessions 1"]


def test_6_an_explicit_completion_counts_at_once_and_only_once() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)), event("session.completed", at(2, 9), session_id="s1"))
    story.wait_until(at(9))
    assert story.said == ["sessions 1"]
    assert not story.milestones[0].facts["inferred"]


def test_6_a_completion_confirms_what_was_inferred() -> None:
    story = Story(SESSIONS)
    story.tell(booked("s1", at(1), at(2)))
    story.wait_until(at(3))
    story.tell(event("session.completed", at(2), session_id="s1"))
    assert story.said == ["sessions 1"]


@pytest.mark.parametrize("kind", ["session.canceled", "session.no_show"])
def test_6_what_fell_through_is_taken_back_and_attended_gives_it_back(kind: str) -> None:
    yoga = "{id: yoga, tier: micro, when: {count: session.completed, reaches: [1]}, where: {kind: [yoga]}}"
    story = Story(SESSIONS, yoga)
    story.tell(event("session.completed", at(2), session_id="s1", kind="yoga"), event(kind, at(3), session_id="s1"))
    story.tell(event("session.attended", at(4), session_id="s1"))
    assert story.said == ["sessions 1", "yoga 1", "-sessions 1", "-yoga 1", "sessions 1 r2", "yoga 1 r2"]
    assert story.state is not None
    assert story.state.amounts == {}


def test_6_a_cancel_that_overtakes_its_booking_still_cancels_it() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.canceled", at(1, 9), session_id="s1"))
    late = story.tell(booked("s1", at(1, 8), at(2)))
    assert late.outcome == "duplicate"
    story.tell(booked("s1", at(1, 10), at(3)))
    story.wait_until(at(9))
    assert [m.reached_at for m in story.milestones] == [at(3)]


def test_6_what_was_said_earlier_does_not_undo_what_was_said_later() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.completed", at(1), session_id="s1"), event("session.attended", at(3), session_id="s1"))
    assert story.tell(event("session.no_show", at(2), session_id="s1")).outcome == "duplicate"
    story.tell(event("session.canceled", at(5), session_id="s2"))
    assert story.tell(event("session.completed", at(4), session_id="s2")).outcome == "duplicate"
    assert story.said == ["sessions 1"]


def test_6_a_booking_after_a_completion_waits_and_adds_nothing() -> None:
    story = Story(SESSIONS)
    story.tell(event("session.completed", at(2), session_id="s1"), booked("s1", at(3), at(4)))
    story.wait_until(at(9))
    assert story.said == ["sessions 1"]


def test_6_several_sessions_fall_due_in_their_order() -> None:
    story = Story(SESSIONS)
    story.tell(booked("b", at(1), at(4)), booked("a", at(1), at(3)), booked("c", at(1), at(2)))
    story.wait_until(at(9))
    assert [m.reached_at for m in story.milestones] == [at(2), at(3), at(4)]


AHEAD = booked("s1", at(1), at(60))


@pytest.mark.parametrize(
    ("said", "counts_at"),
    [
        ([event("session.canceled", at(2), session_id="s1")], []),
        (
            [event("session.no_show", at(2), session_id="s1"), event("session.attended", at(3), session_id="s1")],
            [at(60)],
        ),
        ([event("session.completed", at(2), session_id="s1")], [at(2)]),
        ([event("session.canceled", at(2), session_id="s1"), rescheduled("s1", at(3), at(58))], [at(58)]),
        ([rescheduled("s1", at(2), at(4))], [at(4)]),
        ([event("session.canceled", at(2), session_id="s2")], [at(60)]),
    ],
)
@pytest.mark.parametrize("others", [1, 600])
@pytest.mark.parametrize("kind", ["completed", "reopened"])
def test_6_what_was_said_of_a_session_months_ahead_outlasts_the_window(
    said: list[Event], counts_at: list[datetime], kind: str, others: int
) -> None:
    """What is said meanwhile lets it leave the window, by its age or by the number of statements."""
    story = Story(SESSIONS, GOALS)
    story.tell(AHEAD, *said)
    story.wait_until(at(5))
    day = 45 if others == 1 else 6
    story.tell(*[event(f"goal.{kind}", at(day), goal_id=f"g{number}") for number in range(others)])
    story.wait_until(at(70))
    assert [m.reached_at for m in story.milestones if m.rule == "sessions"] == counts_at


def test_6_a_booking_that_came_after_its_cancellation_outlasts_it() -> None:
    story = Story(SESSIONS, GOALS)
    story.tell(event("session.canceled", at(1), session_id="s1"), booked("s1", at(2), at(60)))
    story.tell(event("goal.completed", at(45), goal_id="g"))
    story.wait_until(at(70))
    assert story.said == ["goals 1", "sessions 1"]
