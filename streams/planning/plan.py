"""Planning: a milestone becomes a celebration, each part with an outcome and its reason.

`plan` is pure and total: the same milestone, client, policy, history and instant give the
same celebration. It must never read a clock, look up an address or drop a part in silence.

Theory of operation: every channel that the answer names is judged by itself: objections
first (`objections`), then approval, then whether a person has to do it, then cap and quiet
hours (`timing`). The parts together are the celebration; what needs a person becomes one task.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal

from schemas.brake import Pause
from schemas.celebration import (
    Celebration,
    CelebrationOutcome,
    CoachTask,
    Decision,
    DecisionOutcome,
    Delivery,
    Reason,
    celebration_id,
    delivery_id,
)
from schemas.milestone import Milestone
from schemas.policy import ChannelName, Policy
from streams.planning.answer import DISTURBING, MESSAGES, Answer, Override, answer_for
from streams.planning.client_view import ClientView
from streams.planning.handwork import coach_task
from streams.planning.history import Past, is_moment_taken, slots_taken
from streams.planning.objections import Objection, Question, first_objection
from streams.planning.quiet_hours import quiet_until
from streams.planning.timing import Timing, first_time

_NO_OVERRIDE = Override()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One judged channel.

    Attributes:
        tell: a person must hear that it does not go by itself.
        is_handwork: a person carries it out; it has no delivery.
    """

    channel: ChannelName
    outcome: DecisionOutcome
    reason: Reason
    due_at: datetime
    detail: str | None = None
    tell: bool = False
    is_handwork: bool = False


def plan(  # noqa: PLR0913 - keyword-only, and each is another thing that decides
    milestone: Milestone,
    *,
    client: ClientView,
    policy: Policy,
    override: Override = _NO_OVERRIDE,
    history: Sequence[Past] = (),
    pauses: tuple[Pause, ...] = (),
    channels: frozenset[ChannelName] = MESSAGES,
    now: datetime,
) -> Celebration:
    """The celebration of a milestone.

    Args:
        milestone: reached, not retracted.
        client: what the ledger knows about the client.
        policy: the tenant's.
        override: what the rule says differently.
        history: the client's celebrations, at least of the last seven days and with moments.
        pauses: every pause in force.
        channels: those that are set up; another is skipped, and the next of the answer goes.
        now: domain time.
    """
    answer = answer_for(milestone, policy, override)
    question = Question(
        channel="in_app",
        answer=answer,
        client=client,
        pauses=pauses,
        moment_taken=is_moment_taken(history, answer.moment, milestone.milestone_id),
        now=now,
    )
    slot = _slot(answer, client, history, channels, now)
    parts = tuple(_judge(replace(question, channel=channel), slot) for channel in _channels(answer, slot))
    task = _task(parts, answer)
    if policy.mode == "shadow":
        parts, task = tuple(_shadowed(part) for part in parts), None
    return _celebration(answer, policy, parts, task, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """When the celebration may go, and by what; `is_hushed` leaves only what disturbs nobody."""

    timing: Timing
    is_hushed: bool
    channels: frozenset[ChannelName]


def _slot(
    answer: Answer, client: ClientView, history: Sequence[Past], channels: frozenset[ChannelName], now: datetime
) -> _Slot:
    taken = slots_taken(history, answer.milestone.tier, answer.milestone.milestone_id)
    quiet = answer.quiet_hours if answer.tier.quiet == "hold" else None
    timing = first_time(now, cap=answer.tier.cap, taken=taken, quiet=quiet, zone=client.zone)
    hushed = answer.tier.quiet == "downgrade" and quiet_until(timing.at, answer.quiet_hours, client.zone)
    return _Slot(timing=timing, is_hushed=bool(hushed), channels=channels)


def _channels(answer: Answer, slot: _Slot) -> tuple[ChannelName, ...]:
    """The channels to judge; a message that quiet hours downgrade goes in the app instead."""
    downgraded = slot.is_hushed and not DISTURBING.isdisjoint(answer.channels) and "in_app" not in answer.channels
    return (*answer.channels, "in_app") if downgraded else answer.channels


def _judge(question: Question, slot: _Slot) -> _Part:
    channel, answer, timing = question.channel, question.answer, slot.timing
    settled = partial(_Part, channel=channel, due_at=question.now)
    objection = first_objection(question)
    if channel not in MESSAGES | slot.channels:
        return _by_hand(question, objection)
    if objection or channel not in slot.channels:
        return _objected(question, objection or _not_set_up(answer, slot))
    if answer.approval == "always":
        return settled(outcome="task", reason="approval", tell=True)
    if timing.at >= answer.expires_at:
        return settled(outcome="skip", reason=timing.reason or "expired", tell=answer.milestone.tier == "major")
    if slot.is_hushed and channel != "in_app":
        return settled(outcome="skip", reason="quiet_hours")
    outcome: DecisionOutcome = "hold" if timing.reason else "send"
    return _Part(channel=channel, outcome=outcome, reason=timing.reason or "planned", due_at=timing.at)


def _not_set_up(answer: Answer, slot: _Slot) -> Objection:
    """A channel that is not set up is skipped; somebody hears of it if no other of the answer is."""
    return Objection(outcome="skip", reason="no_channel", by_hand=slot.channels.isdisjoint(answer.channels))


def _objected(question: Question, objection: Objection) -> _Part:
    return _Part(
        channel=question.channel,
        outcome=objection.outcome,
        reason=objection.reason,
        detail=objection.detail,
        due_at=question.now,
        tell=objection.by_hand,
    )


def _by_hand(question: Question, objection: Objection | None) -> _Part:
    """A part that a person carries out; what merely waits does not hold a person up."""
    if objection and objection.outcome == "skip":
        return replace(_objected(question, objection), is_handwork=True)
    settled = partial(_Part, channel=question.channel, due_at=question.now, is_handwork=True)
    if question.channel == "gift" and not question.answer.gift_cents:
        return settled(outcome="skip", reason="no_amount")
    waits = question.channel == "gift" and question.answer.approval == "money"
    return settled(outcome="task", reason="approval" if waits else "by_hand")


def _task(parts: tuple[_Part, ...], answer: Answer) -> CoachTask | None:
    chores = [part.channel for part in parts if part.is_handwork and part.outcome == "task"]
    reasons = [part.reason for part in parts if part.tell]
    return coach_task(answer.milestone, chores, reasons, answer.gift_cents)


def _shadowed(part: _Part) -> _Part:
    would = f"would be: {part.outcome}, {part.reason}"
    return replace(part, outcome="skip", reason="shadow", detail=would)


def _celebration(
    answer: Answer, policy: Policy, parts: tuple[_Part, ...], task: CoachTask | None, now: datetime
) -> Celebration:
    milestone, own_id = answer.milestone, celebration_id(answer.milestone.milestone_id)
    going = [part.due_at for part in parts if not part.is_handwork and part.outcome in {"send", "hold"}]
    return Celebration(
        celebration_id=own_id,
        milestone_id=milestone.milestone_id,
        revision=milestone.revision,
        tenant=milestone.tenant,
        client=milestone.client,
        rule=milestone.rule,
        tier=milestone.tier,
        mode=policy.mode,
        outcome=_outcome(parts, task),
        moment=answer.moment,
        planned_at=now,
        due_at=min(going, default=now),
        expires_at=answer.expires_at,
        deliveries=tuple(_delivery(own_id, part, answer) for part in parts if not part.is_handwork),
        decisions=tuple(
            Decision(part=part.channel, outcome=part.outcome, reason=part.reason, detail=part.detail) for part in parts
        ),
        task=task,
    )


def _outcome(parts: tuple[_Part, ...], task: CoachTask | None) -> CelebrationOutcome:
    outcomes = {part.outcome for part in parts}
    if "send" in outcomes:
        return "send"
    if "hold" in outcomes:
        return "hold"
    return "task" if task else "skip"


def _delivery(celebration: str, part: _Part, answer: Answer) -> Delivery:
    """The row that senders see: a wait for people is `held`, a wait for a time is `pending`."""
    is_going = part.outcome in {"send", "hold"}
    waits_for_people = part.reason in {"paused", "suppressed"}
    state: Literal["pending", "held", "skipped"] = "skipped"
    if is_going:
        state = "held" if waits_for_people else "pending"
    return Delivery(
        delivery_id=delivery_id(celebration, part.channel),
        channel=part.channel,
        state=state,
        reason=None if part.reason == "planned" else part.reason,
        due_at=part.due_at,
        expires_at=answer.expires_at,
    )
