"""The log of a client: which records are accepted, which of them still count (semantics 2, 8, 13).

An event is a dict: `seq` (its place in the log), `applied_at` (the `now` of its arrival), `id`,
`type`, `time`, `silent`, `data`, `today` (its local day by `time`) and `day` (the day it speaks of).
"""

import json
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from schemas.codec import decode_event
from schemas.refusal import Refused

WINDOW = timedelta(days=35)
WINDOW_KEYS = 512
AHEAD = timedelta(hours=24)

Event = dict[str, Any]


def decoded(wire: dict[str, Any]) -> Event:
    """The event of a CloudEvents record, its data as a plain dict without absent fields.

    Raises:
        Refused: by the shapes that everybody shares.
    """
    event = decode_event((), json.dumps(wire).encode())
    data = msgspec.to_builtins(event.data, builtin_types=(date, datetime))
    data = {name: value for name, value in data.items() if value is not None}
    return {"id": event.id, "type": event.type, "time": event.occurred_at, "silent": event.silent, "data": data}


def near(one: Event, other: Event) -> bool:
    """Whether two records are compared at all: applied within 35 days and 512 records of each other."""
    apart = abs(one["applied_at"] - other["applied_at"])
    return bool(apart <= WINDOW and abs(one["seq"] - other["seq"]) <= WINDOW_KEYS)


def refuse(event: Event, log: list[Event]) -> None:
    """Refuse what must not enter the log.

    Raises:
        Refused: its time lies ahead of the clock, or it retracts what can no longer be retracted.
    """
    if event["time"] > event["applied_at"] + AHEAD:
        raise Refused("time_in_future", "time is more than 24 h after now")
    if event["type"] == "event.retracted":
        meant = [earlier for earlier in log if earlier["id"] == event["data"]["event_id"]]
        if any(earlier["type"] == "event.retracted" for earlier in meant):
            raise Refused("wrong_data", "a retraction cannot be retracted")
        if meant and not any(near(earlier, event) for earlier in meant):
            raise Refused("wrong_data", "the event lies outside the window")


def is_known(event: Event, log: list[Event]) -> bool:
    """Whether a record with this id was applied within the window."""
    return any(earlier["id"] == event["id"] and near(earlier, event) for earlier in log)


def kept(log: list[Event]) -> list[Event]:
    """The events that happened, in order of arrival: all but the retracted, whichever came first."""
    retractions = [event for event in log if event["type"] == "event.retracted"]
    return [event for event in log if not _is_retracted(event, retractions)]


def _is_retracted(event: Event, retractions: list[Event]) -> bool:
    if event["type"] == "event.retracted":
        return False
    return any(r["data"]["event_id"] == event["id"] and near(r, event) for r in retractions)


def in_time(events: list[Event]) -> list[Event]:
    """The events by their `time`; at the same instant the later arrival is the later one."""
    return sorted(events, key=lambda event: (event["time"], event["seq"]))
