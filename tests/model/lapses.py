"""Lapses: when a run counts as broken, and what mends it (semantic 5).

A lapse belongs to the runs that overlap the days it was given for. Of the lapses that belong to
one run only the one given for the latest days can stand, so that joining two broken runs
takes back the lapse of the first: its break was mended.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from schemas.event import LAST_YEAR
from tests.model.amounts import Rule
from tests.model.days import DAY, instant, start_of, zone_of
from tests.model.ledger import Award
from tests.model.log import Event
from tests.model.streaks import Run, days_of, missed_day, overlapping, runs_of

Break = dict[str, Any]


def breaks_of(rule: Rule, streak: Rule, events: list[Event], start: int, when_due: Callable[[date], datetime]) -> Any:
    """By `per` value, every run that is long enough and will be broken: `run`, `missed` and `due_at`."""
    found: dict[str | None, list[Break]] = {}
    days = days_of(streak, events, start)
    for per, runs in runs_of(streak, events, start).items():
        found[per] = []
        for run in runs:
            missed = missed_day(run, days[per][1])
            if len(run) >= rule["when"].get("min_days", 1) and missed is not None and missed.year <= LAST_YEAR:
                found[per].append({"run": run, "missed": missed, "due_at": when_due(missed)})
    return found


def when_due(profile: Any, defaults: dict[str, Any]) -> Callable[[date], datetime]:
    """When a missed day has ended and its grace as well, in the zone of the profile."""
    zone, starts_at = zone_of(profile, defaults), start_of(profile, defaults)
    grace = timedelta(hours=defaults["grace_hours"])
    return lambda missed: instant(missed + DAY, starts_at, zone) + grace


def awards_of_run(run: Run, awards: list[Award]) -> list[Award]:
    """The awards that belong to a run, the one given for the latest days first."""
    mine = [award for award in awards if overlapping(award, [run])]
    return sorted(mine, key=lambda award: award["last_day"], reverse=True)


def break_that_holds(award: Award, awards: list[Award], breaks: list[Break], clock: datetime) -> Break | None:
    """The broken run for which an award stands; None if there is none left.

    A break on the day it was given for stays due whatever the zone became since.
    """
    for found in reversed(breaks):
        was_due = found["missed"] == award["missed"] or found["due_at"] <= clock
        if was_due and awards_of_run(found["run"], awards)[:1] == [award]:
            return found
    return None
