"""Judge: what becomes of one part of an answer, and why.

It must never let money go that nobody may answer for: where approval is needed, the session
was only inferred, a source signs nothing, or the month's budget is used up, the gift waits for a coach's word.

Theory of operation: in the order of the reasons that a coach would give. First what objects,
then what a person does in any case, then approval, then the first time that caps and quiet
hours leave. What is not set up is somebody's to do, but for a text message, for which the next
channel goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from schemas.celebration import DecisionOutcome, Reason
from schemas.policy import ChannelName
from streams.planning.account import Account
from streams.planning.answer import DISTURBING, MESSAGES, Answer
from streams.planning.approvals import leaves_time_to_ask
from streams.planning.client_view import ClientView
from streams.planning.history import Past, all_slots_taken, slots_taken
from streams.planning.objections import Objection, Question, first_objection, is_asked_first, is_follow_up
from streams.planning.quiet_hours import quiet_until
from streams.planning.timing import Timing, caps_of, first_time

_GOES: Final = frozenset({"send", "hold"})


class Part(Struct, frozen=True, kw_only=True):
    """One judged channel.

    Attributes:
        tell: a person must hear that it does not go by itself.
        asks: a coach is asked first, whatever else it waits for.
        is_handwork: a person carries it out; it has no delivery.
    """

    channel: ChannelName
    outcome: DecisionOutcome
    reason: Reason
    due_at: datetime
    detail: str | None = None
    tell: bool = False
    asks: bool = False
    is_handwork: bool = False

    @property
    def goes(self) -> bool:
        """Whether it goes by itself, now or later."""
        return self.outcome in _GOES and not self.is_handwork

    @property
    def waits_for_approval(self) -> bool:
        """Whether a coach is asked first."""
        return self.asks and self.goes


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """When the celebration may go, and by what; `is_hushed` leaves only what disturbs nobody."""

    timing: Timing
    is_hushed: bool
    channels: frozenset[ChannelName]


def slot_of(
    answer: Answer, client: ClientView, history: Sequence[Past], channels: frozenset[ChannelName], now: datetime
) -> Slot:
    """The first slot that caps and quiet hours leave to a celebration; `channels` are those that are set up."""
    milestone, tier, hours = answer.milestone, answer.tier, answer.policy.quiet_hours
    taken = caps_of(
        milestone.tier,
        tier.cap,
        answer.policy.cap,
        of_tier=slots_taken(history, milestone.tier, milestone.milestone_id),
        of_all=all_slots_taken(history, milestone.milestone_id),
    )
    timing = first_time(now, taken=taken, quiet=hours if tier.quiet == "hold" else None, zone=client.zone)
    is_hushed = tier.quiet == "downgrade" and quiet_until(timing.at, hours, client.zone) is not None
    return Slot(timing=timing, is_hushed=is_hushed, channels=channels)


def channels_of(answer: Answer, slot: Slot) -> tuple[ChannelName, ...]:
    """The channels to judge; a message that quiet hours downgrade goes in the app instead."""
    downgraded = slot.is_hushed and not DISTURBING.isdisjoint(answer.channels) and "in_app" not in answer.channels
    return (*answer.channels, "in_app") if downgraded else answer.channels


def judge(question: Question, channel: ChannelName, slot: Slot, account: Account) -> Part:
    """What becomes of one part."""
    answer, now = question.answer, question.now
    objection = first_objection(question, channel)
    if objection is None and channel == "gift" and not answer.gift_cents:
        objection = Objection(outcome="skip", reason="no_amount")
    if channel not in MESSAGES and channel not in slot.channels:
        return _handmade(channel, objection, question)
    if objection is None and channel not in slot.channels:
        objection = _not_set_up(answer, slot)
    asked = _asked(question, channel, account)
    if objection is not None:
        return _objected(channel, objection, now, asks=asked is not None)
    if asked is not None and channel in MESSAGES and not leaves_time_to_ask(now, answer.expires_at):
        return Part(channel=channel, outcome="skip", reason="approval_over", due_at=now, tell=True)
    if asked is not None:
        return Part(channel=channel, outcome="hold", reason=asked, due_at=now + _while_of(answer, channel), asks=True)
    return _timed(channel, answer, slot, now)


def _objected(channel: ChannelName, objection: Objection, now: datetime, *, asks: bool) -> Part:
    """A part that somebody objects to; what a brake merely holds must not slip past the coach when that is lifted."""
    by_hand = objection.reason == "by_hand"
    return Part(
        channel=channel,
        outcome="task" if by_hand else objection.outcome,
        reason=objection.reason,
        detail=objection.detail,
        due_at=now,
        tell=objection.by_hand and channel in MESSAGES,
        asks=asks,
        is_handwork=by_hand and channel not in MESSAGES,
    )


def _not_set_up(answer: Answer, slot: Slot) -> Objection:
    """A channel that is not set up is skipped; somebody hears of it if no other of the answer is."""
    return Objection(outcome="skip", reason="no_channel", by_hand=slot.channels.isdisjoint(answer.channels))


def _handmade(channel: ChannelName, objection: Objection | None, question: Question) -> Part:
    """A part that a person carries out; what merely waits does not hold a person up."""
    if objection and objection.outcome == "skip" and objection.reason != "by_hand":
        return Part(
            channel=channel,
            outcome="skip",
            reason=objection.reason,
            detail=objection.detail,
            due_at=question.now,
            is_handwork=True,
        )
    waits = channel == "gift" and question.answer.approval != "never"
    is_recovered = question.recovered is not None
    return Part(
        channel=channel,
        outcome="task",
        reason="recovered" if is_recovered else "approval" if waits else "by_hand",
        due_at=question.now,
        tell=is_recovered,
        is_handwork=True,
    )


def _asked(question: Question, channel: ChannelName, account: Account) -> Reason | None:
    """Why a coach is asked first; None when nobody is."""
    answer, budget = question.answer, question.answer.policy.budget
    if answer.approval == "always" or is_asked_first(question):
        return "approval"
    if channel != "gift":
        return None
    if answer.approval == "money" or answer.milestone.facts.get("inferred") or question.hears_unsigned:
        return "approval"
    is_within = (
        account.spent_cents + answer.gift_cents <= budget.client_month_cents
        and account.tenant_spent_cents + answer.gift_cents <= budget.tenant_month_cents
    )
    return None if is_within else "over_budget"


def _timed(channel: ChannelName, answer: Answer, slot: Slot, now: datetime) -> Part:
    timing = slot.timing
    at = timing.at + _while_of(answer, channel)
    if at >= answer.expires_at:
        is_major = answer.milestone.tier == "major"
        reason = timing.reason or "expired"
        return Part(channel=channel, outcome="skip", reason=reason, due_at=now, tell=is_major and channel in MESSAGES)
    if slot.is_hushed and channel in DISTURBING:
        return Part(channel=channel, outcome="skip", reason="quiet_hours", due_at=now)
    return Part(channel=channel, outcome="hold" if at > now else "send", reason=timing.reason or "planned", due_at=at)


def _while_of(answer: Answer, channel: ChannelName) -> timedelta:
    """How long a reminder waits; nothing for any other part."""
    follow_up = answer.tier.follow_up
    return follow_up.after if follow_up is not None and is_follow_up(answer, channel) else timedelta(0)
