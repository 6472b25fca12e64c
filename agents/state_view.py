"""What the tracker knows about a client, as plain data: one small function for each part of a state.

It must never show what a state does not hold, nor decide anything. A part of the state that is
new gets a function here and a place in `PARTS`; a part that a state does not have is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agents.counter_names import CounterNames
from agents.stored_state import StoredState
from streams.tracking.awards import Award
from streams.tracking.days import longest_run
from streams.tracking.habits import Habit
from streams.tracking.instants import to_datetime
from streams.tracking.local_days import iso, local_day
from streams.tracking.marks import highest
from streams.tracking.plan import SEPARATOR, Plan
from streams.tracking.state import ACTIVE, State

CALENDAR_DAYS = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewpoint:
    """What a state is looked at with.

    Attributes:
        names: what counters are called.
        plan: the rulebook whose zone and day count where the profile says none.
        now: which day is today.
    """

    names: CounterNames
    plan: Plan
    now: datetime

    def today(self, state: State) -> int:
        """The client's local day, counted from 1970."""
        profile = state.profile
        zone = (profile and profile.timezone) or self.plan.zone
        starts = profile.day_starts_minutes if profile else None
        return local_day(self.now, zone, self.plan.day_starts_minutes if starts is None else starts)


def profile_of(state: State, _view: Viewpoint) -> dict[str, Any] | None:
    """The tracked bits of the profile that are set."""
    if state.profile is None:
        return None
    profile = {name: getattr(state.profile, name) for name in state.profile.__struct_fields__}
    profile["status"] = "active" if state.profile.status == ACTIVE else state.profile.status
    days = {name: iso(profile[name]) for name in ("joined_on", "renewal_on") if profile.get(name) is not None}
    minutes = profile.pop("day_starts_minutes", None)
    starts = {} if minutes is None else {"day_starts_at": f"{minutes // 60:02}:{minutes % 60:02}"}
    return {name: value for name, value in {**profile, **days, **starts}.items() if value not in (None, ())}


def counts_of(state: State, view: Viewpoint) -> list[dict[str, Any]]:
    """The counters that are not zero."""
    return [{**view.names.explain(key), "count": count} for key, count in sorted(state.counts.items()) if count]


def marks_of(state: State, view: Viewpoint) -> list[dict[str, Any]]:
    """The highest percentage of each course, and the highest of each watched value."""
    return [{**view.names.explain(key), "percent": highest(mark)} for key, mark in sorted(state.marks.items())]


def habits_of(state: State, view: Viewpoint) -> list[dict[str, Any]]:
    """Each habit with its checked days of the last eight weeks, today the last."""
    today = view.today(state)
    return [
        {
            "habit": name,
            "checked": [iso(day) for day in range(today - CALENDAR_DAYS + 1, today + 1) if _is_checked(habit, day)],
            "today": iso(today),
            "current_streak": _current(habit, today),
            "longest_streak": longest_run(habit.bits()),
        }
        for name, habit in sorted(state.habits.items())
    ]


def awards_of(state: State, _view: Viewpoint) -> list[dict[str, Any]]:
    """The ledger: what was awarded, whether it holds, and whether anybody was told."""
    return [_award(key, award) for key, awards in sorted(state.awards.items()) for award in awards]


def _award(key: str, award: Award) -> dict[str, Any]:
    rule, threshold, *per = key.split(SEPARATOR)
    return {
        "rule": rule,
        "threshold": threshold,
        "per": SEPARATOR.join(per) or None,
        "revision": award.revision,
        "standing": "held" if award.held else "withdrawn",
        "silent": not award.told,
        "first_day": iso(award.run[0]) if award.run else None,
        "days": award.run[1] if award.run else None,
    }


def bookings_of(state: State, _view: Viewpoint) -> list[dict[str, Any]]:
    """Sessions that nobody has said anything else about yet, the next first."""
    return [
        {
            "session": booking.session_id,
            "kind": booking.kind,
            "ends_at": to_datetime(booking.ends_ms),
            "counts_at": to_datetime(booking.due_ms),
            "silent": booking.silent,
        }
        for booking in sorted(state.bookings.values(), key=lambda booking: booking.due_ms)
    ]


def erased_of(state: State, _view: Viewpoint) -> datetime | None:
    """When the client was erased; then nothing else is held."""
    return None if state.erased_ms is None else to_datetime(state.erased_ms)


PARTS: Mapping[str, Callable[[State, Viewpoint], Any]] = {
    "erased_at": erased_of,
    "profile": profile_of,
    "counts": counts_of,
    "marks": marks_of,
    "habits": habits_of,
    "awards": awards_of,
    "bookings": bookings_of,
}
"""The parts of a state, in the order in which they are shown."""


def view_state(stored: StoredState, view: Viewpoint) -> dict[str, Any]:
    """All of it; parts that hold nothing are left out."""
    parts = {name: part(stored.state, view) for name, part in PARTS.items()}
    deadline = None if stored.deadline_ms is None else to_datetime(stored.deadline_ms)
    return {
        "who": stored.state.who,
        "as_of": view.now.astimezone(UTC),
        **{name: part for name, part in parts.items() if part},
        "next_deadline": deadline,
        "applied_offsets": stored.applied,
        "bytes": stored.size_bytes,
    }


def _is_checked(habit: Habit, day: int) -> bool:
    return day >= habit.base and bool(habit.bits() >> (day - habit.base) & 1)


def _current(habit: Habit, today: int) -> int:
    """The run that ends today or yesterday, paused days not counted."""
    day = today if _is_checked(habit, today) else today - 1
    first = day
    while _is_checked(habit, first):
        first -= 1
    return day - first
