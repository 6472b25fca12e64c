"""Local days: which date of the client's own life an instant belongs to.

A day is a date, never 86,400 seconds. It is fixed when the event is applied: `data.day` as
it is; else the event's time in `data.timezone`, else the profile's zone, else the default,
never in the offset that the time happens to carry; shifted by `day_starts_at`, so that a
check after midnight may belong to the evening before. Dates are counted in days from 1970.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_ORDINAL_1970 = date(1970, 1, 1).toordinal()

MAX_AHEAD_DAYS = 2
"""No zone is further ahead of UTC than 14 hours: a later date is a slip, not a zone."""

MAX_BEHIND_DAYS = 36_500


def local_day(at: datetime, zone: str, day_starts_minutes: int) -> int:
    """The local date of an instant.

    `ZoneInfo` reads the pinned zone data once and keeps it: the same answer on every machine.
    """
    wall = at if zone == "UTC" and at.tzinfo is UTC else at.astimezone(ZoneInfo(zone))
    day = wall.toordinal() - _ORDINAL_1970
    is_still_evening = day_starts_minutes and wall.hour * 60 + wall.minute < day_starts_minutes
    return day - 1 if is_still_evening else day


def day_number(day: date) -> int:
    """The days from 1970 to a date."""
    return day.toordinal() - _ORDINAL_1970


def wall_time(day: int, minutes: int, zone: str) -> datetime:
    """When the wall clock of a zone shows a time on a date; of a time shown twice, the first."""
    wall = datetime.fromordinal(day + _ORDINAL_1970) + timedelta(minutes=minutes)
    return wall.replace(tzinfo=UTC) if zone == "UTC" else wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@lru_cache(maxsize=4096)
def wall_ms(day: int, minutes: int, zone: str) -> int:
    """The same in milliseconds since 1970; many clients share a day and a zone."""
    return round(wall_time(day, minutes, zone).timestamp() * 1000)


def is_plausible(day: int, at: datetime) -> bool:
    """Whether a date can belong to something that is reported at an instant."""
    return -MAX_BEHIND_DAYS <= day - day_number(at) <= MAX_AHEAD_DAYS


def day_of_number(day: int) -> date:
    """The date of so many days from 1970."""
    return date.fromordinal(day + _ORDINAL_1970)


def iso(day: int) -> str:
    """The date as `YYYY-MM-DD`."""
    return day_of_number(day).isoformat()


def minutes_of(time_of_day: str) -> int:
    """The minutes since midnight of `HH:MM`."""
    hours, _, minutes = time_of_day.partition(":")
    return int(hours) * 60 + int(minutes)
