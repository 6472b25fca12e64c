"""History: what a client was celebrated for before, as far as planning asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from schemas.celebration import Celebration
from schemas.milestone import Tier

LIVE_OUTCOMES = frozenset({"send", "hold", "task", "merged"})
MACHINE_OUTCOMES = frozenset({"send", "hold"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One earlier celebration.

    Attributes:
        at: when it went, or will go.
        moment: as `Answer.moment`.
        counts: whether it takes a slot of its tier's cap.
    """

    milestone_id: str
    tier: Tier
    at: datetime
    moment: str | None
    counts: bool


def past_of(celebration: Celebration) -> tuple[Past, ...]:
    """What a celebration planned just now means for the next one; nothing if nothing came of it."""
    if celebration.outcome not in LIVE_OUTCOMES:
        return ()
    past = Past(
        milestone_id=celebration.milestone_id,
        tier=celebration.tier,
        at=celebration.due_at,
        moment=celebration.moment,
        counts=celebration.outcome in MACHINE_OUTCOMES,
    )
    return (past,)


def is_moment_taken(history: Iterable[Past], moment: str | None, milestone_id: str) -> bool:
    """Whether another milestone was celebrated under the same moment."""
    return moment is not None and any(past.moment == moment and past.milestone_id != milestone_id for past in history)


def slots_taken(history: Iterable[Past], tier: Tier, milestone_id: str) -> tuple[datetime, ...]:
    """When the tier's other celebrations of this client went or will go."""
    return tuple(
        [past.at for past in history if past.counts and past.tier == tier and past.milestone_id != milestone_id]
    )


def all_slots_taken(history: Iterable[Past], milestone_id: str) -> tuple[datetime, ...]:
    """When the other celebrations of this client went or will go; nudges are none."""
    return tuple([p.at for p in history if p.counts and p.tier != "nudge" and p.milestone_id != milestone_id])
