"""Sessions of the play: booked in Acuity, moved, cancelled, missed, held.

A first session is held or cancelled long before, and no-shows come early in a client's way,
so that a celebration of the play never has to be taken back; that case has its own tests.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Literal

from demo.people import PRACTICE_ZONE, Person
from demo.steps import AppointmentStep

_MINUTES = 60
_FIRST_APPOINTMENT_ID = 910_000
_TYPES = ((31, "Strength Coaching"), (32, "Mobility & Core"), (33, "Running Technique"))
_WEEKDAYS = {"devoted": (0, 2, 4), "thrice": (1, 3, 5), "weekly": (0,), "fortnightly": (0,)}
_PACKAGES = ("devoted", "thrice")
"""Who comes three times a week has bought a package of sessions: whichever coach it is ticks each of them off."""

_COMPLETED = [{"id": 5, "name": "Completed", "color": "green"}]
_LAST_NO_SHOW = 25
_HOUR = timedelta(hours=1)
_SETTLED = timedelta(days=3)
Fate = Literal["held", "moved", "canceled", "no_show"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """One appointment: whose, where in their way, when, and what will become of it."""

    id: int
    person: Person
    nth: int
    starts_at: datetime
    booked_at: datetime
    fate: Fate

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=_MINUTES)


def sessions_of(random: Random, person: Person, first_at: datetime, days: int) -> list[AppointmentStep]:
    """All steps of one client's appointments between `first_at` and `days` later."""
    steps: list[AppointmentStep] = []
    hour = random.randrange(6, 17)
    horizon = first_at + timedelta(days=days)
    for nth, day in enumerate(_days_of(random, person, first_at.date(), days)):
        starts_at = datetime.combine(day, time(hour), PRACTICE_ZONE).astimezone(UTC)
        session = _session(random, person, nth, starts_at, first_at)
        is_settled = starts_at < horizon - _SETTLED
        steps += _steps_of(random, session if is_settled else replace(session, fate="held"))
    return [step for step in steps if step.at < horizon]


def _days_of(random: Random, person: Person, first_day: date, days: int) -> list[date]:
    shift = random.randrange(5) if person.rhythm in ("weekly", "fortnightly") else 0
    weekdays = [weekday + shift for weekday in _WEEKDAYS[person.rhythm]]
    every = 2 if person.rhythm == "fortnightly" else 1
    opens = max(person.joined_on, first_day + timedelta(days=2))
    found = [opens + timedelta(days=n) for n in range(days) if (opens + timedelta(days=n)).weekday() in weekdays]
    kept = [day for day in found if day <= first_day + timedelta(days=days - 1)][::every]
    return kept[:1] if person.never_came else kept


def _session(random: Random, person: Person, nth: int, starts_at: datetime, first_at: datetime) -> _Session:
    lead = timedelta(hours=random.randrange(52, 140) * (2 if person.never_came else 1), minutes=random.randrange(60))
    return _Session(
        id=_FIRST_APPOINTMENT_ID + person.number * 100 + nth,
        person=person,
        nth=nth,
        starts_at=starts_at,
        booked_at=max(starts_at - lead, first_at + timedelta(minutes=random.randrange(5, 600))),
        fate=_fate(random, person, nth),
    )


def _fate(random: Random, person: Person, nth: int) -> Fate:
    if person.never_came:
        return "canceled"
    losses = 0.02 if person.rhythm == "devoted" else 0.07
    draw = random.random()
    if nth == 0 or draw > losses + 0.05:
        return "held"
    if draw > losses:
        return "moved"
    return "no_show" if draw < losses / 3 and nth < _LAST_NO_SHOW else "canceled"


def _steps_of(random: Random, session: _Session) -> list[AppointmentStep]:
    scheduled = ("scheduled", "changed") if random.random() < 0.15 else ("scheduled",)  # noqa: PLR2004 - a share
    steps = [_step(random, session, session.booked_at, scheduled)]
    if session.fate == "canceled":
        late_at = session.starts_at - timedelta(hours=random.randrange(5, 40))
        soon_at = session.booked_at + _HOUR
        at = soon_at if session.person.never_came else max(late_at, soon_at)
        steps.append(_step(random, session, at, ("canceled",), canceled=True))
        return steps
    if session.fate == "no_show":
        at = session.ends_at + timedelta(minutes=random.randrange(10, 50))
        steps.append(_step(random, session, at, ("canceled",), canceled=True, noShow=True))
        return steps
    if session.fate == "moved":
        at = session.starts_at - timedelta(hours=random.randrange(20, 44))
        at = max(at, session.booked_at + _HOUR)
        session = _moved(random, session)
        steps.append(_step(random, session, at, ("rescheduled", "changed")))
    if session.person.coach.marks_completed:
        at = session.ends_at + timedelta(minutes=random.randrange(2, 20))
        steps.append(_step(random, session, at, ("changed",), labels=_COMPLETED))
    elif session.person.rhythm in _PACKAGES:
        at = session.ends_at + timedelta(minutes=2 + session.nth % 18)
        steps.append(AppointmentStep(at=at, record=_record(session, labels=_COMPLETED), actions=("changed",)))
    return steps


def _moved(random: Random, session: _Session) -> _Session:
    later = timedelta(days=1, hours=random.randrange(-1, 3))
    return replace(session, starts_at=session.starts_at + later)


def _step(random: Random, session: _Session, at: datetime, actions: tuple[str, ...], **state: Any) -> AppointmentStep:
    copies = 2 if random.random() < 0.04 else 1  # noqa: PLR2004 - a share
    return AppointmentStep(at=at, record=_record(session, **state), actions=actions, copies=copies)


def _record(session: _Session, **state: Any) -> dict[str, Any]:
    """The appointment as `GET /api/v1/appointments/ID` of Acuity gives it."""
    person = session.person
    type_id, type_name = _TYPES[person.number % len(_TYPES)]
    return {
        "id": session.id,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "email": person.email_in_acuity,
        "phone": "",
        "datetime": _in_acuity(session.starts_at),
        "datetimeCreated": _in_acuity(session.booked_at),
        "duration": str(_MINUTES),
        "calendar": person.coach.name,
        "calendarID": person.coach.calendar_id,
        "appointmentTypeID": type_id,
        "type": type_name,
        "timezone": person.zone.key,
        "canceled": False,
        "noShow": False,
        "labels": None,
    } | state


def _in_acuity(instant: datetime) -> str:
    """Acuity's form: the practice's local time, the offset without a colon."""
    return instant.astimezone(PRACTICE_ZONE).strftime("%Y-%m-%dT%H:%M:%S%z")
