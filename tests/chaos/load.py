"""The load: practices whose clients come, stay forty days and go, as one endless stream of records.

Every step is a day for everybody who is there: a habit is checked and a session completed. With each step as many
begin as have ended, so first sessions, 14- and 30-day streaks and thirty-sixth sessions come about evenly for as long
as the stream runs. Some miss a day and begin their streak anew. Some records come twice, some sessions are told
under a second id, and some values are no event at all.

The ids say the row, so that the records of one row are told from those of another by their clients alone.
"""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from tests.chaos import calendars

CROWD, FEW = "crowd", "few"
"""The tenant that plans and sends nothing, and the one whose clients get mails."""

FLOOD = b"flood"
"""How the values begin that a row sends to stop a partition, and of which a hand skips most."""

HABIT = "morning-walk"
DAYS = 40
_NEW_A_STEP = 12
_BEGAN_DAYS_AGO = 45
_WELL_BEFORE = 10  # steps between a profile that decides what a day is, and the client's first event
_LATER = 300  # records between a record and its copy
_BARELY = timedelta(hours=23, minutes=57)  # 24 h ahead of the broker is too far; minutes later both are what they are
_BEYOND = timedelta(hours=24, minutes=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a row wants of its load.

    Attributes:
        row: the first part of every client's id.
        seed: with the row, decides everything.
        copies: how often each record comes.
        twice_share: of records that come a second time, and of sessions that are told under a second id.
        poison_share: of values that are no event.
        live_share: of clients whose milestones are answered with messages.
        ahead_share: of client's days with a session from barely less than 24 h ahead, and one from beyond them.
        shuffled: whether the days of a client come out of order, up to `DAYS` late.
        abroad: whether clients live in zones of their own, through days that are easily counted wrong.
    """

    row: str
    seed: int
    copies: int = 1
    twice_share: float = 0.01
    poison_share: float = 0.001
    live_share: float = 0.03
    ahead_share: float = 0.0
    shuffled: bool = False
    abroad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A record to send: an event, something broken, or, where `profile` holds, who a client is."""

    key: bytes
    value: bytes
    profile: bool = False


def stream(shape: Shape, today: datetime | None = None) -> Iterator[Said]:
    """Every record of a row, in order; it never ends."""
    rng = Random(f"{shape.seed}:{shape.row}")  # noqa: S311 - seeded
    now = today or datetime.now(UTC)
    later: deque[tuple[int, Said]] = deque()
    number = 0
    for said in _in_order(shape, rng, now):
        for one in _with_company(shape, rng, said):
            number += 1
            yield one
            if not one.profile and rng.random() < shape.twice_share:
                later.append((number + _LATER, one))
        while later and later[0][0] <= number:
            yield later.popleft()[1]


def _with_company(shape: Shape, rng: Random, said: Said) -> Iterator[Said]:
    if said.profile:
        yield said
        return
    for _ in range(shape.copies):
        yield said
    if rng.random() < shape.poison_share:
        yield Said(key=said.key, value=b"{broken:" + said.value[:60])


def _in_order(shape: Shape, rng: Random, now: datetime) -> Iterator[Said]:
    first = now.replace(hour=6, minute=0, second=0, microsecond=0) - timedelta(days=_BEGAN_DAYS_AGO)
    step = 0
    orders: dict[int, list[int]] = {}
    while True:
        begun = (step + 1) * _NEW_A_STEP
        yield from _profiles(shape, step)
        for client in range(begun - _NEW_A_STEP, begun):
            orders[client] = list(range(DAYS))
            if shape.shuffled:
                rng.shuffle(orders[client])
        for client in range(max(0, begun - DAYS * _NEW_A_STEP), begun):
            day = orders[client][step - client // _NEW_A_STEP]
            times = (first + timedelta(days=day, seconds=client % 3600),)
            yield from _of_a_day(shape, rng, client, day, calendars.instants(client, day) if shape.abroad else times)
            if shape.ahead_share and rng.random() < shape.ahead_share:
                yield from _from_ahead(shape, client, day, now)
        for client in range(begun - DAYS * _NEW_A_STEP, begun - (DAYS - 1) * _NEW_A_STEP):
            orders.pop(client, None)
        step += 1


def _of_a_day(shape: Shape, rng: Random, client: int, day: int, times: tuple[datetime, ...]) -> Iterator[Said]:
    name = f"{_name(shape, client)}:{day}"
    habit = {"habit_id": HABIT}
    if shape.abroad and calendars.is_travelling(client):
        habit["timezone"] = calendars.turn_of(client).zone
    for number, at in enumerate(times if day != _missed_day(client) else ()):
        yield _event(shape, client, f"{name}:h{number or ''}", at, "habit.checked", habit)
    session = {"session_id": f"chaos:{name}"}
    yield _event(shape, client, f"{name}:s", times[0], "session.completed", session)
    if rng.random() < shape.twice_share:
        yield _event(shape, client, f"{name}:again", times[0], "session.completed", session)


def _from_ahead(shape: Shape, client: int, day: int, now: datetime) -> Iterator[Said]:
    for what, ahead in (("soon", _BARELY), ("beyond", _BEYOND)):
        name = f"{_name(shape, client)}:{day}:{what}"
        yield _event(shape, client, name, now + ahead, "session.completed", {"session_id": f"chaos:{name}"})


def _event(shape: Shape, client: int, name: str, at: datetime, kind: str, data: dict[str, Any]) -> Said:
    wire = {
        "specversion": "1.0", "id": name, "source": "chaos", "type": kind, "tenantid": _tenant(shape, client),
        "subject": _name(shape, client), "time": at.isoformat(), "data": data,
    }  # fmt: skip
    return Said(key=_key(shape, client), value=json.dumps(wire).encode())


def _profiles(shape: Shape, step: int) -> Iterator[Said]:
    """Who has a profile and begins with this step, or, where profiles say what a day is, some steps later."""
    first, last = step, step
    if shape.abroad:
        first, last = (step + _WELL_BEFORE if step else 0), step + _WELL_BEFORE
    for client in range(first * _NEW_A_STEP, (last + 1) * _NEW_A_STEP):
        if shape.abroad or _is_live(shape.live_share, client):
            yield _profile(shape, client)


def _profile(shape: Shape, client: int) -> Said:
    profile = {"name": "Kim Sample", "email": address_of(_name(shape, client))}
    if shape.abroad:
        profile |= calendars.profile_of(client)
    return Said(key=_key(shape, client), value=json.dumps(profile).encode(), profile=True)


def has_ended(client: str, newest: str) -> bool:
    """Whether no record of a client follows, copies included, once the first of another has been heard."""
    step, now = (int(each.rpartition("-")[2]) // _NEW_A_STEP for each in (client, newest))
    return now > step + DAYS + 2


def address_of(client: str) -> str:
    """Where the mails of a client go."""
    return f"{client}@clients.example"


def _missed_day(client: int) -> int | None:
    return 8 + client % 20 if client % 7 == 3 else None


@lru_cache(10_000)
def _is_live(live_share: float, client: int) -> bool:
    return Random(client).random() < live_share  # noqa: S311 - the same clients in every run


def _tenant(shape: Shape, client: int) -> str:
    return FEW if _is_live(shape.live_share, client) else CROWD


def _name(shape: Shape, client: int) -> str:
    return f"{shape.row}-{client:06}"


def _key(shape: Shape, client: int) -> bytes:
    return f"{_tenant(shape, client)}/{_name(shape, client)}".encode()
