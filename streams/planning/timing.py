"""Timing: the first instant at which both the cap and the quiet hours let a celebration go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.celebration import Reason
from schemas.policy import Cap, QuietHours
from streams.planning.caps import free_at
from streams.planning.quiet_hours import quiet_until

_HORIZON = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When it may go, and what made it wait; no reason when it need not."""

    at: datetime
    reason: Reason | None


def first_time(
    now: datetime, *, cap: Cap, taken: Sequence[datetime], quiet: QuietHours | None, zone: ZoneInfo
) -> Timing:
    """The first time from `now` on; the last obstacle gives the reason.

    `taken` is when the tier's other celebrations go; without `quiet` no hour is quiet.
    """
    at = now
    reason: Reason | None = None
    while at < now + _HORIZON:
        free = free_at(at, cap, taken, zone)
        end = quiet_until(free, quiet, zone) if quiet else None
        if end is None:
            return Timing(at=free, reason="cap_reached" if free > at else reason)
        at, reason = end, "quiet_hours"
    return Timing(at=at, reason="cap_reached")
