"""Verdicts: what becomes of a delivery after it was asked about or attempted.

Everything that can happen to a claimed delivery ends here as a value: a wait, a bounded retry,
an end with its reason, and the task that the coach gets when no machine will go on.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from schemas.celebration import CoachTask, Decision, DecisionOutcome, DeliveryState, Reason, Verdict
from schemas.milestone import Milestone
from streams.planning.backoff import MAX_ATTEMPTS, backoff_seconds
from streams.planning.handwork import undelivered_task
from streams.planning.objections import Objection
from streams.planning.release import Wait

MAX_DEFERRALS: Final = 8
"""With the back-off's doubling: about four to eight minutes for a profile to arrive."""

_DOUBTED: Final[tuple[DeliveryState, Reason]] = ("unknown", "lost_in_sending")
_GIVEN_UP: Final[tuple[DeliveryState, Reason]] = ("failed", "provider_away")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The delivery that a verdict is about.

    Attributes:
        attempts: conversations with the provider so far.
        deferrals: waits for something of ours so far.
    """

    delivery_id: str
    channel: str
    milestone: Milestone
    attempts: int
    deferrals: int


def on_objection(case: Case, objection: Objection | Wait) -> Verdict:
    """It may not go now: it waits for a time, is held for people, or is closed."""
    if isinstance(objection, Wait):
        return Verdict(state="pending", reason=objection.reason, due_at=objection.until)
    outcome, reason, detail = objection.outcome, objection.reason, objection.detail
    return Verdict(
        state="held" if outcome == "hold" else "skipped",
        reason=reason,
        decision=Decision(part=case.channel, outcome=outcome, reason=reason, detail=detail),
        task=undelivered_task(case.milestone, case.channel, reason, detail) if objection.by_hand else None,
    )


def on_budget(case: Case, coach: str) -> Verdict:
    """The month's money is used up: the coach is asked, by id."""
    decision = Decision(part=case.channel, outcome="hold", reason="over_budget")
    return Verdict(state="held", reason="approval", decision=decision, asks_coach=coach)


def on_absence(case: Case, reason: Literal["no_profile", "no_address"]) -> Verdict:
    """The profile or the address may still arrive: wait a little, then ask the coach."""
    if case.deferrals < MAX_DEFERRALS:
        wait_seconds = backoff_seconds(case.deferrals + 1, case.delivery_id)
        return Verdict(state="deferred", reason=reason, retry_seconds=wait_seconds, deferred=True)
    return on_fault(case, reason)


def on_fault(case: Case, reason: Reason, detail: str | None = None) -> Verdict:
    """No attempt can work: a person takes over."""
    return _ended(case, "failed", reason, detail)


def on_doubt(case: Case, verdict: Verdict) -> Verdict:
    """What may have been ordered by an earlier attempt is never called not given: it is not known."""
    return _ended(case, *_DOUBTED, verdict.reason) if verdict.state in ("skipped", "failed") else verdict


def on_outcome(
    case: Case,
    kind: Literal["accepted", "retry", "rejected", "unknown"],
    detail: str,
    provider_id: str | None = None,
    *,
    in_doubt: bool = False,
) -> Verdict:
    """The provider answered, or did not; `in_doubt` when it may have taken this attempt, or an earlier one."""
    if kind == "accepted":
        return Verdict(state="sent", provider_id=provider_id, attempted=True)
    if kind == "unknown":
        return _ended(case, *_DOUBTED, detail, attempted=True)
    if kind == "rejected":
        return replace(_ended(case, "failed", "rejected", detail, attempted=True), provider_id=provider_id)
    if case.attempts + 1 >= MAX_ATTEMPTS:
        state, reason = _DOUBTED if in_doubt else _GIVEN_UP
        return _ended(case, state, reason, detail, attempted=True)
    wait_seconds = backoff_seconds(case.attempts + 1, case.delivery_id)
    return Verdict(state="deferred", reason="provider_away", retry_seconds=wait_seconds, attempted=True)


def _ended(case: Case, state: DeliveryState, reason: Reason, detail: str | None, *, attempted: bool = False) -> Verdict:
    outcome: DecisionOutcome = "task"
    task: CoachTask = undelivered_task(case.milestone, case.channel, reason, detail)
    return Verdict(
        state=state,
        reason=reason,
        attempted=attempted,
        decision=Decision(part=case.channel, outcome=outcome, reason=reason, detail=detail),
        task=task,
    )
