"""A log is folded in the order of arrival, by the clock that its lines carry."""

from datetime import datetime

from msgspec.structs import replace

from schemas.client import Profile
from schemas.event import Event
from schemas.milestone import Milestone
from schemas.refusal import Refused
from streams.tracking.instants import to_ms
from streams.tracking.replay import RefusedLine, replay
from tests.streams.tracking.story import SESSIONS, STREAK, at, booked, event, plan_of, spoken


def _replayed(*events: Event | Refused, until: datetime | None = None) -> list[str]:
    found = replay(
        enumerate(events, start=1), plan_of(SESSIONS), profiles={}, until_ms=None if until is None else to_ms(until)
    )
    return [
        spoken(each) if isinstance(each, Milestone) else f"line {each.number}: {each.refusal.reason}" for each in found
    ]


def _of(client: str, each: Event) -> Event:
    return replace(each, client=client)


def test_what_is_due_fires_before_the_line_that_moves_the_clock() -> None:
    cancel = event("session.canceled", at(3), session_id="s1")
    assert _replayed(booked("s1", at(1), at(2)), cancel) == ["sessions 1", "-sessions 1"]


def test_nothing_fires_that_is_not_due_and_nothing_after_the_last_line() -> None:
    assert _replayed(booked("s1", at(1), at(2))) == []


def test_until_ends_the_fold_and_fires_what_is_due_by_then() -> None:
    story = [booked("s1", at(1), at(2)), event("session.completed", at(5), session_id="s2")]
    assert _replayed(*story, until=at(4)) == ["sessions 1"]
    assert _replayed(*story, until=at(1, 9)) == []


def test_a_line_after_until_ends_the_fold_also_for_earlier_lines_that_arrived_after_it() -> None:
    after = event("session.completed", at(5), session_id="s2")
    before = event("session.completed", at(2), session_id="s3")
    assert _replayed(after, before, until=at(4)) == []


def test_receivedat_is_the_clock_and_without_it_the_time() -> None:
    late = replace(event("session.completed", at(1), session_id="s2"), received_at=at(9))
    assert _replayed(booked("s1", at(1), at(2)), late) == ["sessions 1", "sessions 2"]
    ahead = replace(event("session.completed", at(9), session_id="s2"), received_at=at(1))
    assert _replayed(ahead) == ["line 1: time_in_future"]


def test_the_clock_never_goes_back() -> None:
    story = [event("session.completed", at(9), session_id="s0"), booked("s1", at(1), at(2)),
             event("session.completed", at(1, 9), session_id="s3")]  # fmt: skip
    assert _replayed(*story) == ["sessions 1", "sessions 2", "sessions 3"]


def test_a_line_that_cannot_be_read_is_named_and_the_next_one_is_folded() -> None:
    bad = Refused("not_json", "it is none")
    assert _replayed(bad, event("session.completed", at(1), session_id="s")) == ["line 1: not_json", "sessions 1"]


def test_deadlines_of_all_clients_fire_in_the_order_of_time() -> None:
    story = [
        _of("a", booked("a1", at(1), at(2))), _of("a", booked("a2", at(1), at(4))),
        _of("b", booked("b1", at(1), at(3))), _of("b", booked("b1", at(1, 9), at(3, 9))),
        _of("c", event("session.completed", at(9), session_id="c")),
    ]  # fmt: skip
    found = replay(enumerate(story), plan_of(SESSIONS), profiles={})
    assert [(m.client, m.reached_at) for m in found if not isinstance(m, RefusedLine)] == [
        ("a", at(2)), ("b", at(3, 9)), ("a", at(4)), ("c", at(9)),
    ]  # fmt: skip


def test_a_deadline_that_moved_fires_when_it_is_due_now() -> None:
    checks = [event("habit.checked", at(day), habit_id="run") for day in (1, 2, 3, 4)]
    plan = plan_of(STREAK, "{id: broken, tier: nudge, when: {lapse: streak, min_days: 3}}")
    found = list(replay(enumerate(checks), plan, profiles={}, until_ms=to_ms(at(9))))
    assert [(m.rule, m.reached_at) for m in found if isinstance(m, Milestone)] == [
        ("streak", at(3)), ("broken", at(7, 12)),
    ]  # fmt: skip


def test_profiles_are_known_from_the_beginning() -> None:
    night = [event("habit.checked", at(day, 23), habit_id="run") for day in (1, 2, 3)]
    profiles = {"t1/c1": Profile.model_validate({"timezone": "Asia/Tokyo"})}
    found = list(replay(enumerate(night), plan_of(STREAK), profiles=profiles))
    assert [m.occurrence for m in found if isinstance(m, Milestone)] == ["run/2026-05-02"]
