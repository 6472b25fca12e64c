"""The oracle: what the records of the load must have led to, told from the records alone.

It shares no code with what it judges: lists, sets and the rules of the load's rulebook written out by hand. The
first and the thirty-sixth session of a client; fourteen and thirty days in a row of the habit, once for each run
of days, where a run that grows into one that was told already is the same run. A day is what the wall clock of the
event's zone shows, else of the profile's, else of UTC, less the time at which the profile lets a day begin. What comes
from more than 24 hours after the broker's time of it is set aside. What it reads is what stands on the
events topic, in the order in which it stands there, because that is what was acknowledged.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Identity = tuple[str, str, str, float, str]
"""Tenant, client, rule, threshold and occurrence."""

_SESSIONS = {1: "first-session", 36: "thirty-six"}
_STREAKS = (14, 30)
_EPOCH = date(1970, 1, 1)
_NO_HOME = ZoneInfo("UTC"), timedelta(0)
_FURTHEST_AHEAD = timedelta(hours=24)
_LONG_AFTER_MS = 4_000_000_000_000  # 2096


@dataclass
class Seen:
    """What was heard of one client.

    Attributes:
        sessions: by their ids.
        days: days with a check, counted from 1970.
        told: for each length the runs that were told, as first and last day.
    """

    sessions: set[str] = field(default_factory=set)
    days: set[int] = field(default_factory=set)
    told: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: {days: [] for days in _STREAKS})


class Oracle:
    """Hears every record of the events topic once, in order."""

    def __init__(self) -> None:
        self.seen: dict[bytes, Seen] = {}
        self.expected: set[Identity] = set()
        self.broken: Counter[bytes] = Counter()
        self.records = 0
        self.erased: set[bytes] = set()
        self._homes: dict[bytes, tuple[ZoneInfo, timedelta]] = {}

    def meet(self, key: bytes, value: bytes | None) -> None:
        """Take a record of the clients topic in, before the client's first event; one without a value erases."""
        profile = json.loads(value or b"{}")
        begins_at = time.fromisoformat(profile.get("day_starts_at", "00:00"))
        begins_after = timedelta(hours=begins_at.hour, minutes=begins_at.minute)
        self._homes[key] = ZoneInfo(profile.get("timezone", "UTC")), begins_after
        if value is None:
            self.erased.add(key)

    def hear(self, key: bytes, value: bytes, appended_ms: int = _LONG_AFTER_MS) -> None:
        """Take one record in, which the broker appended at that time of its own clock."""
        self.records += 1
        try:
            event = json.loads(value)
        except ValueError:
            self.broken[value] += 1
            return
        if datetime.fromisoformat(event["time"]) - _FURTHEST_AHEAD > datetime.fromtimestamp(appended_ms / 1000, UTC):
            self.broken[value] += 1
            return
        seen = self.seen.setdefault(key, Seen())
        if event["type"] == "session.completed":
            self._session(event, seen)
        else:
            self._check(event, seen, *self._homes.get(key, _NO_HOME))

    def _session(self, event: dict, seen: Seen) -> None:
        session = event["data"]["session_id"]
        if session in seen.sessions:
            return
        seen.sessions.add(session)
        if rule := _SESSIONS.get(len(seen.sessions)):
            self.expected.add((event["tenantid"], event["subject"], rule, len(seen.sessions), "once"))

    def _check(self, event: dict, seen: Seen, zone: ZoneInfo, begins_after: timedelta) -> None:
        if away := event["data"].get("timezone"):
            zone = ZoneInfo(away)
        wall = datetime.fromisoformat(event["time"]).astimezone(zone).replace(tzinfo=None)
        day = ((wall - begins_after).date() - _EPOCH).days
        if day in seen.days:
            return
        seen.days.add(day)
        first, last = _run_around(day, seen.days)
        for length in _STREAKS:
            if last - first + 1 < length:
                continue
            if not _joined(seen.told[length], first, last):
                began_on = date.fromordinal(_EPOCH.toordinal() + first).isoformat()
                occurrence = f"{event['data']['habit_id']}/{began_on}"
                self.expected.add((event["tenantid"], event["subject"], "iron-streak", length, occurrence))

    def of_row(self, row: str) -> set[Identity]:
        """What is expected of the clients of one row; of all where `row` is empty."""
        return of_row(self.expected, row)


def of_row(identities: Iterable[Identity], row: str) -> set[Identity]:
    """Those about the clients of one row; of all where `row` is empty."""
    return {one for one in identities if not row or one[1].startswith(f"{row}-")}


def _run_around(day: int, days: set[int]) -> tuple[int, int]:
    first = last = day
    while first - 1 in days:
        first -= 1
    while last + 1 in days:
        last += 1
    return first, last


def _joined(told: list[tuple[int, int]], first: int, last: int) -> bool:
    """Whether a run was told before; the days that it was told for grow with it."""
    for number, (began, ended) in enumerate(told):
        if began <= last and first <= ended:
            told[number] = min(first, began), max(last, ended)
            return True
    told.append((first, last))
    return False
