"""Timing: the first instant at which every cap and the quiet hours let a celebration go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.celebration import Reason
from schemas.milestone import Tier
from schemas.policy import Cap, QuietHours
from streams.planning.caps import free_at
from streams.planning.quiet_hours import quiet_until

_HORIZON = timedelta(days=60)
_FREE_OF_WHOLE: Final = frozenset({"major", "nudge"})

Taken = tuple[Cap, Sequence[datetime]]
"""A cap, and when the other celebrations that it counts go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When it may go, and what made it wait; no reason when it need not."""

    at: datetime
    reason: Reason | None


def first_time(now: datetime, *, taken: Sequence[Taken], quiet: QuietHours | None, zone: ZoneInfo) -> Timing:
    """The first time from `now` on; the last obstacle gives the reason.

    `taken` has each cap with the slots that are taken of it; without `quiet` no hour is quiet.
    """
    at = now
    reason: Reason | None = None
    while at < now + _HORIZON:
        free = at
        for cap, slots in taken:
            free = free_at(free, cap, slots, zone)
        end = quiet_until(free, quiet, zone) if quiet else None
        if end is None and free == at:
            return Timing(at=at, reason=reason)
        at, reason = (end, "quiet_hours") if end is not None else (free, "cap_reached")
    return Timing(at=at, reason="cap_reached")


def caps_of(
    tier: Tier, cap: Cap, whole: Cap, *, of_tier: Sequence[datetime], of_all: Sequence[datetime]
) -> tuple[Taken, ...]:
    """The caps that a tier's celebration is under: its own, and the one over all, which keeps a place for a major.

    A major goes whatever the lighter ones have taken: it must not fall below its letter and certificate.
    """
    found: list[Taken] = []
    if cap.per_day is not None or cap.per_week is not None:
        found.append((cap, of_tier))
    if tier not in _FREE_OF_WHOLE and (whole.per_day is not None or whole.per_week is not None):
        found.append((_all_but_one(whole), of_all))
    return tuple(found)


def _all_but_one(cap: Cap) -> Cap:
    return Cap(per_day=_less(cap.per_day), per_week=_less(cap.per_week))


def _less(places: int | None) -> int | None:
    """A cap of one has no place to keep."""
    return None if places is None else max(places - 1, 1)
