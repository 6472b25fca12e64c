"""Objections: why a part of a celebration may not go, in the order in which they are asked.

Asked once when a milestone is planned and again when a delivery is released, by the same
function, so that no rule holds at one of the two only. The first that applies decides.

Order: erased, recovered, expired, paused, suppressed, celebrated already under the same moment,
consent, opt-out, the client's own channel preferences, a referral asked for lately, hold-out,
and what people do by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from schemas.brake import Pause
from schemas.celebration import Reason
from schemas.client import ConsentKind
from schemas.policy import ChannelName
from streams.planning.answer import Answer
from streams.planning.client_view import ClientView

_OWN_CONSENT: Final[dict[ChannelName, ConsentKind]] = {
    "gift": "marketing",
    "referral": "marketing",
    "slack": "public_praise",
}
"""Parts that need a consent of their own and drop out alone without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a part may not go now.

    Attributes:
        outcome: `hold` waits for the reason to pass; `skip` closes the part.
        by_hand: a person is told, so that the win does not vanish.
    """

    outcome: Literal["hold", "skip"]
    reason: Reason
    detail: str | None = None
    by_hand: bool = False


class Question(Struct, frozen=True, kw_only=True):
    """May the parts of this answer go, to this client, now?

    Attributes:
        is_held_out: the client is left uncelebrated to measure the effect, and this milestone is one to leave out.
        referral_is_recent: the client was asked for a referral within the cool-down.
        has_private_slack: what is posted in Slack is read by coaches alone.
        core_was_opened: the message that a follow-up would remind of was opened.
        hears_unsigned: the tenant has a source that signs nothing, so that anybody who has its address may have spoken.
        recovered: why it is held after a restore of the ledger, in somebody's words; None when it is not.
    """

    answer: Answer
    client: ClientView
    pauses: tuple[Pause, ...]
    moment_taken: bool
    now: datetime
    is_held_out: bool = False
    referral_is_recent: bool = False
    has_private_slack: bool = False
    core_was_opened: bool = False
    hears_unsigned: bool = False
    recovered: str | None = None


_ERASED: Final = Objection(outcome="skip", reason="erased")
_SAME_MOMENT: Final = Objection(outcome="skip", reason="same_moment")
_OPTED_OUT: Final = Objection(outcome="skip", reason="opted_out", by_hand=True)
_UNWANTED: Final = Objection(outcome="skip", reason="channel_unwanted", by_hand=True)
_COOL_DOWN: Final = Objection(outcome="skip", reason="cool_down")
_CORE_OPENED: Final = Objection(outcome="skip", reason="core_opened")
_HELD_OUT: Final = Objection(outcome="skip", reason="hold_out")
_BY_HAND: Final = Objection(outcome="skip", reason="by_hand", by_hand=True)


def first_objection(question: Question, channel: ChannelName) -> Objection | None:
    """The objection to one part that decides; None when there is none."""
    client = question.client
    if client.erased:
        return _ERASED
    if question.recovered is not None:  # before it is too late, so that no other message tells of it as missed
        return Objection(outcome="hold", reason="recovered", detail=question.recovered)
    if question.now >= question.answer.expires_at:
        return _expired(question.answer)
    return (
        (_paused(question, channel) if question.pauses else None)
        or (_suppressed(question) if client.suppression else None)
        or (_SAME_MOMENT if question.moment_taken else None)
        or _no_consent(question, channel)
        or _left(question, channel)
        or _set_aside(question, channel)
    )


def _expired(answer: Answer) -> Objection:
    """What comes too late; of a lighter win the next message tells, a major is left to the coach."""
    since = f"since {answer.expires_at:%Y-%m-%d %H:%M}Z"
    return Objection(outcome="skip", reason="expired", detail=since, by_hand=answer.milestone.tier == "major")


def _paused(question: Question, channel: ChannelName) -> Objection | None:
    milestone = question.answer.milestone
    pause = first_pause(question.pauses, tenant=milestone.tenant, channel=channel, rule=milestone.rule)
    return Objection(outcome="hold", reason="paused", detail=pause.reason) if pause else None


def first_pause(pauses: Iterable[Pause], *, tenant: str, channel: str, rule: str) -> Pause | None:
    """The first pause that covers a message."""
    return next((p for p in pauses if p.covers(tenant=tenant, channel=channel, rule=rule)), None)


def _suppressed(question: Question) -> Objection | None:
    found = question.client.suppression
    if not found or (found.until is not None and found.until <= question.now):
        return None
    outcome: Literal["hold", "skip"] = "hold" if found.answer == "hold" else "skip"
    return Objection(outcome=outcome, reason="suppressed", detail=found.reason, by_hand=True)


def _no_consent(question: Question, channel: ChannelName) -> Objection | None:
    answer, client = question.answer, question.client
    if not client.consents_to("service"):
        return _unconsented("service", by_hand=True)
    if answer.tier.consent != "service" and not client.consents_to(answer.tier.consent):
        return _unconsented(answer.tier.consent, by_hand=True)
    if answer.personal and not client.consents_to("personal_signals"):
        return _unconsented("personal_signals", by_hand=True)
    own = _OWN_CONSENT.get(channel)
    if own is None or (channel == "slack" and question.has_private_slack) or client.consents_to(own):
        return None
    return _unconsented(own, by_hand=False)


def _unconsented(kind: ConsentKind, *, by_hand: bool) -> Objection:
    return Objection(outcome="skip", reason="no_consent", detail=kind, by_hand=by_hand)


def _left(question: Question, channel: ChannelName) -> Objection | None:
    if channel in question.client.opted_out:
        return _OPTED_OUT
    return _UNWANTED if channel in question.client.unwanted else None


def _set_aside(question: Question, channel: ChannelName) -> Objection | None:
    if channel == "referral" and question.referral_is_recent:
        return _COOL_DOWN
    if question.core_was_opened and is_follow_up(question.answer, channel):
        return _CORE_OPENED
    if question.is_held_out:
        return _HELD_OUT
    return _BY_HAND if goes_by_hand(question) else None


def is_follow_up(answer: Answer, channel: ChannelName) -> bool:
    """Whether the channel only reminds of this answer's message."""
    return answer.tier.follow_up is not None and channel in answer.tier.follow_up.channels


def goes_by_hand(question: Question) -> bool:
    """Whether people congratulate, never a machine."""
    answer, chosen = question.answer, question.answer.policy.by_hand
    return answer.by_hand or answer.milestone.client in chosen.ids or not question.client.tags.isdisjoint(chosen.tags)


def is_asked_first(question: Question) -> bool:
    """Whether nothing goes to the client without approval."""
    chosen = question.answer.policy.ask_first
    return question.answer.milestone.client in chosen.ids or not question.client.tags.isdisjoint(chosen.tags)
