"""Calendars for the load: clients around the nights in which their zones change the clock, and around 29 February.

Their days are lived by the wall: a check at ten past midnight, another at ten to midnight, so that any other idea of a
day (UTC, a fixed offset, 86,400 seconds) puts two checks on one day and none on the next. On the days around a change
they check at every hour of the list, also in the hour that is skipped, and in the one that comes twice both times.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

_DAYS_BEFORE = 20
_SPREAD_DAYS = 5
_HOURS = (time(0, 10), time(23, 50), time(0, 30), time(2, 30), time(23, 30), time(12, 0))
_ELSEWHERE = timezone(timedelta(hours=-5))
_SUMMER, _WINTER = "01:00", "04:30"  # what some days begin at: before, and after the hours of the night


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A day on which days are easily counted wrong."""

    zone: str
    on: date


TURNS = (
    Turn(zone="Europe/Berlin", on=date(2024, 3, 31)),
    Turn(zone="Europe/Berlin", on=date(2024, 10, 27)),
    Turn(zone="America/New_York", on=date(2024, 3, 10)),
    Turn(zone="America/New_York", on=date(2024, 11, 3)),
    Turn(zone="Australia/Lord_Howe", on=date(2024, 4, 7)),  # by half an hour
    Turn(zone="Australia/Lord_Howe", on=date(2024, 10, 6)),
    Turn(zone="Africa/Cairo", on=date(2024, 4, 26)),  # begins at 01:00
    Turn(zone="Africa/Cairo", on=date(2024, 10, 31)),  # has 23 o'clock twice
    Turn(zone="Pacific/Kiritimati", on=date(2024, 2, 29)),  # UTC+14
    Turn(zone="Pacific/Pago_Pago", on=date(2024, 2, 29)),  # UTC-11
)


def turn_of(client: int) -> Turn:
    """The turn that a client lives through."""
    return TURNS[client % len(TURNS)]


def profile_of(client: int) -> dict[str, str]:
    """What the profile says: the zone, or one that each event corrects; and for some, when a day begins."""
    zone = "Asia/Tokyo" if is_travelling(client) else turn_of(client).zone
    return {"timezone": zone} | ({"day_starts_at": starts} if (starts := _starts_at(client)) else {})


def is_travelling(client: int) -> bool:
    """Whether the client's events carry the zone, and the profile another."""
    return client // len(TURNS) % 4 == 1


def instants(client: int, day: int) -> tuple[datetime, ...]:
    """When the client checks on its so-manieth day; the offset that a time carries says nothing about the zone."""
    turn = turn_of(client)
    on = turn.on + timedelta(days=day - _DAYS_BEFORE - client // len(TURNS) % _SPREAD_DAYS)
    if abs((on - turn.on).days) <= 1:
        found = sorted({at for hour in _HOURS for at in _both(client, on, hour)})
    else:
        found = [next(_both(client, on, _HOURS[(client + day) % len(_HOURS)]))]
    return tuple(at.astimezone((UTC, ZoneInfo(turn.zone), _ELSEWHERE)[client % 3]) for at in found)


def _both(client: int, on: date, hour: time) -> Iterator[datetime]:
    """The instants at which the wall shows that hour of the client's day, first and second time."""
    starts = time.fromisoformat(_starts_at(client) or "00:00")
    wall = datetime.combine(on, hour) + timedelta(hours=starts.hour, minutes=starts.minute)
    for fold in (0, 1):
        yield wall.replace(tzinfo=ZoneInfo(turn_of(client).zone), fold=fold).astimezone(UTC)


def _starts_at(client: int) -> str | None:
    return {1: _SUMMER, 2: _WINTER}.get(client // len(TURNS) % 3)
