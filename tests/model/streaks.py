"""Streaks: runs of local days, and what joins or breaks them (semantics 4 and 5).

A run is the list of its checked days. Two neighbouring checked days belong to one run if every
day between them is neutral, that is paused or repaired.
"""

from datetime import date, timedelta
from typing import Any

from tests.model.amounts import Rule, concerns, per_of
from tests.model.days import DAY
from tests.model.log import Event, in_time

Run = list[date]
Spans = list[tuple[date, date]]
"""Neutral days from the first to the last of each, both inclusive."""
Days = tuple[set[date], Spans]

_CHECKS = ("habit.checked", "streak.reported")
_PAUSED_FOR_EVER = date.max


def runs_of(rule: Rule, events: list[Event], start: int) -> dict[str | None, list[Run]]:
    """By `per` value, the runs in order."""
    return {per: _runs(*days) for per, days in days_of(rule, events, start).items()}


def days_of(rule: Rule, events: list[Event], start: int) -> dict[str | None, Days]:
    """By `per` value, the checked days and the neutral ones."""
    seen = [event for event in events if event["seq"] >= start]
    checks = [event for event in seen if event["type"] in _CHECKS and concerns(rule, event["data"])]
    found: dict[str | None, Days] = {}
    for per in sorted({per_of(rule, event["data"]) for event in checks}, key=str):
        mine = [event for event in seen if _belongs(event, rule, per)]
        checked = _checked(mine)
        found[per] = (checked, _neutral(mine, checked))
    return found


def missed_day(run: Run, neutral: Spans) -> date | None:
    """The day after the last active day, neutral days left out; None while a pause has no end."""
    candidates = [last for last in (run[-1], *(last for _, last in neutral)) if run[-1] <= last < date.max]
    return min((day + DAY for day in candidates if not is_neutral(day + DAY, neutral)), default=None)


def is_neutral(day: date, neutral: Spans) -> bool:
    """Whether a day neither extends nor breaks a run."""
    return any(first <= day <= last for first, last in neutral)


def _belongs(event: Event, rule: Rule, per: str | None) -> bool:
    if event["type"] == "streak.paused" and "habit_id" not in event["data"]:
        return True
    if event["type"] not in {*_CHECKS, "habit.unchecked", "streak.paused", "streak.repaired"}:
        return False
    return concerns(rule, event["data"]) and per_of(rule, event["data"]) == per


def _checked(events: list[Event]) -> set[date]:
    """The days on which, for any habit, the latest of checks and unchecks is a check."""
    latest: dict[tuple[str, date], bool] = {}
    for event in in_time(events):
        if event["type"] in {*_CHECKS, "habit.unchecked"}:
            length = event["data"].get("days", 1)
            for back in range(min(length, (event["day"] - date.min).days)):
                latest[event["data"]["habit_id"], event["day"] - timedelta(days=back)] = event["type"] in _CHECKS
    return {day for (_, day), is_checked in latest.items() if is_checked}


def _neutral(events: list[Event], checked: set[date]) -> Spans:
    spans = [(event["data"]["day"], event["data"]["day"]) for event in events if event["type"] == "streak.repaired"]
    for event in events:
        if event["type"] == "streak.paused":
            first, last = event["data"]["from"], event["data"].get("until")
            if last is None:
                later = sorted(day for day in checked if day > first)
                last = later[0] - DAY if later else _PAUSED_FOR_EVER
            spans.append((first, last))
    return spans


def _runs(checked: set[date], neutral: Spans) -> list[Run]:
    found: list[Run] = []
    for day in sorted(checked):
        if found and _is_joined(found[-1][-1], day, neutral):
            found[-1].append(day)
        else:
            found.append([day])
    return found


def _is_joined(one: date, other: date, neutral: Spans) -> bool:
    day = one + DAY
    while day < other:
        if not is_neutral(day, neutral):
            return False
        day += DAY
    return True


def overlapping(award: dict[str, Any], runs: list[Run]) -> list[Run]:
    """The runs to which an award belongs: those that overlap the days it was given for."""
    return [run for run in runs if run[0] <= award["last_day"] and award["first_day"] <= run[-1]]
