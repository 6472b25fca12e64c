"""What `cairn state` shows of a state that the core itself came to."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from agents.counter_names import CounterNames
from agents.state_console import show_state
from agents.state_view import Viewpoint, view_state
from agents.stored_state import StoredState
from schemas.client import Profile
from schemas.codec import decode_event
from schemas.rulebook import load_rulebook
from streams.tracking.adopt import apply_profile
from streams.tracking.advance import advance
from streams.tracking.compiling import compile_rulebook
from streams.tracking.instants import to_ms
from streams.tracking.profiles import erase
from streams.tracking.state import State

RULEBOOK = load_rulebook(
    """
rules:
  - {id: three, tier: streak, when: {streak: habit.checked, per: habit_id, days: [3]}, repeat: per-streak}
  - {id: mat, tier: micro, when: {count: session.completed, reaches: [1]}, where: {kind: [yoga]}}
  - {id: halfway, tier: program, when: {percent: course.progressed, per: course_id, reaches: [50]}}
""",
    "rules.yaml",
)
PLAN = compile_rulebook(RULEBOOK)
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
VIEW = Viewpoint(names=CounterNames(RULEBOOK), plan=PLAN, now=NOW)


def told(*events: tuple[str, int, dict[str, Any]], profile: Profile | None = None) -> State:
    """The state after events, each with its type, its day of May and its data."""
    state = None if profile is None else apply_profile(None, profile, "t/ana", PLAN, to_ms(NOW))
    for number, (kind, day, data) in enumerate(events):
        wire = {"id": str(number), "source": "a", "type": kind, "subject": "ana", "tenantid": "t", "data": data}
        event = decode_event((), msgspec.json.encode({**wire, "time": datetime(2026, 5, day, 7, tzinfo=UTC)}))
        state = advance(state, event, PLAN, to_ms(NOW)).state
    assert state is not None
    return state


def seen(state: State, view: Viewpoint = VIEW) -> dict[str, Any]:
    applied = {"coaching.clients.v1": -1, "coaching.events.v1": 7}
    stored = StoredState(state=state, deadline_ms=to_ms(NOW + timedelta(hours=1)), applied=applied, size_bytes=321)
    return view_state(stored, view)


def check(day: int) -> tuple[str, int, dict[str, Any]]:
    return "habit.checked", day, {"habit_id": "run"}


def printed(view: dict[str, Any]) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    show_state(console, view)
    return console.export_text()


def test_counters_have_readable_names_with_what_narrows_them() -> None:
    state = told(
        ("session.completed", 1, {"session_id": "s", "kind": "yoga"}),
        ("goal.completed", 2, {"goal_id": "g"}),
        ("course.progressed", 3, {"course_id": "breath", "percent": 60}),
    )
    view = seen(state)
    assert {(count["counter"], count["count"]) for count in view["counts"]} == {
        ("session.completed", 1), ("session.completed where kind yoga", 1), ("goal.completed", 1),
    }  # fmt: skip
    assert view["marks"] == [{"counter": "course.progressed", "per": "breath", "percent": 60}]


def test_a_counter_that_no_rule_names_says_so() -> None:
    other = load_rulebook("rules: []\n", "r")
    state = told(("session.completed", 1, {"session_id": "s", "kind": "yoga"}))
    view = seen(state, Viewpoint(names=CounterNames(other), plan=PLAN, now=NOW))
    assert any(count["counter"].startswith("unknown (") for count in view["counts"])


def test_a_habit_is_a_calendar_with_its_runs() -> None:
    view = seen(told(check(10), check(11), check(12), check(18), check(19)))
    (habit,) = view["habits"]
    assert habit["checked"] == [f"2026-05-{day}" for day in (10, 11, 12, 18, 19)]
    assert (habit["current_streak"], habit["longest_streak"], habit["today"]) == (2, 3, "2026-05-20")
    lines = printed(view).splitlines()
    assert "habit run: 2 days now, 3 at most" in lines
    monday = next(index for index, line in enumerate(lines) if line.startswith("  Mo "))
    assert lines[monday - 1].split() == [
        "30.03", "06.04", "13.04", "20.04", "27.04", "04.05", "11.05", "18.05",
    ]  # fmt: skip
    assert lines[monday].split()[1:] == ["·", "·", "·", "·", "·", "·", "■", "■"]
    assert lines[monday + 1].split()[1:] == ["·", "·", "·", "·", "·", "·", "■", "■"]
    assert "[·]" in lines[monday + 2]


def test_today_is_the_clients_own_day() -> None:
    state = told(check(19), profile=Profile(timezone="Pacific/Kiritimati"))
    late = Viewpoint(names=VIEW.names, plan=PLAN, now=datetime(2026, 5, 20, 11, tzinfo=UTC))
    assert seen(state, late)["habits"][0]["today"] == "2026-05-21"


def test_awards_say_what_stands_and_what_was_withdrawn() -> None:
    held = told(check(10), check(11), check(12))
    withdrawn = told(check(10), check(11), check(12), ("habit.unchecked", 13, {"habit_id": "run", "day": "2026-05-11"}))
    assert seen(held)["awards"] == [
        {
            "rule": "three", "threshold": "3", "per": "run", "revision": 1, "standing": "held", "silent": False,
            "first_day": "2026-05-10", "days": 3,
        },
    ]  # fmt: skip
    assert seen(withdrawn)["awards"][0]["standing"] == "withdrawn"


def test_bookings_deadline_offsets_profile_and_size_are_told() -> None:
    booked = ("session.booked", 19, {"session_id": "s", "starts_at": NOW, "ends_at": NOW + timedelta(hours=1)})
    profile = Profile.model_validate({"name": "Ana", "timezone": "UTC", "day_starts_at": "04:30", "tags": ["vip"]})
    view = seen(told(booked, profile=profile))
    assert view["bookings"][0]["counts_at"] == NOW + timedelta(hours=3)
    assert view["profile"] == {"timezone": "UTC", "status": "active", "tags": ("vip",), "day_starts_at": "04:30"}
    assert (view["bytes"], view["next_deadline"]) == (321, NOW + timedelta(hours=1))
    text = printed(view)
    assert "applied of coaching.events.v1: up to offset 7" in text
    assert "applied of coaching.clients.v1: nothing" in text
    assert "size: 321 bytes" in text
    assert "Ana" not in text


def test_an_erased_client_is_an_instant_and_nothing_else() -> None:
    view = seen(erase("t/ana", PLAN, to_ms(NOW)))
    assert set(view) == {"who", "as_of", "erased_at", "next_deadline", "applied_offsets", "bytes"}


def test_the_view_is_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(seen(told(check(19)))))["who"] == "t/ana"


def test_the_starter_names_all_that_it_counts() -> None:
    starter = Path(__file__).parents[2] / "deploy" / "rulebooks" / "starter.yaml"
    names = CounterNames(load_rulebook(starter.read_text(encoding="utf-8"), "starter.yaml"))
    assert names.explain("s") == {"counter": "session.completed"}
    assert names.explain("c\x1fbreath") == {"counter": "course.progressed", "per": "breath"}
