"""A client's habits, as plain data: calendars with their streaks, pauses, and runs that may turn out to be broken."""

from collections.abc import Sequence
from typing import Any

from agents.viewpoint import Viewpoint
from streams.tracking.days import DaySet, runs_of
from streams.tracking.habits import Habit
from streams.tracking.instants import to_datetime
from streams.tracking.local_days import iso
from streams.tracking.pauses import Pause, alive_on, day_set, rests_from
from streams.tracking.plan import SEPARATOR
from streams.tracking.state import State

CALENDAR_DAYS = 56
_WEEK_DAYS = 7


def habits_of(state: State, view: Viewpoint) -> list[dict[str, Any]]:
    """Each habit with its days of the last eight weeks; pauses are shown to the end of the week."""
    today = view.today(state)
    return [
        _habit(name, habit, [pause for pause in state.pauses if pause.habit in {None, name}], today)
        for name, habit in sorted(state.habits.items())
    ]


def pauses_of(state: State, _view: Viewpoint) -> list[dict[str, Any]]:
    """The pauses, the earliest first: of one habit or (None) of all, until a day or (None) until the next check."""
    return [
        {"habit": pause.habit, "from": iso(pause.first), "until": None if pause.last is None else iso(pause.last)}
        for pause in sorted(state.pauses, key=lambda pause: pause.first)
    ]


def lapses_of(state: State, _view: Viewpoint) -> list[dict[str, Any]]:
    """The runs that are broken when they are due, unless something mends them before; the next first."""
    waiting = [(key, one) for key, pending in state.lapses.items() for one in pending]
    return [
        {
            "rule": key.partition(SEPARATOR)[0],
            "habit": key.partition(SEPARATOR)[2] or None,
            "first_day": iso(one.first),
            "last_day": iso(one.last),
            "days": one.length,
            "due_at": to_datetime(one.due_ms),
            "silent": one.silent,
        }
        for key, one in sorted(waiting, key=lambda each: each[1].due_ms)
    ]


def _habit(name: str, habit: Habit, pauses: Sequence[Pause], today: int) -> dict[str, Any]:
    days = day_set([habit], pauses)
    runs, rests = runs_of(days), rests_from(days, pauses)
    current = alive_on(today, runs, rests)
    shown = range(today - CALENDAR_DAYS + 1, today + _WEEK_DAYS)
    checked = {day for day in shown if _has(days, days.checked, day)}
    repaired = {day for day, _ in habit.repaired if day in shown} - checked
    neutral = {day for day in shown if _has(days, days.neutral, day)}
    resting = set() if rests is None else set(range(max(rests, shown.start), shown.stop))
    return {
        "habit": name,
        "checked": [iso(day) for day in sorted(checked) if day <= today],
        "repaired": [iso(day) for day in sorted(repaired)],
        "paused": [iso(day) for day in sorted((neutral | resting) - checked - repaired)],
        "today": iso(today),
        "current_streak": current.length if current else 0,
        "streak_began_on": iso(current.first) if current else None,
        "longest_streak": max((run.length for run in runs), default=0),
    }


def _has(days: DaySet, bits: int, day: int) -> bool:
    return day >= days.base and bool(bits >> (day - days.base) & 1)
