import ast
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import demo.count
import demo.steps
from demo.count import Win, count
from demo.steps import AppointmentStep, CheckStep, LeaveStep, MessageStep, QuietStep

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = START + timedelta(days=200)


def _appointment(number: int, at: datetime, starts_at: datetime, **state: Any) -> AppointmentStep:
    record = {
        "id": number,
        "email": "Ann.Poe@Example.org",
        "datetime": starts_at.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "duration": "60",
        "canceled": False,
        "noShow": False,
        "labels": None,
    }
    return AppointmentStep(at=at, record=record | state, actions=("scheduled",))


def _check(day: date, zone: str = "UTC") -> CheckStep:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return CheckStep(
        at=at,
        client_id="7",
        name="Ann Poe",
        email="ann.poe@example.org",
        timezone=zone,
        habit_id="walk",
        title="Walk",
        day=day,
    )


def _message(kind: str, at: datetime, zone: str = "UTC", **data: Any) -> MessageStep:
    client = {"id": "7", "email": "ann.poe@example.org", "timezone": zone}
    body = {"type": kind, "timestamp": at.isoformat(), "data": {"client": client, **data}}
    return MessageStep(at=at, message_id=f"m{at:%d%H%M}", body=body)


def _days(first: date, length: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(length)]


def _rules(wins: tuple[Win, ...]) -> list[tuple[str, int]]:
    return [(win.rule, win.threshold) for win in wins]


def test_a_booked_session_counts_once_its_hold_off_is_over() -> None:
    booked = _appointment(1, START, START + timedelta(days=1))
    done_at = START + timedelta(days=8, minutes=60)
    assert count([booked], done_at - timedelta(seconds=1)).wins == ()
    assert _rules(count([booked], done_at).wins) == [("first-session", 1)]


def test_a_session_labelled_completed_counts_at_once() -> None:
    booked = _appointment(1, START, START + timedelta(days=1))
    labelled_at = START + timedelta(days=1, minutes=61)
    labelled = _appointment(1, labelled_at, START + timedelta(days=1), labels=[{"name": "Completed"}])
    assert _rules(count([booked, labelled], labelled_at).wins) == [("first-session", 1)]


@pytest.mark.parametrize("no_show", [False, True])
def test_a_cancelled_or_missed_session_does_not_count(*, no_show: bool) -> None:
    booked = _appointment(1, START, START + timedelta(days=1))
    cancelled = _appointment(1, START + timedelta(hours=5), START, canceled=True, noShow=no_show)
    assert count([booked, cancelled], LATER).wins == ()


def test_a_moved_session_counts_where_it_was_moved_to() -> None:
    booked = _appointment(1, START, START + timedelta(days=1))
    moved = _appointment(1, START + timedelta(hours=5), START + timedelta(days=8))
    assert count([booked, moved], START + timedelta(days=14)).wins == ()
    assert len(count([booked, moved], START + timedelta(days=16)).wins) == 1


def test_the_thirty_sixth_session_counts_and_the_thirty_fifth_does_not() -> None:
    sessions = [_appointment(n, START, START + timedelta(days=n)) for n in range(1, 37)]
    assert _rules(count(sessions[:35], LATER).wins) == [("first-session", 1)]
    assert _rules(count(sessions, LATER).wins) == [("first-session", 1), ("thirty-six", 36)]


def test_a_run_of_thirty_days_counts_at_fourteen_and_at_thirty() -> None:
    checks = [_check(day) for day in _days(date(2026, 3, 1), 30)]
    wins = count(checks, datetime(2026, 3, 31, tzinfo=UTC)).wins
    assert [(win.threshold, win.on) for win in wins] == [(14, date(2026, 3, 14)), (30, date(2026, 3, 30))]


def test_a_hole_in_the_days_begins_a_new_run() -> None:
    days = _days(date(2026, 3, 1), 13) + _days(date(2026, 3, 15), 13)
    assert count([_check(day) for day in days], datetime(2026, 3, 28, tzinfo=UTC)).by_rule() == {
        ("streak-broken", 0): 1
    }


def test_a_nudge_is_due_five_days_after_the_day_after_the_last() -> None:
    checks = [_check(day, "Europe/Vienna") for day in _days(date(2026, 5, 3), 3)]
    due_at = datetime(2026, 5, 11, 22, tzinfo=UTC)  # midnight in Vienna
    assert count(checks, due_at - timedelta(seconds=1)).wins == ()
    assert _rules(count(checks, due_at).wins) == [("streak-broken", 0)]


def test_two_days_are_no_streak_that_could_break() -> None:
    assert count([_check(day) for day in _days(date(2026, 3, 1), 2)], LATER).wins == ()


def test_a_check_without_a_day_counts_for_the_day_where_the_client_lives() -> None:
    honolulu = [
        _message("habit.checked", datetime(2026, 3, n, 9, 30, tzinfo=UTC), "Pacific/Honolulu", habit_id="walk")
        for n in range(2, 16)
    ]
    wins = count(honolulu, datetime(2026, 3, 15, 12, tzinfo=UTC)).wins
    assert [(win.threshold, win.on) for win in wins] == [(14, date(2026, 3, 14))]


def test_half_of_a_course_counts_once_also_after_falling_back() -> None:
    percents = (20, 55, 48, 60, 100)
    reports = [
        _message("course.progressed", START + timedelta(days=n), course_id="c", percent=percent)
        for n, percent in enumerate(percents)
    ]
    assert count(reports, LATER).by_rule() == {("halfway", 50): 1}


def test_only_the_first_goal_counts() -> None:
    goals = [_message("goal.completed", START + timedelta(days=n), goal_id=f"g{n}") for n in range(3)]
    assert _rules(count(goals, LATER).wins) == [("first-goal", 1)]


def test_channels_follow_the_tier() -> None:
    steps = [
        *(_check(day) for day in _days(date(2026, 3, 1), 14)),
        _message("goal.completed", START, goal_id="g"),
    ]
    assert count(steps, datetime(2026, 3, 15, tzinfo=UTC)).by_channel() == {"email": 1, "in_app": 2}


def test_copies_are_counted_and_change_nothing_else() -> None:
    once = _message("goal.completed", START, goal_id="g")
    twice = MessageStep(at=once.at, message_id=once.message_id, body=once.body, copies=2)
    assert count([twice], LATER).copies == 1
    assert count([twice], LATER).wins == count([once], LATER).wins


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (QuietStep(at=datetime(2026, 3, 20, tzinfo=UTC), email="ann.poe@example.org", reason="r"), (1, 1)),
        (LeaveStep(at=datetime(2026, 3, 20, tzinfo=UTC), email="ann.poe@example.org"), (1, 2)),
    ],
)
def test_a_wish_withholds_what_is_reached_after_it(wish: QuietStep | LeaveStep, expected: tuple[int, int]) -> None:
    checks = [_check(day) for day in _days(date(2026, 3, 1), 30)]
    counted = count([*checks, wish], datetime(2026, 3, 31, tzinfo=UTC))
    assert len(counted.wins) == 2
    assert (counted.by_channel()["email"], counted.by_channel()["in_app"]) == expected


def test_the_count_shares_no_code_with_what_it_checks() -> None:
    for module in (demo.count, demo.steps):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        roots = {str(name).partition(".")[0] for name in imported - {"demo.steps"}}
        assert roots <= sys.stdlib_module_names
