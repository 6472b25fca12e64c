"""Two months of some practices, made from a seed: every type of event, said twice, late, out of order and taken back.

What happens and when it arrives is domain time, in the order of arrival. Profiles are known before the first event and
their dates lie well inside, so that whether they are known a moment earlier makes no difference.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from tests.streams.tracking.test_against_the_model import BEGIN, TEXT

RULEBOOK = f"version: 1\n{TEXT}"
"""A rule of every kind."""

DAYS = 60
END = BEGIN + timedelta(days=DAYS)
TENANTS = ("iron", "oak", "plain")
"""The last has no rulebook of its own."""

_ZONES = ("America/Los_Angeles", "Pacific/Kiritimati", "Europe/Vienna", "Asia/Kolkata", None)
_LATE = (0, 0, 0, 0, 1, 5, 40, 90)  # hours at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One event, and when the service hears of it."""

    at: datetime
    wire: dict[str, Any]

    @property
    def key(self) -> bytes:
        return f"{self.wire['tenantid']}/{self.wire['subject']}".encode()

    @property
    def value(self) -> bytes:
        return msgspec.json.encode(self.wire)

    @property
    def line(self) -> bytes:
        """As an exported log holds it."""
        return msgspec.json.encode({**self.wire, "receivedat": self.at})


def profiles(clients: int) -> dict[str, dict[str, Any]]:
    """The profiles of every second client, by `tenant/client`."""
    rng = Random(1)  # noqa: S311 - seeded
    found: dict[str, dict[str, Any]] = {}
    for tenant in TENANTS:
        for client in range(0, clients, 2):
            soon = BEGIN + timedelta(days=rng.randrange(12, 40))
            fields = {
                "timezone": rng.choice(_ZONES),
                "day_starts_at": rng.choice(["00:00", "05:00", None]),
                "birthday": f"{soon + timedelta(days=rng.randrange(10)):%m-%d}",
                "joined_on": rng.choice([f"{soon:%Y-%m-%d}", f"2024-{soon:%m-%d}", None]),
                "renewal_on": rng.choice([f"{soon + timedelta(days=5):%Y-%m-%d}", None]),
                "status": rng.choice(["active", "active", "active", "paused"]),
                "tags": rng.choice([["vip"], []]),
            }
            found[f"{tenant}/c{client}"] = {name: value for name, value in fields.items() if value is not None}
    return found


def arrivals(clients: int, seed: int) -> list[Arrival]:
    """What arrives, in order."""
    rng = Random(seed)  # noqa: S311 - seeded
    found = [each for tenant in TENANTS for client in range(clients) for each in _of_client(rng, tenant, f"c{client}")]
    return sorted((each for each in found if each.at < END), key=lambda each: each.at)


def _of_client(rng: Random, tenant: str, client: str) -> Iterator[Arrival]:
    said: list[dict[str, Any]] = []
    for day in range(DAYS):
        for kind in _kinds_of_a_day(rng):
            at = BEGIN + timedelta(days=day, minutes=rng.randrange(1_440))
            data = _DATA[kind](rng, at)
            wire = _wire(f"{client}-{len(said)}", kind, at, tenant, client, data)
            wire |= {"silent": True} if rng.random() < 0.06 else {}
            said.append(wire)
            yield from _told(rng, wire)
        if said and rng.random() < 0.06:
            gone = rng.choice(said[-12:])
            at = datetime.fromisoformat(gone["time"]) + timedelta(hours=rng.randrange(-6, 60))
            yield from _told(rng, _wire(f"r{day}", "event.retracted", at, tenant, client, {"event_id": gone["id"]}))


def _kinds_of_a_day(rng: Random) -> list[str]:
    habits = ["habit.checked"] * (rng.random() < 0.85) + ["habit.checked"] * (rng.random() < 0.5)
    return habits + rng.choices(tuple(_DATA), k=rng.randrange(3))


def _told(rng: Random, wire: dict[str, Any]) -> Iterator[Arrival]:
    """An event as it arrives: mostly at once, sometimes late, again, or from another tool."""
    at = max(datetime.fromisoformat(wire["time"]), BEGIN)
    yield Arrival(at=at + timedelta(hours=rng.random() * rng.choice(_LATE)), wire=wire)
    if rng.random() < 0.05:
        yield Arrival(at=at + timedelta(hours=rng.random() * 60), wire=wire)
    if rng.random() < 0.05:
        yield Arrival(at=at + timedelta(hours=rng.random() * 60), wire={**wire, "id": f"{wire['id']}-again"})
    if rng.random() < 0.002:
        ahead = {**wire, "id": f"{wire['id']}-ahead", "time": (at + timedelta(days=3)).isoformat()}
        yield Arrival(at=at, wire=ahead)


def _wire(name: str, kind: str, at: datetime, tenant: str, client: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": name, "source": "app", "type": kind, "subject": client, "tenantid": tenant,
        "time": at.astimezone(UTC).isoformat(), "data": data,
    }  # fmt: skip


Said = Callable[[Random, datetime], dict[str, Any]]


def _thing(field: str, **choices: tuple[Any, ...]) -> Said:
    """Something about one of a few things that change with the weeks."""

    def say(rng: Random, at: datetime) -> dict[str, Any]:
        chosen = {name: rng.choice(values) for name, values in choices.items()}
        return {field: f"{at:%V}-{rng.randrange(4)}", **{n: value for n, value in chosen.items() if value is not None}}

    return say


def _booking(rng: Random, at: datetime) -> dict[str, Any]:
    ends = at + timedelta(hours=rng.randrange(-5, 60))
    when = {"starts_at": (ends - timedelta(minutes=50)).isoformat(), "ends_at": ends.isoformat()}
    return {**_SESSION(rng, at), **when}


def _habit(rng: Random, at: datetime) -> dict[str, Any]:
    day = f"{at - timedelta(days=rng.randrange(4)):%Y-%m-%d}"
    return {"habit_id": rng.choice(["run", "run", "run", "swim"]), **({"day": day} if rng.random() < 0.2 else {})}


def _on_a_day(**more: Any) -> Said:
    return lambda rng, at: {
        "habit_id": rng.choice(["run", "swim"]),
        "day": f"{at - timedelta(days=rng.randrange(6)):%Y-%m-%d}",
        **{name: rng.choice(value) if isinstance(value, tuple) else value for name, value in more.items()},
    }


def _pause(rng: Random, at: datetime) -> dict[str, Any]:
    first = at - timedelta(days=rng.randrange(-1, 6))
    until = {"until": f"{first + timedelta(days=rng.randrange(5)):%Y-%m-%d}"} if rng.random() < 0.7 else {}
    habit = {"habit_id": "run"} if rng.random() < 0.5 else {}
    return {"from": f"{first:%Y-%m-%d}", "reason": "ill", "author": "mara", **until, **habit}


_SESSION = _thing("session_id", kind=("yoga", "pilates", None), title=("Morning", None))
_DATA: dict[str, Said] = {
    "session.booked": _booking,
    "session.rescheduled": _booking,
    "session.completed": _SESSION,
    "session.canceled": _SESSION,
    "session.no_show": _SESSION,
    "session.attended": _SESSION,
    "habit.checked": _habit,
    "habit.unchecked": _on_a_day(),
    "streak.reported": _on_a_day(days=(1, 2, 3, 5)),
    "streak.paused": _pause,
    "streak.repaired": _on_a_day(reason="ours", author="mara"),
    "lesson.completed": _thing("lesson_id", course_id=("a", "b")),
    "course.progressed": _thing("course_id", percent=(10, 40, 50, 60.5, 100)),
    "course.completed": _thing("course_id"),
    "goal.completed": _thing("goal_id", kind=("core", "step", None)),
    "goal.reopened": _thing("goal_id"),
    "program.enrolled": _thing("program_id"),
    "program.completed": _thing("program_id"),
    "purchase.completed": _thing("order_id", amount_cents=(40, 60, 200), currency=("USD", "EUR")),
    "purchase.refunded": _thing("order_id", amount_cents=(50, 100), currency=("USD",)),
    "membership.renewed": _thing("program_id"),
    "referral.converted": _thing("program_id"),
    "weight.logged": lambda rng, _: {"kilos": rng.choice([78, 78.5, 79, 80, 81, 82, 83.5])},
    "run.logged": lambda rng, _: {"km": rng.choice([0.1, 3, 7.7, 12])},
}
