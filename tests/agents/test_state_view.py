"""What `cairn state` shows of a state that the core itself came to."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from agents.counter_names import CounterNames
from agents.state_console import show_state
from agents.state_view import view_state
from agents.stored_state import StoredState
from agents.viewpoint import Viewpoint
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
  - {id: loyal, tier: program, when: {sum: purchase.completed, of: amount_cents, reaches: [50000]}}
  - {id: kilos, tier: program, when: {value: weight.logged, of: kilos, falls_to: [85, 80]}}
  - {id: far, tier: micro, when: {value: run.logged, of: kilometers, per: shoe, reaches: [10]}}
  - {id: core, tier: major, when: {count: goal.completed, per: goal_id, reaches: [1]}, where: {kind: core}, settle: 2d}
  - {id: birthday, tier: micro, when: {date: birthday}}
  - {id: broken, tier: nudge, when: {lapse: three, min_days: 3}}
""",
    "rules.yaml",
)
PLAN = compile_rulebook(RULEBOOK)
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
START = datetime(2026, 5, 1, tzinfo=UTC)
VIEW = Viewpoint(names=CounterNames(RULEBOOK), plan=PLAN, now=NOW)


def told(*events: tuple[str, int, dict[str, Any]], profile: Profile | None = None) -> State:
    """The state after events, each with its type, its day of May and its data."""
    state = None if profile is None else apply_profile(None, profile, "t/ana", PLAN, to_ms(START))
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


def pause(first: int, until: str | None) -> tuple[str, int, dict[str, Any]]:
    said = {"from": f"2026-05-{first:02}", "reason": "flu", "author": "mara"}
    return "streak.paused", 5, said if until is None else {**said, "until": until}


def printed(view: dict[str, Any]) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
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
    assert "3 from 2026-05-10" in printed(seen(held))


def test_an_award_that_other_days_hold_now_says_which() -> None:
    moved = [check(day) for day in (10, 11, 12, 13)]
    state = told(*moved, ("habit.unchecked", 14, {"habit_id": "run", "day": "2026-05-10"}))
    (award,) = seen(state)["awards"]
    assert (award["first_day"], award["days"], award["held_by"]) == (
        "2026-05-10", 3, {"first_day": "2026-05-10", "days": 4},
    )  # fmt: skip
    assert "3 from 2026-05-10, then 4 from 2026-05-10" in printed(seen(state))


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
    assert set(view) == {
        "who", "as_of", "zone", "erased_at", "rulebook", "next_deadline", "applied_offsets", "bytes",
    }  # fmt: skip
    assert "erased at 2026-05-20 12:00" in printed(view)


def test_sums_stand_beside_counts_and_cents_are_printed_as_money() -> None:
    view = seen(told(("purchase.completed", 3, {"order_id": "o", "amount_cents": 51250, "currency": "USD"})))
    assert view["sums"] == [{"counter": "purchase.completed", "of": "amount_cents", "amount": 51250}]
    assert "counts" not in view
    assert "amount of purchase.completed  512.50" in printed(view)


def test_a_watched_value_is_shown_as_it_was_measured_with_what_it_crossed() -> None:
    weights = [("weight.logged", day, {"kilos": kilos}) for day, kilos in ((1, 92), (5, 88.5), (9, 84), (12, 86))]
    ways = [("run.logged", day, {"kilometers": kilometers, "shoe": "blue"}) for day, kilometers in ((1, 4), (2, 12))]
    view = seen(told(*weights, *ways))
    assert "marks" not in view
    by_field = {value["of"]: value for value in view["values"]}
    assert by_field["kilos"] == {
        "counter": "weight.logged", "of": "kilos", "watched_for": "falling", "latest": 86,
        "measured_at": datetime(2026, 5, 12, 7, tzinfo=UTC), "moved": [{"from": 92, "to": 84}], "crossed": [85],
    }  # fmt: skip
    assert (by_field["kilometers"]["per"], by_field["kilometers"]["crossed"]) == ("blue", [10])
    text = printed(view)
    assert "fell 92 to 84" in text
    assert "rose 4 to 12" in text


def test_a_watched_value_that_was_taken_back_has_no_latest() -> None:
    state = told(("weight.logged", 1, {"kilos": 92}), ("event.retracted", 2, {"event_id": "0"}))
    view = seen(state)
    assert (view["values"][0]["latest"], view["values"][0]["moved"], view["barred_ids"]) == (None, [], 1)
    assert "1 event was retracted lately" in printed(view)


def test_paused_and_repaired_days_are_drawn_apart_and_a_streak_goes_on_over_them() -> None:
    state = told(
        *(check(day) for day in (1, 2, 3)),
        ("streak.repaired", 5, {"habit_id": "run", "day": "2026-05-04", "reason": "r", "author": "mara"}),
        check(5), pause(6, "2026-05-18"), check(19),
    )  # fmt: skip
    (habit,) = seen(state)["habits"]
    assert habit["repaired"] == ["2026-05-04"]
    assert habit["paused"] == [f"2026-05-{day:02}" for day in range(6, 19)]
    assert (habit["current_streak"], habit["longest_streak"]) == (5, 5)
    assert habit["streak_began_on"] == "2026-05-01"
    lines = printed(seen(state)).splitlines()
    monday = next(index for index, line in enumerate(lines) if line.startswith("  Mo "))
    assert lines[monday].split()[-3:] == ["+", "=", "="]
    assert "     ■ checked  + repaired  = paused  · nothing  [ ] today" in lines


def test_an_open_pause_holds_a_streak_until_the_next_check_of_that_habit() -> None:
    state = told(check(1), check(2), pause(3, None), ("habit.checked", 10, {"habit_id": "read"}))
    read, run = seen(state)["habits"]
    assert (run["current_streak"], run["paused"][0], run["paused"][-1]) == (2, "2026-05-03", "2026-05-26")
    assert (read["current_streak"], read["paused"][-1]) == (0, "2026-05-09")
    assert seen(state)["pauses"] == [{"habit": None, "from": "2026-05-03", "until": None}]
    assert "all habits  2026-05-03  open, to the next check" in printed(seen(state))


def test_a_run_that_may_turn_out_to_be_broken_says_when() -> None:
    view = seen(told(check(17), check(18), check(19)))
    assert view["lapses"] == [
        {
            "rule": "broken", "habit": "run", "first_day": "2026-05-17", "last_day": "2026-05-19", "days": 3,
            "due_at": datetime(2026, 5, 22, 12, tzinfo=UTC), "silent": False,
        },
    ]  # fmt: skip
    assert "3 days, 2026-05-17 to 2026-05-19" in printed(view)


def test_what_has_to_settle_is_no_award_that_anybody_was_told_of() -> None:
    view = seen(told(("goal.completed", 20, {"goal_id": "run-a-marathon", "kind": "core"})))
    (settling,), (award,) = view["settling"], view["awards"]
    assert (settling["rule"], settling["occurrence"]) == ("core", "run-a-marathon")
    assert settling["due_at"] == NOW + timedelta(days=2)
    assert award["standing"] == "settling"
    assert "2026-05-22 12:00" in printed(view)


def test_the_next_date_names_its_rules_and_times_are_the_clients() -> None:
    profile = Profile.model_validate({"timezone": "Europe/Vienna", "birthday": "1990-06-04"})
    view = seen(told(profile=profile))
    assert view["next_date"] == {"due_at": datetime(2026, 6, 4, 7, tzinfo=UTC), "rules": ["birthday"]}
    text = printed(view)
    assert "2026-06-04 09:00: birthday" in text
    assert "as of 2026-05-20 14:00; all times in Europe/Vienna" in text


def test_a_session_that_was_moved_or_canceled_is_shown_once_with_what_it_comes_to() -> None:
    def booked(kind: str, session: str, hours: int) -> tuple[str, int, dict[str, Any]]:
        begins, ends = NOW + timedelta(hours=hours), NOW + timedelta(hours=hours + 1)
        return f"session.{kind}", 10 + hours, {"session_id": session, "starts_at": begins, "ends_at": ends}

    view = seen(
        told(
            booked("booked", "a", 1), booked("rescheduled", "a", 5),
            booked("booked", "b", 2), ("session.canceled", 15, {"session_id": "b"}),
            booked("booked", "c", 3), ("session.completed", 15, {"session_id": "c"}),
        )
    )  # fmt: skip
    assert [(one["session"], one["standing"], one["ends_at"]) for one in view["bookings"]] == [
        ("b", "fallen through", NOW + timedelta(hours=3)),
        ("c", "counted", NOW + timedelta(hours=4)),
        ("a", "expected", NOW + timedelta(hours=6)),
    ]


def test_a_state_that_was_looked_at_with_another_rulebook_says_so() -> None:
    other = load_rulebook("version: 2\nrules: []\n", "r")
    state = told(check(19))
    same = seen(state)["rulebook"]
    assert (same["stamp"], same["is_given"]) == (RULEBOOK.digest[:8], True)
    view = seen(
        state, Viewpoint(names=CounterNames(other), plan=compile_rulebook(other), now=NOW, rulebook="other.yaml")
    )
    assert view["rulebook"] == {
        "stamp": RULEBOOK.digest[:8], "given": "other.yaml", "given_version": 2, "given_stamp": other.digest[:8],
        "is_given": False,
    }  # fmt: skip
    text = printed(view)
    assert f"rulebook: other.yaml, version 2 ({other.digest[:8]})" in text
    assert f"with another one ({RULEBOOK.digest[:8]})" in text
    assert "with another one" not in printed(seen(state))


def test_the_view_is_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(seen(told(check(19)))))["who"] == "t/ana"


def test_the_starter_names_all_that_it_counts() -> None:
    starter = Path(__file__).parents[2] / "deploy" / "rulebooks" / "starter.yaml"
    names = CounterNames(load_rulebook(starter.read_text(encoding="utf-8"), "starter.yaml"))
    assert names.explain("s") == {"counter": "session.completed"}
    assert names.explain("c\x1fbreath") == {"counter": "course.progressed", "per": "breath"}
