"""Dates: birthdays, anniversaries, and days before or after what a profile says.

A date is due at a time of day in the client's zone; a time before the local day begins comes at the
end of it, on the next calendar date. The 29th of February is the 28th in common years. What lies
before the client was first seen, or was passed by a change of the profile itself, never fires.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from streams.tracking.instants import to_datetime
from streams.tracking.local_days import day_number, day_of_number, iso, wall_ms
from streams.tracking.plan import Plan, PlannedRule
from streams.tracking.state import TrackedProfile

_YEARLESS = 0
_AHEAD_YEARS = 1


class Due(NamedTuple):
    """A date that is due.

    Attributes:
        occurrence: the year of a yearly date, else the date.
        value: the years since, 0 if unknown; or the number of days before or after.
        date_on: the local date on which it is due.
    """

    due_ms: int
    rule: PlannedRule
    occurrence: str
    value: int
    date_on: str

    @property
    def field(self) -> str:
        """The profile's field that it is about."""
        return self.rule.dates.field if self.rule.dates else ""

    @property
    def is_yearly(self) -> bool:
        """Whether its value is a number of years."""
        return self.rule.dates is not None and not self.rule.dates.offsets


def next_due_ms(profile: TrackedProfile | None, plan: Plan, after_ms: int) -> int | None:
    """When the first date after an instant is due; None if none is."""
    return min((due.due_ms for rule in plan.dates for due in _dues(profile, plan, rule, after_ms)), default=None)


def due_at(profile: TrackedProfile | None, plan: Plan, due_ms: int) -> list[Due]:
    """What is due at an instant, in the order of the rules."""
    return [due for rule in plan.dates for due in _dues(profile, plan, rule, due_ms - 1) if due.due_ms == due_ms]


def _dues(profile: TrackedProfile | None, plan: Plan, rule: PlannedRule, after_ms: int) -> Iterator[Due]:
    """What a rule has due after an instant; of yearly dates the next ones."""
    if profile is None:
        return
    assert rule.dates is not None  # noqa: S101 - a date rule has them; for the type checker alone
    zone = profile.timezone or plan.zone
    starts = plan.day_starts_minutes if profile.day_starts_minutes is None else profile.day_starts_minutes
    is_late = rule.dates.at_minutes < starts
    for day, occurrence, value in _days(profile, rule, to_datetime(after_ms).year):
        due_ms = wall_ms(day + is_late, rule.dates.at_minutes, zone)
        if due_ms > after_ms:
            yield Due(due_ms, rule, occurrence, value, iso(day))


def _days(profile: TrackedProfile, rule: PlannedRule, this_year: int) -> Iterator[tuple[int, str, int]]:
    """The dates of a rule, each with its occurrence and value; of yearly dates those around a year."""
    assert rule.dates is not None  # noqa: S101 - as above
    base = _base(profile, rule.dates.field)
    if base is None:
        return
    year, month, day = base
    if rule.dates.offsets:
        begin = day_number(date(year, month, day))
        yield from ((begin + offset, iso(begin + offset), abs(offset)) for offset in rule.dates.offsets)
        return
    for each in range(this_year - 1, this_year + _AHEAD_YEARS + 1):
        if each > year:
            yield day_number(_in_year(each, month, day)), str(each), each - year if year else 0


def _base(profile: TrackedProfile, field: str) -> tuple[int, int, int] | None:
    """Year, month and day of a profile's field; year 0 if it has none."""
    if field == "birthday":
        if profile.birthday is None:
            return None
        *year, month, day = (int(part) for part in profile.birthday.split("-"))
        return (year[0] if year else _YEARLESS), month, day
    number = profile.joined_on if field == "joined_on" else profile.renewal_on
    if number is None:
        return None
    found = day_of_number(number)
    return found.year, found.month, found.day


def _in_year(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, day - 1)
