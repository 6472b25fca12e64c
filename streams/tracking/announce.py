"""Announcing: from the thresholds that were crossed to the milestones that are emitted."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from schemas.milestone import REACHED, RETRACTED, Milestone, milestone_id
from streams.tracking.awards import Verdict
from streams.tracking.facts import facts_of, so_far
from streams.tracking.plan import Plan
from streams.tracking.profiles import day_at
from streams.tracking.state import State


class Cause(NamedTuple):
    """What made thresholds fall: an event, or time alone.

    Attributes:
        at: the crossing event's time, or when an inferred session ended.
        event_id: None when time alone caused it.
        data: the data that facts are taken from.
    """

    tenant: str
    client: str
    at: datetime
    event_id: str | None
    data: Any
    inferred: bool = False


def announce(verdicts: Iterable[Verdict], state: State, plan: Plan, cause: Cause) -> tuple[Milestone, ...]:
    """The milestones that subscribers hear of; what is silent is left out."""
    told = [verdict for verdict in verdicts if verdict.told]
    if not told:
        return ()
    so_far_then = so_far(state, day_at(state, plan, cause.at))
    return tuple(_milestone(verdict, plan, cause, so_far_then) for verdict in told)


def _milestone(verdict: Verdict, plan: Plan, cause: Cause, so_far_then: dict[str, Any]) -> Milestone:
    rule = verdict.rule
    identity = milestone_id(
        tenant=cause.tenant,
        client=cause.client,
        rule=rule.id,
        threshold=verdict.threshold,
        occurrence=verdict.occurrence,
    )
    return Milestone(
        type=REACHED if verdict.reached else RETRACTED,
        tenant=cause.tenant,
        client=cause.client,
        milestone_id=identity,
        revision=verdict.revision,
        rule=rule.id,
        kind=rule.kind,
        name=rule.name.replace("{threshold}", str(verdict.threshold)),
        tier=rule.tier,
        threshold=verdict.threshold,
        occurrence=verdict.occurrence,
        value=verdict.value,
        reached_at=cause.at.astimezone(UTC),
        rulebook=plan.digest,
        moment=rule.moment,
        caused_by=cause.event_id,
        facts={**facts_of(verdict, cause.data), "inferred": cause.inferred, "so_far": so_far_then},
    )
