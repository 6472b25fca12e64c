"""Progress of the play: habits checked, a course taken, goals reached.

Half of the habits come as Standard Webhooks, half stay in a tracker that has to be asked.
Some messages are late, some are sent twice, some progress reports fall back.
"""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from demo.people import Person
from demo.steps import CheckStep, MessageStep

_HABITS = (
    ("walk", "Morning walk"),
    ("stretch", "Ten minutes of stretching"),
    ("water", "Two litres of water"),
    ("sleep", "Lights out by eleven"),
    ("protein", "Protein at breakfast"),
)
_GOALS = (
    ("pull-up", "First unassisted pull-up"),
    ("five-k", "Run five kilometres without a stop"),
    ("deadlift", "Deadlift my own weight"),
    ("plank", "Hold a plank for two minutes"),
)
_COURSE = ("strong-foundations", "Strong Foundations")
_LATE_SHARE = 0.05
_TWICE_SHARE = 0.03


def checks_of(random: Random, person: Person, first_day: date) -> list[MessageStep | CheckStep]:
    """One step for each day of each run of the client's habit."""
    habit_id, title = _HABITS[person.number % len(_HABITS)]
    days = [first_day + timedelta(days=start + n) for start, length in person.habit_runs for n in range(length)]
    if person.tool == "webhook":
        return [_check_message(random, person, day, habit_id, title) for day in days]
    return [
        CheckStep(
            at=_local(random, person, day, 5, 24),
            client_id=person.tracker_id,
            name=person.name,
            email=person.email,
            timezone=person.zone.key,
            habit_id=habit_id,
            title=title,
            day=day,
        )
        for day in days
    ]


def _check_message(random: Random, person: Person, day: date, habit_id: str, title: str) -> MessageStep:
    """A check; every second client's tool leaves it to the receiver to find the local day."""
    checked_at = _local(random, person, day, 5, 24)
    data: dict[str, Any] = {"habit_id": habit_id, "title": title}
    is_late = random.random() < _LATE_SHARE
    if person.number % 2 or is_late:
        data["day"] = day.isoformat()
    return _message(
        random,
        person,
        sent_at=checked_at + timedelta(hours=random.randrange(2, 10) if is_late else 0),
        happened_at=checked_at,
        message_id=f"msg_check_{person.number:03d}_{day:%y%m%d}",
        kind="habit.checked",
        data=data,
    )


def course_of(random: Random, person: Person, first_day: date, days: int) -> list[MessageStep]:
    """Progress reports up to the client's percent; now and then one falls back."""
    course_id, title = _COURSE
    percents = _percents(random, person.course_percent)
    span = max(days - 8, len(percents))
    offsets = sorted(random.sample(range(4, 4 + span), len(percents)))
    return [
        _message(
            random,
            person,
            sent_at=(at := _local(random, person, first_day + timedelta(days=offset), 8, 21)),
            happened_at=at,
            message_id=f"msg_course_{person.number:03d}_{nth}",
            kind="course.progressed",
            data={"course_id": course_id, "title": title, "percent": percent},
        )
        for nth, (offset, percent) in enumerate(zip(offsets, percents, strict=True))
    ]


def _percents(random: Random, last: int) -> list[int]:
    percents, percent = [], 0
    while percent < last:
        percent = min(last, percent + random.choice((8, 12, 15, 20, 35)))
        percents.append(percent)
        if random.random() < 0.1:  # noqa: PLR2004 - a lesson was added, so the share done falls
            percents.append(percent - 3)
    return percents


def goals_of(random: Random, person: Person, day: date) -> list[MessageStep]:
    """The client's goals, the first one on `day`, the next ones ten days apart."""
    steps = []
    for nth in range(person.goals):
        goal_id, title = _GOALS[(person.number + nth) % len(_GOALS)]
        at = _local(random, person, day + timedelta(days=10 * nth), 8, 21)
        steps.append(
            _message(
                random,
                person,
                sent_at=at,
                happened_at=at,
                message_id=f"msg_goal_{person.number:03d}_{nth}",
                kind="goal.completed",
                data={"goal_id": goal_id, "title": title, "kind": "step"},
            )
        )
    return steps


def _local(random: Random, person: Person, day: date, from_hour: int, to_hour: int) -> datetime:
    """A moment of a local day, in UTC."""
    moment = time(random.randrange(from_hour, to_hour), random.randrange(60), random.randrange(60))
    return datetime.combine(day, moment, person.zone).astimezone(UTC)


def _message(
    random: Random,
    person: Person,
    *,
    sent_at: datetime,
    happened_at: datetime,
    message_id: str,
    kind: str,
    data: dict[str, Any],
) -> MessageStep:
    body = {"type": kind, "timestamp": happened_at.isoformat(), "data": {"client": person.in_tracker, **data}}
    copies = 2 if random.random() < _TWICE_SHARE else 1
    return MessageStep(at=sent_at, message_id=message_id, body=body, copies=copies)
