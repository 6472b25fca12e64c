"""Objections: why a part of a celebration may not go, in the order in which they are asked.

Asked once when a milestone is planned and again when a delivery is released, by the same
function, so that no rule holds at one of the two only. The first that applies decides.

Order: erased, expired, paused, suppressed, celebrated already under the same moment,
consent, opt-out, the client's own channel preferences.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this part go, to this client, now?"""

    channel: ChannelName
    answer: Answer
    client: ClientView
    pauses: tuple[Pause, ...]
    moment_taken: bool
    now: datetime


def first_objection(question: Question) -> Objection | None:
    """The objection that decides; None when there is none."""
    found = (ask(question) for ask in _IN_ORDER)
    return next((objection for objection in found if objection), None)


def _erased(question: Question) -> Objection | None:
    return Objection(outcome="skip", reason="erased") if question.client.erased else None


def _expired(question: Question) -> Objection | None:
    if question.now < question.answer.expires_at:
        return None
    return Objection(outcome="skip", reason="expired", detail=f"since {question.answer.expires_at:%Y-%m-%d %H:%M}Z")


def _paused(question: Question) -> Objection | None:
    milestone = question.answer.milestone
    pause = first_pause(question.pauses, tenant=milestone.tenant, channel=question.channel, rule=milestone.rule)
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


def _same_moment(question: Question) -> Objection | None:
    return Objection(outcome="skip", reason="same_moment") if question.moment_taken else None


def _no_consent(question: Question) -> Objection | None:
    for kind in ("service", question.answer.tier.consent):
        if not question.client.consents_to(kind):
            return Objection(outcome="skip", reason="no_consent", detail=kind, by_hand=True)
    own = _OWN_CONSENT.get(question.channel)
    if own and not question.client.consents_to(own):
        return Objection(outcome="skip", reason="no_consent", detail=own)
    return None


def _opted_out(question: Question) -> Objection | None:
    left = question.channel in question.client.opted_out
    return Objection(outcome="skip", reason="opted_out", by_hand=True) if left else None


def _unwanted(question: Question) -> Objection | None:
    unwanted = question.channel in question.client.unwanted
    return Objection(outcome="skip", reason="channel_unwanted", by_hand=True) if unwanted else None


_IN_ORDER: Final[tuple[Callable[[Question], Objection | None], ...]] = (
    _erased,
    _expired,
    _paused,
    _suppressed,
    _same_moment,
    _no_consent,
    _opted_out,
    _unwanted,
)
