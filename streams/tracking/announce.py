"""Announcing: from the thresholds that were crossed to the milestones that are emitted."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from schemas.milestone import REACHED, RETRACTED, Milestone, milestone_id
from streams.tracking.awards import Verdict
from streams.tracking.facts import facts_of, so_far
from streams.tracking.instants import to_datetime
from streams.tracking.plan import Plan
from streams.tracking.profiles import day_at
from streams.tracking.settling import Told, settle_first
from streams.tracking.state import State


class Cause(NamedTuple):
    """What made thresholds fall: an event, or time alone.

    Attributes:
        at: the crossing event's time, or when an inferred session ended, or the due time.
        event_id: None when time alone caused it.
        data: the data that facts are taken from.
    """

    at: datetime
    event_id: str | None
    data: Any
    inferred: bool = False


def announce(verdicts: Sequence[Verdict], state: State, plan: Plan, cause: Cause, now_ms: int) -> Told:
    """The milestones that subscribers hear of now; what is silent is left out, what has to settle waits."""
    spoken = [verdict for verdict in verdicts if verdict.award.told or verdict.slot.rule.settle_ms]
    if not spoken:
        return Told(state)
    so_far_then = so_far(state, day_at(state, plan, cause.at))
    decided = [(verdict, _milestone(verdict, state, plan, cause, so_far_then)) for verdict in spoken]
    return settle_first(state, decided, now_ms)


def _milestone(verdict: Verdict, state: State, plan: Plan, cause: Cause, so_far_then: dict[str, Any]) -> Milestone:
    rule, slot, award = verdict.slot.rule, verdict.slot, verdict.award
    tenant, _, client = state.who.partition("/")
    occurrence = slot.occurrence(award)
    identity = milestone_id(tenant=tenant, client=client, rule=rule.id, threshold=slot.threshold, occurrence=occurrence)
    at = cause.at if verdict.at_ms is None else to_datetime(verdict.at_ms)
    return Milestone(
        type=REACHED if award.held else RETRACTED,
        tenant=tenant,
        client=client,
        milestone_id=identity,
        revision=award.revision,
        rule=rule.id,
        kind=rule.kind,
        name=rule.name.replace("{threshold}", str(slot.threshold)),
        tier=rule.tier,
        threshold=slot.threshold,
        occurrence=occurrence,
        value=verdict.value,
        reached_at=at.astimezone(UTC),
        rulebook=plan.digest,
        moment=rule.moment,
        caused_by=cause.event_id,
        facts={**facts_of(verdict, cause.data), "inferred": cause.inferred, "so_far": so_far_then},
    )
