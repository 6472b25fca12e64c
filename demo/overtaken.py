"""Overtaken: nudges that left although the streak went on, because this machine was slower than the calendar.

A day of the play takes less than a second. When the machine stands still for some seconds, a
check reaches Kafka after the time to mend its streak is over: the service then rightly tells of
the end, takes it back when the check comes, and tells the coach. The count, which knows of no
machine, sees neither. Such a nudge is no difference, but only with the whole proof on the topic.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from demo.count import GRACE
from demo.found import Found, FoundEvent

CalendarAt = Callable[[datetime], datetime]
_NUDGES = "streak-broken"


def overtaken(found: Found, calendar_at: CalendarAt) -> Counter[tuple[str, str, str]]:
    """Mails about streaks that went on, by address, rule and channel; `calendar_at` tells the play's time.

    Each was told before the check was on the topic, was taken back because of that check, and the
    check came onto the topic after the time to mend was over.
    """
    told = {one.milestone_id: one.appended_ms for one in found.milestones if one.is_reached}
    standing = {one.milestone_id for one in found.standing()}
    late = set()
    for record in found.milestones:
        check = found.events.get(record.caused_by or "")
        if record.is_reached or record.rule != _NUDGES or record.milestone_id in standing or check is None:
            continue
        told_ms = told.get(record.milestone_id)
        if told_ms is not None and told_ms < check.appended_ms and _came_too_late(found, check, calendar_at):
            late.add(record.milestone_id)
    arrived = {mail.delivery_id for mail in found.mails}
    return Counter(
        (found.address(delivery.client), delivery.rule, delivery.channel)
        for delivery in found.deliveries
        if delivery.milestone_id in late and delivery.delivery_id in arrived
    )


def _came_too_late(found: Found, check: FoundEvent, calendar_at: CalendarAt) -> bool:
    """A check can mend until its local day is over and the grace after it."""
    zone = ZoneInfo(found.zones.get(check.client, "UTC"))
    day = date.fromisoformat(check.day) if check.day else check.happened_at.astimezone(zone).date()
    day_is_over = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)
    return calendar_at(datetime.fromtimestamp(check.appended_ms / 1000, UTC)) > day_is_over + GRACE
