"""What a client has reached, as plain data: the ledger of awards, and milestones that wait until they are told."""

from typing import Any

from agents.viewpoint import Viewpoint
from streams.tracking.awards import Award
from streams.tracking.instants import to_datetime
from streams.tracking.local_days import iso
from streams.tracking.plan import SEPARATOR
from streams.tracking.state import State

_GROWN = 4  # numbers of a run that holds for other days than it was given for


def awards_of(state: State, _view: Viewpoint) -> list[dict[str, Any]]:
    """The ledger: what was awarded, whether it holds, and whether anybody is told of it."""
    waiting = {
        _place(one.milestone.rule, one.milestone.threshold, one.milestone.occurrence) for one in _settling(state)
    }
    return [_award(key, award, waiting) for key, awards in sorted(state.awards.items()) for award in awards]


def settling_of(state: State, _view: Viewpoint) -> list[dict[str, Any]]:
    """Milestones that are told when they are due, if they still hold by then; the next first."""
    return [
        {
            "rule": one.milestone.rule,
            "threshold": one.milestone.threshold,
            "occurrence": one.milestone.occurrence,
            "name": one.milestone.name,
            "due_at": to_datetime(one.due_ms),
            "silent": not one.told,
        }
        for one in _settling(state)
    ]


def _settling(state: State) -> list[Any]:
    return sorted(state.settling.values(), key=lambda one: one.due_ms)


def _place(rule: str, threshold: object, occurrence: str) -> tuple[str, str, str]:
    return rule, "" if threshold is None else str(threshold), occurrence


def _award(key: str, award: Award, waiting: set[tuple[str, str, str]]) -> dict[str, Any]:
    rule, threshold, *per = key.split(SEPARATOR)
    first_day = iso(award.run[0]) if award.run else None
    occurrence = "/".join(part for part in (SEPARATOR.join(per), first_day) if part) or "once"
    is_waiting = (rule, threshold, occurrence) in waiting
    shown = {
        "rule": rule,
        "threshold": threshold or None,
        "per": SEPARATOR.join(per) or None,
        "revision": award.revision,
        "standing": "settling" if is_waiting else "held" if award.held else "withdrawn",
        "silent": not award.told,
        "first_day": first_day,
        "days": award.run[1] if award.run else None,
    }
    if award.run is None or len(award.run) < _GROWN:
        return shown
    return {**shown, "held_by": {"first_day": iso(award.run[-2]), "days": award.run[-1]}}
