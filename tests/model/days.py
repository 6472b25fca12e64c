"""Local days and the instants at which they begin (semantic 3).

A local day runs from `day_starts_at` on its calendar date to `day_starts_at` on the next one,
both on the wall clock of a zone, so that it has 23, 24 or 25 hours.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DEFAULTS = {"timezone": "UTC", "day_starts_at": "00:00", "grace_hours": 36, "session_hold_off_minutes": 120}
DAY = timedelta(days=1)


def moment(now_ms: int) -> datetime:
    """The instant of a number of milliseconds since 1970."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=now_ms)


def zone_of(profile: Any, defaults: dict[str, Any]) -> str:
    """The zone that deadlines use: the profile's, else the default."""
    return str((profile.timezone if profile else None) or defaults["timezone"])


def start_of(profile: Any, defaults: dict[str, Any]) -> time:
    """When the client's local day begins."""
    return clock((profile.day_starts_at if profile else None) or defaults["day_starts_at"])


def clock(text: str) -> time:
    """The time of day that `HH:MM` says."""
    return time.fromisoformat(text)


def local_day(at: datetime, zone: str, starts_at: time) -> date:
    """The local day in which an instant lies: before `day_starts_at` it is still the day before."""
    local = at.astimezone(ZoneInfo(zone))
    return local.date() - DAY if local.time() < starts_at else local.date()


def instant(day: date, at: time, zone: str) -> datetime:
    """When the wall clock of a zone shows a time on a calendar date.

    A time that the clock skips lies as long after the skip as it would have lain after its
    beginning; of a time that it shows twice the first one is meant.
    """
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def within_local_day(day: date, at: time | None, zone: str, starts_at: time) -> datetime:
    """When a time of day comes within a local day; None is its beginning.

    A time before `day_starts_at` comes at the end of the local day, on the next calendar date.
    """
    if at is None:
        return instant(day, starts_at, zone)
    return instant(day + DAY if at < starts_at else day, at, zone)


def day_of(event: dict[str, Any], profile: Any, defaults: dict[str, Any]) -> date:
    """The local day of an event by its `time`; fixed when it is applied."""
    zone = event["data"].get("timezone") or zone_of(profile, defaults)
    return local_day(event["time"], zone, start_of(profile, defaults))
