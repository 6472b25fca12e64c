"""Dates: birthdays, anniversaries, days after and days before (semantic 12)."""

from datetime import MINYEAR, date, datetime, timedelta
from typing import Any

from schemas.event import FIRST_YEAR, LAST_YEAR
from tests.model.amounts import Rule
from tests.model.days import clock, start_of, within_local_day, zone_of
from tests.model.ledger import occurrence

_LONGEST_OFFSET_YEARS = 3
Deadline = dict[str, Any]


def dates_due(rule: Rule, profile: Any, defaults: dict[str, Any], after: datetime, until: datetime) -> list[Deadline]:
    """What falls due later than `after` and not later than `until`, in order of time.

    Each has `due_at`, `day` (the local date), `occurrence` and `value`.
    """
    found = []
    for day, name, value in _days(rule["when"], profile, after.year, until.year):
        at = rule["when"].get("at")
        zone, starts_at = zone_of(profile, defaults), start_of(profile, defaults)
        due_at = within_local_day(day, clock(at) if at else None, zone, starts_at)
        if after < due_at <= until:
            found.append({"due_at": due_at, "day": day, "occurrence": occurrence(name), "value": value})
    return sorted(found, key=lambda deadline: deadline["due_at"])


def _days(when: dict[str, Any], profile: Any, first_year: int, last_year: int) -> list[tuple[date, Any, int]]:
    """The local dates, each with what names its occurrence and its value."""
    field = when["date"]
    text = getattr(profile, field, None) if profile else None
    if text is None:
        return []
    offsets = [*_many(when.get("days_after")), *[-days for days in _many(when.get("days_before"))]]
    base_year, month, day = _parts(text)
    if field != "birthday" and when.get("every") != "year":
        if not FIRST_YEAR <= base_year <= LAST_YEAR:
            return []  # no clock that the tracker believes will ever show it
        base = date(base_year, month, day)
        found = [(base + timedelta(days=offset), offset) for offset in offsets or [0]]
        return [(due, due, abs(offset)) for due, offset in found]
    years = range(first_year - _LONGEST_OFFSET_YEARS, last_year + _LONGEST_OFFSET_YEARS)
    return [
        (_in_year(year, month, day) + timedelta(days=offset), year, year - base_year if base_year > MINYEAR else 0)
        for year in years
        if year > base_year
        for offset in offsets or [0]
    ]


def _parts(text: Any) -> tuple[int, int, int]:
    """Year, month and day; the year of a date without one lies before all others."""
    *year, month, day = (int(part) for part in str(text).split("-"))
    return (year[0] if year else MINYEAR), month, day


def _in_year(year: int, month: int, day: int) -> date:
    """The date in a year; 29 February is 28 February in common years."""
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, day - 1)


def _many(value: Any) -> list[int]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
