"""Wishes of the play: a coach asks for quiet around one client, another client leaves the mails.

Both fall halfway between the fourteenth and the thirtieth day of a streak, with nothing else
near, so that it is beyond doubt which celebrations come before them and which after.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from demo.people import Person
from demo.steps import LeaveStep, QuietStep

_REASON = "a loss in the family; I call myself"
_HALFWAY_DAYS = 22
_STREAK_DAYS = 30
_SETTLED = timedelta(days=21)


def wishes_of(people: Iterable[Person], first_at: datetime) -> list[QuietStep | LeaveStep]:
    """The wish for quiet and the wish to leave, for the first two clients whom they fit."""
    moments = [(person, at) for person in people if (at := _moment(person, first_at)) is not None]
    quiet = [QuietStep(at=at, email=person.email, reason=_REASON) for person, at in moments[:1]]
    leaves = [LeaveStep(at=at, email=person.email) for person, at in moments[1:2]]
    return [*quiet, *leaves]


def _moment(person: Person, first_at: datetime) -> datetime | None:
    """Noon halfway between both awards of a long streak; None if something else may be near."""
    start, length = person.habit_runs[0] if person.habit_runs else (0, 0)
    at = first_at + timedelta(days=start + _HALFWAY_DAYS, hours=12)
    is_busy = person.course_percent or person.goals or person.rhythm == "devoted"
    has_begun = person.joined_on + _SETTLED < at.date()
    return at if length >= _STREAK_DAYS and has_begun and not is_busy else None
