"""The habit tracker's pull: rows of (client, habit, day), to findings.

`GET {base}/streaks?since=DAY`, after a long absence with `until=DAY`, answers a JSON list; a
row's client is an e-mail address, an id, or an object with both. Habit and day make the event's
id beside the client, so reading the same days again is harmless, and so is meeting a check that
came by a hook as well: checks of one day are one.

Pure: the request is made by `agents.intake.habit_api`.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, ValidationError, convert

from agents.intake.finding import Finding, Happening, Person
from schemas.event import HabitData
from schemas.text import Text

_NOON = time(12)


class _Client(Struct, frozen=True, kw_only=True):
    id: Text | None = None
    email: Text | None = None
    name: Text | None = None
    timezone: Text | None = None


class _Row(Struct, frozen=True, kw_only=True):
    client: Text | _Client
    habit: Text
    day: date
    title: Text | None = None


def translate(
    source_name: str, rows: Iterable[Any], zone: ZoneInfo, heard_at: datetime, *, until: date | None = None
) -> tuple[tuple[Finding, ...], int]:
    """One finding a client, with its checks in order of day, and how many rows were wrong.

    `zone` is the tenant's: a check is dated noon there, or `heard_at` if that is earlier.
    Rows after the day `until` are left for the next question: a tracker may not know `until`.
    """
    by_person: dict[Person, tuple[Mapping[str, Any], list[_Row]]] = {}
    wrong = 0
    for raw in rows:
        try:
            row = convert(raw, _Row)
        except ValidationError:
            wrong += 1
            continue
        if until is not None and row.day > until:
            continue
        person, facts = _person(row.client)
        if person is None:
            wrong += 1
            continue
        by_person.setdefault(person, (facts, []))[1].append(row)
    findings = tuple(
        Finding(
            person=person,
            facts=facts,
            happenings=tuple(
                _happening(source_name, row, zone, heard_at) for row in sorted(checks, key=lambda row: row.day)
            ),
        )
        for person, (facts, checks) in by_person.items()
    )
    return findings, wrong


def _person(client: str | _Client) -> tuple[Person | None, dict[str, Any]]:
    if isinstance(client, str):
        is_address = "@" in client
        person = Person(email=client) if is_address else Person(external_id=client)
        return person, {"email": client} if is_address else {}
    if client.id is None and client.email is None:
        return None, {}
    facts = {"name": client.name, "email": client.email, "timezone": client.timezone}
    return Person(external_id=client.id, email=client.email), facts


def _happening(source_name: str, row: _Row, zone: ZoneInfo, heard_at: datetime) -> Happening:
    noon = datetime.combine(row.day, _NOON, tzinfo=zone)
    return Happening(
        id=f"{source_name}:{row.habit}:{row.day.isoformat()}",
        unique_within="client",
        type="habit.checked",
        occurred_at=min(noon, heard_at),
        data=HabitData(habit_id=row.habit, day=row.day, title=row.title),
    )
