"""Units: what a count counts, after duplicates and reversals (semantics 2, 6 and 8).

A unit is one thing that happened, however often and by whomever it was reported. The events of
a business key are folded by `time`, so that the order of their arrival does not matter.
"""

from typing import Any

from tests.model.log import Event, in_time, near

KEYS = {
    "session.booked": ("session_id",),
    "session.completed": ("session_id",),
    "purchase.completed": ("order_id",),
    "lesson.completed": ("course_id", "lesson_id"),
    "goal.completed": ("goal_id",),
    "program.enrolled": ("program_id",),
    "program.completed": ("program_id",),
}
REVERSED_BY = {
    "session.completed": ("session.canceled", "session.no_show"),
    "goal.completed": ("goal.reopened",),
    "purchase.completed": ("purchase.refunded",),
}
RESTORED_BY = {"session.completed": ("session.attended",)}

Unit = dict[str, Any]


def units(event_type: str, events: list[Event]) -> list[Unit]:
    """All units of a type; `stands` says whether it still counts."""
    if event_type == "habit.checked":
        return [_unit(event, stands=not _is_unchecked(event, events)) for event in events if _is(event, event_type)]
    if event_type not in KEYS:
        return [_unit(event) for event in events if _is(event, event_type)]
    found = []
    for key in {_key(event_type, event) for event in events if _is(event, event_type)}:
        found += _folded(event_type, [event for event in events if _key(event_type, event) == key])
    return sorted(found, key=lambda unit: unit["seq"])


def schedules(events: list[Event]) -> dict[str, Event]:
    """By session, what the earliest booking or reschedule says it is, at the times of the latest.

    `time`, `silent` and `seq` are those of the event that set the times.
    """
    found: dict[str, Event] = {}
    for event in in_time([event for event in events if event["type"] in {"session.booked", "session.rescheduled"}]):
        first = found.get(event["data"]["session_id"], event)
        latest = {"silent": event["silent"], "seq": event["seq"], "time": event["time"]}
        found[event["data"]["session_id"]] = {**first, **latest, "ends_at": event["data"]["ends_at"]}
    return found


def inferred_completion(booking: Event, seq: int) -> Event:
    """The completion that a booking stands for: it was said when the booking was."""
    return {**booking, "type": "session.completed", "seq": seq, "is_inferred": True}


def _folded(event_type: str, events: list[Event]) -> list[Unit]:
    found: list[Unit] = []
    for event in in_time(events):
        standing = [unit for unit in found if unit["stands"]]
        if event["type"] == event_type:
            twins = [unit for unit in standing if any(_may_be_one(member, event) for member in unit["members"])]
            if twins:
                twins[-1]["members"].append(event)
            else:
                found.append(_unit(event))
        elif event["type"] == "purchase.refunded":
            _refund(standing, event)
        elif event["type"] in REVERSED_BY.get(event_type, ()):
            for unit in standing:
                unit["stands"] = False
        elif found and not standing:
            found[-1]["stands"] = True
    return found


def _refund(standing: list[Unit], refund: Event) -> None:
    """Lower what is owed for the latest purchase of the order; at nothing it no longer counts."""
    if standing:
        unit = standing[-1]
        unit["refunded"] += refund["data"]["amount_cents"]
        unit["stands"] = unit["refunded"] < unit["data"]["amount_cents"]


def _unit(event: Event, *, stands: bool = True) -> Unit:
    return {"data": event["data"], "seq": event["seq"], "members": [event], "stands": stands, "refunded": 0}


def _may_be_one(one: Event, other: Event) -> bool:
    return "is_inferred" in one or "is_inferred" in other or near(one, other)


def _key(event_type: str, event: Event) -> tuple[Any, ...] | None:
    belongs = (event_type, *REVERSED_BY.get(event_type, ()), *RESTORED_BY.get(event_type, ()))
    return tuple(event["data"][field] for field in KEYS[event_type]) if event["type"] in belongs else None


def _is_unchecked(check: Event, events: list[Event]) -> bool:
    """Whether a later uncheck takes back this check's habit and day."""
    same = [
        event
        for event in events
        if _is(event, "habit.unchecked")
        and event["data"]["habit_id"] == check["data"]["habit_id"]
        and event["day"] == check["day"]
    ]
    return any((event["time"], event["seq"]) > (check["time"], check["seq"]) for event in same)


def _is(event: Event, event_type: str) -> bool:
    return bool(event["type"] == event_type)
