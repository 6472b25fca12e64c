"""A habit as a calendar of eight weeks, today the last but for what is paused already."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

CHECKED, REPAIRED, PAUSED, NOTHING = "■", "+", "=", "·"

_WEEK = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_WEEKS = 8
_LEGEND = ((CHECKED, "checked"), (REPAIRED, "repaired"), (PAUSED, "paused"), (NOTHING, "nothing"), ("[ ]", "today"))


def calendar(habit: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a habit: its streaks, a column for each week, and what the marks mean."""
    yield f"habit {habit['habit']}: {_days(habit['current_streak'])} now, {habit['longest_streak']} at most"
    today = date.fromisoformat(habit["today"])
    monday = today - timedelta(days=today.weekday(), weeks=_WEEKS - 1)
    weeks = [monday + timedelta(weeks=week) for week in range(_WEEKS)]
    marks = {day: mark for name, mark in _MARKS.items() for day in habit[name]}
    yield "     " + " ".join(f"{week:%d.%m}" for week in weeks)
    for weekday, name in enumerate(_WEEK):
        days = (week + timedelta(days=weekday) for week in weeks)
        cells = (_cell(marks.get(day.isoformat()), day, today) for day in days)
        yield f"  {name} {' '.join(cells)}".rstrip()
    drawn = {*marks.values(), NOTHING, "[ ]"}
    yield "     " + "  ".join(f"{mark} {word}" for mark, word in _LEGEND if mark in drawn)


_MARKS = {"checked": CHECKED, "repaired": REPAIRED, "paused": PAUSED}


def _cell(mark: str | None, day: date, today: date) -> str:
    """A day, as wide as the heading of its week; of days to come only pauses are known."""
    mark = mark or (" " if day > today else NOTHING)
    return f" [{mark}] " if day == today else f"  {mark}  "


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
