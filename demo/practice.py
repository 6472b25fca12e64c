"""The practice: a seeded fitness coaching business and ninety days of its life.

`build_practice` draws who the clients are and what they will do, by quotas, so that every
seed gives about the same number of milestones: with the defaults 312 wins and some gentle
nudges. Same arguments, same practice, to the byte. Nothing here knows a rule's threshold
by code: the quotas aim at them, `demo.count` counts what was hit.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from random import Random
from typing import TypeVar

from demo.consents import consents_of
from demo.people import COACHES, PRACTICE_ZONE, Person, Rhythm, draw_names, draw_zone
from demo.progress import checks_of, course_of, goals_of
from demo.sessions import sessions_of
from demo.steps import AppointmentStep, Step
from demo.wishes import wishes_of

FIRST_AT = datetime(2026, 2, 2, tzinfo=UTC)
"""A Monday; the ninety days from it hold the change to summer time on both sides of the Atlantic."""

SETTLING = timedelta(hours=18, minutes=30)
"""How long the play goes on after the last day: pulls, hold-offs and quiet hours come to their end."""

FULL_CLIENTS = 120
FULL_SEED = 88
_JOINING_SHARE = 0.4
_RESTART_DAYS = 9
_UNBROKEN_SHARE = 0.55
_RESTART_SHARE = 0.4
_DAYS_BETWEEN_MICROS = 10
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """The whole input of a play.

    Attributes:
        first_at: where the play's calendar begins, UTC.
        until: where it ends; what is due later stays undecided.
        steps: in time order.
    """

    first_at: datetime
    until: datetime
    people: tuple[Person, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What one client will do, drawn by quota."""

    rhythm: Rhythm = "weekly"
    never_came: bool = False
    runs: str = "none"
    course_percent: int = 0
    goals: int = 0


def build_practice(*, clients: int = FULL_CLIENTS, days: int = 90, seed: int = FULL_SEED) -> Practice:
    """A practice of `clients` people over `days` days."""
    random = Random(seed)
    names = draw_names(random, clients)
    plans = _plans(random, clients)
    people = tuple(
        _person(random, number, name, plan, days)
        for number, (name, plan) in enumerate(zip(names, plans, strict=True), start=1)
    )
    steps = [step for person in people for step in _steps_of(random, person, days)]
    steps += wishes_of(people, FIRST_AT)
    return Practice(
        first_at=FIRST_AT,
        until=FIRST_AT + timedelta(days=days) + SETTLING,
        people=people,
        steps=tuple(sorted(steps, key=attrgetter("at"))),
    )


def _plans(random: Random, clients: int) -> list[_Plan]:
    """The quotas of a practice of 120, scaled; each trait is dealt out on its own."""
    rhythms: list[Rhythm] = _deal(random, clients, {"devoted": 15, "thrice": 4, "fortnightly": 34}, "weekly")
    never = _deal(random, clients, {True: 2}, False)  # noqa: FBT003 - dealt like any other trait
    runs = _deal(random, clients, {"iron": 30, "fortnight": 20, "short": 16}, "none")
    percents = _deal(random, clients, {100: 20, 75: 22, 60: 18, 40: 12}, 0)
    goals = _deal(random, clients, {1: 32, 2: 8}, 0)
    return [
        _Plan(
            rhythm="weekly" if never[n] else rhythms[n],
            never_came=never[n],
            runs=runs[n],
            course_percent=percents[n],
            goals=goals[n],
        )
        for n in range(clients)
    ]


def _deal(random: Random, clients: int, quotas: dict[T, int], rest: T) -> list[T]:
    """One trait for each client: its share of the clients, in random order."""
    dealt = [trait for trait, share in quotas.items() for _ in range(round(share * clients / FULL_CLIENTS))]
    dealt += [rest] * (clients - len(dealt))
    random.shuffle(dealt)
    return dealt


def _runs(random: Random, kind: str, days: int) -> tuple[tuple[int, int], ...]:
    """Runs as first day and length: half go on to the end, the others break, some begin again."""
    if kind == "none":
        return ()
    last = days - 1
    shortest, longest = {"iron": (31, 44), "fortnight": (15, 26), "short": (4, 10)}[kind]
    length = min(random.randrange(shortest, longest), last - 1)
    if random.random() < _UNBROKEN_SHARE:
        return ((last - length, length),)
    start = random.randrange(1, max(2, last - length))
    again = start + length + random.randrange(8, 11)
    if last - again >= _RESTART_DAYS and random.random() < _RESTART_SHARE:
        return ((start, length), (again, min(last - again, random.randrange(_RESTART_DAYS, 14))))
    return ((start, length),)


def _person(random: Random, number: int, name: tuple[str, str], plan: _Plan, days: int) -> Person:
    is_early = plan.rhythm in ("devoted", "thrice")
    joined_after = 0 if is_early else random.randrange(int(days * _JOINING_SHARE))
    return Person(
        number=number,
        first_name=name[0],
        last_name=name[1],
        zone=draw_zone(random),
        coach=COACHES[number % len(COACHES)],
        joined_on=FIRST_AT.date() + timedelta(days=joined_after),
        rhythm=plan.rhythm,
        never_came=plan.never_came,
        tool="webhook" if random.random() < 0.5 else "pull",  # noqa: PLR2004 - a coin
        habit_runs=_runs(random, plan.runs, days),
        course_percent=plan.course_percent,
        goals=plan.goals,
    )


def _steps_of(random: Random, person: Person, days: int) -> list[Step]:
    sessions = sessions_of(random, person, FIRST_AT, days)
    horizon = FIRST_AT + timedelta(days=days)
    steps: list[Step] = [
        *sessions,
        *checks_of(random, person, FIRST_AT.date()),
        *course_of(random, person, FIRST_AT.date(), days),
        *goals_of(random, person, _goal_day(random, sessions, days)),
        *consents_of(person),
    ]
    return [step for step in steps if FIRST_AT <= step.at < horizon]


def _goal_day(random: Random, sessions: list[AppointmentStep], days: int) -> date:
    """Some days after the first session, so that the two small messages fall on different days."""
    last = FIRST_AT.date() + timedelta(days=days - 3)
    starts = [datetime.fromisoformat(step.record["datetime"]) for step in sessions]
    first = min(starts).astimezone(PRACTICE_ZONE).date() if starts else FIRST_AT.date()
    earliest = first + timedelta(days=_DAYS_BETWEEN_MICROS)
    return earliest + timedelta(days=random.randrange(max(1, (last - earliest).days)))
