"""Quiet hours: the local hours in which nothing arrives.

Judged by the wall clock of the client's zone. A night in which the clock jumps ends when the
clock shows its end for the first time after `now`; an end that the jump leaves out comes as
much later as the jump is wide.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.policy import QuietHours


def quiet_until(now: datetime, hours: QuietHours, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours around `now` end, in UTC; None outside of them.

    Equal ends mean that no hour is quiet.
    """
    local = now.astimezone(zone)
    if not _is_quiet(local.time(), hours):
        return None
    days = (local.date() + timedelta(days=ahead) for ahead in (0, 1, 2))
    ends = (
        datetime.combine(day, hours.to_time.replace(fold=fold), zone).astimezone(UTC) for day in days for fold in (0, 1)
    )
    return min(end for end in ends if end > now and not _is_quiet(end.astimezone(zone).time(), hours))


def _is_quiet(at: time, hours: QuietHours) -> bool:
    if hours.from_time <= hours.to_time:
        return hours.from_time <= at < hours.to_time
    return at >= hours.from_time or at < hours.to_time
