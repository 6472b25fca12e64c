"""Caps: how many celebrations of a tier one client gets in a local day and a rolling week.

What is sent counts, and so does what is planned for later: a slot is reserved when a
milestone is planned.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.policy import Cap

_WEEK = timedelta(days=7)


def free_at(at: datetime, cap: Cap, taken: Iterable[datetime], zone: ZoneInfo) -> datetime:
    """The first instant from `at` on at which the cap leaves room.

    `taken` is when the tier's other celebrations of this client went or will go; `zone`
    decides what a day is.
    """
    slots = sorted(taken)
    while (later := _after_full_day(at, cap, slots, zone) or _after_full_week(at, cap, slots)) is not None:
        at = later
    return at


def _after_full_day(at: datetime, cap: Cap, slots: list[datetime], zone: ZoneInfo) -> datetime | None:
    day = at.astimezone(zone).date()
    today = sum(slot.astimezone(zone).date() == day for slot in slots)
    if cap.per_day is None or today < cap.per_day:
        return None
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def _after_full_week(at: datetime, cap: Cap, slots: list[datetime]) -> datetime | None:
    recent = [slot for slot in slots if slot > at - _WEEK]
    if cap.per_week is None or len(recent) < cap.per_week:
        return None
    return recent[-cap.per_week] + _WEEK
