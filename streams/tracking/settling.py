"""Settling: a milestone of a rule with `settle` waits that long, and is emitted if it still holds.

A reversal within that time cancels it as if it had never been, a new crossing starts the clock anew.
What is told of it (its time, its value, its facts) is that of the crossing.
"""

from collections.abc import Sequence
from typing import final

from msgspec import Struct
from msgspec.structs import replace

from schemas.milestone import Milestone
from streams.tracking.awards import Verdict, forget_reaching
from streams.tracking.state import Settling, State


@final
class Told(Struct, frozen=True, gc=False):
    """The state after something happened, and what subscribers hear of it."""

    state: State
    milestones: tuple[Milestone, ...] = ()


def settle_first(state: State, decided: Sequence[tuple[Verdict, Milestone]], now_ms: int) -> Told:
    """The state in which what has to settle waits, and the milestones that need not."""
    told: list[Milestone] = []
    for verdict, milestone in decided:
        waits, name = verdict.slot.rule.settle_ms, milestone.milestone_id
        if name in state.settling and not verdict.award.held:
            settling = {other: kept for other, kept in state.settling.items() if other != name}
            state = replace(state, settling=settling, awards=forget_reaching(state.awards, verdict))
        elif waits and verdict.award.held:
            waiting = Settling(now_ms + waits, milestone, verdict.award.told)
            state = replace(state, settling={**state.settling, name: waiting})
        elif verdict.award.told:
            told.append(milestone)
    return Told(state, tuple(told))


def settle_due(state: State, name: str) -> Told:
    """The state after a milestone has waited long enough."""
    waited = state.settling[name]
    left = replace(state, settling={other: kept for other, kept in state.settling.items() if other != name})
    return Told(left, (waited.milestone,) if waited.told else ())
