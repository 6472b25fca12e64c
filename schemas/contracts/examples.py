"""Examples of every record, for the AsyncAPI document: what a first integration copies.

Events are written as they travel, one of each known type and one of a free type; milestones
and profiles come out of the shapes themselves. Tests decode all of them.
"""

from datetime import UTC, date, datetime
from typing import Any

import msgspec

from schemas.celebration import celebration_id, delivery_id
from schemas.change import CelebrationChanged, Change, DeliveryChanged, change_id, encode_change
from schemas.client import Consent, Profile
from schemas.milestone import REACHED, Milestone, MilestoneType, milestone_id
from schemas.milestone_codec import encode_milestone

TENANT, CLIENT = "iron-and-oak", "c_7k2d"
_SESSION = {"session_id": "acuity:1234567:8801", "kind": "personal-training"}
_BOOKING = {**_SESSION, "starts_at": "2026-05-08T10:00:00+02:00", "ends_at": "2026-05-08T11:00:00+02:00"}
_HABIT = {"habit_id": "morning-walk", "title": "Morning walk"}
_GOAL = {"goal_id": "half-marathon", "kind": "core", "title": "Run a half marathon"}
_COURSE = {"course_id": "strength-foundations", "title": "Strength Foundations"}
_PROGRAM = {"program_id": "back-on-your-feet", "title": "Back on your feet"}
_ORDER = {"order_id": "shop:2291", "amount_cents": 12900, "currency": "EUR"}
_RUN = {"streak_days": 30, "streak_began_on": "2026-04-09"}
_SO_FAR = {"sessions": 21, "goals": 1, "longest_streak": 30, "percents": {}, "weeks_since_joining": 13}
_VOUCHED = {"reason": "The tracker was down", "author": "coach:jo"}

EVENT_DATA_EXAMPLES: dict[str, dict[str, Any]] = {
    "session.booked": {**_BOOKING, "title": "Personal training", "timezone": "Europe/Vienna"},
    "session.rescheduled": _BOOKING,
    "session.completed": _SESSION,
    "session.canceled": _SESSION,
    "session.no_show": _SESSION,
    "session.attended": _SESSION,
    "habit.checked": {**_HABIT, "day": "2026-05-08"},
    "habit.unchecked": {**_HABIT, "day": "2026-05-08"},
    "streak.reported": {**_HABIT, "days": 29, "day": "2026-05-08"},
    "lesson.completed": {**_COURSE, "lesson_id": "3"},
    "course.progressed": {**_COURSE, "percent": 50},
    "course.completed": _COURSE,
    "goal.completed": _GOAL,
    "goal.reopened": _GOAL,
    "program.enrolled": _PROGRAM,
    "program.completed": _PROGRAM,
    "purchase.completed": _ORDER,
    "purchase.refunded": _ORDER,
    "membership.renewed": {"program_id": "back-on-your-feet"},
    "membership.ended": {"program_id": "back-on-your-feet"},
    "referral.converted": {"title": "Brought a friend"},
    "streak.paused": {"from": "2026-07-01", "until": "2026-07-14", "reason": "Holiday", "author": "client"},
    "streak.repaired": {"habit_id": "morning-walk", "day": "2026-05-07", **_VOUCHED},
    "event.retracted": {"event_id": "evt-habit-checked"},
    "weight.logged": {"kilos": 79.4, "title": "Morning weight"},
}
"""The data of an event by its type; the last is a free one."""


def structured_events() -> list[dict[str, Any]]:
    """One event of each type, as the value of a record in structured mode."""
    return [{**_attributes(type_), "data": data} for type_, data in EVENT_DATA_EXAMPLES.items()]


def binary_event() -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and value of an event in binary mode."""
    headers = {f"ce_{name}": value for name, value in _attributes("habit.checked").items()}
    return {**headers, "content-type": "application/json"}, EVENT_DATA_EXAMPLES["habit.checked"]


def milestone(type_: MilestoneType) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and value of a milestone, reached or retracted, as the tracker writes them."""
    value, headers = encode_milestone(_streak(type_))
    return {name: text.decode() for name, text in headers}, msgspec.json.decode(value)


def changes() -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Headers and value of changes as delivery writes them: a celebration is planned, its mail is sent."""
    encoded = [encode_change(change) for change in _changes(_streak(REACHED))]
    return [({name: text.decode() for name, text in headers}, msgspec.json.decode(value)) for value, headers in encoded]


def profile() -> dict[str, Any]:
    """The value of a record of `coaching.clients.v1`."""
    consent = Consent(granted=True, source="signup", at=datetime(2026, 2, 2, 9, 30, tzinfo=UTC))
    ada = Profile(
        name="Ada",
        email="ada@example.org",
        locale="en-GB",
        timezone="Europe/Vienna",
        birthday="04-12",
        joined_on=date(2026, 2, 2),
        coach_id="jo",
        consents={"service": consent},
        channels={"email": True},
    )
    return ada.model_dump(mode="json", exclude_defaults=True)


def _attributes(type_: str) -> dict[str, str]:
    return {
        "specversion": "1.0",
        "id": f"evt-{type_.replace('.', '-').replace('_', '-')}",
        "source": "app",
        "type": type_,
        "subject": CLIENT,
        "time": "2026-05-08T07:12:00+02:00",
        "tenantid": TENANT,
    }


def _changes(about: Milestone) -> tuple[Change, Change]:
    celebration, at = celebration_id(about.milestone_id), datetime(2026, 5, 8, 5, 12, 1, tzinfo=UTC)
    mail = delivery_id(celebration, "email")
    shared: dict[str, Any] = {
        "tenant": TENANT,
        "client": CLIENT,
        "milestone_id": about.milestone_id,
        "revision": about.revision,
        "celebration_id": celebration,
        "rule": about.rule,
        "tier": about.tier,
        "changed_at": at,
    }
    planned = CelebrationChanged(
        change_id=change_id(1, celebration, at), outcome="send", mode="live", variant="streak-words/short", **shared
    )
    sent = DeliveryChanged(
        change_id=change_id(5, mail, at), delivery_id=mail, channel="email", state="sent", attempts=1, **shared
    )
    return planned, sent


def _streak(type_: MilestoneType) -> Milestone:
    """Thirty days in a row; withdrawn when the last day's check was taken back."""
    occurrence = "morning-walk/2026-04-09"
    is_reached = type_ == REACHED
    return Milestone(
        type=type_,
        tenant=TENANT,
        client=CLIENT,
        milestone_id=milestone_id(
            tenant=TENANT, client=CLIENT, rule="iron-streak", threshold=30, occurrence=occurrence
        ),
        revision=1,
        rule="iron-streak",
        kind="streak",
        name="30-Day Iron Streak",
        tier="streak",
        threshold=30,
        occurrence=occurrence,
        value=30 if is_reached else 29,
        reached_at=datetime(2026, 5, 8, 5, 12 if is_reached else 40, tzinfo=UTC),
        rulebook="5f2a9c1e07b34d68",
        caused_by="evt-habit-checked" if is_reached else "evt-habit-unchecked",
        facts={**_HABIT, **_RUN, "inferred": False, "so_far": {**_SO_FAR, "current_streak": 30 if is_reached else 29}},
    )
