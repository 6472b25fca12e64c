"""Handwork: the one task that a celebration leaves to the coach, in words that say what to do.

What stays human, what no channel of this service sends yet, and what a client does not want
to hear from a machine ends here, so that no win vanishes. It names no client: the list of
tasks shows who it is about.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from schemas.celebration import CoachTask, Reason
from schemas.milestone import Milestone
from schemas.policy import ChannelName
from streams.planning.answer import MESSAGES

_TELL_MINUTES: Final = 2
_CENTS: Final = 100

_CHORES: Final[Mapping[str, tuple[str, int]]] = {
    "certificate": ("send the certificate", 3),
    "gift": ("send the {gift} gift card", 3),
    "referral": ("ask for a referral", 1),
    "video": ("record a short video message", 4),
    "badge": ("send the badge", 1),
    "slack": ("post it in the community channel", 2),
    "coach_task": ("congratulate in person", 3),
}
_TELL: Final[Mapping[str, str]] = {
    "recovered": "it may have gone before the ledger was restored from a backup; look before you repeat it",
    "suppressed": "automatic messages are off for this client; tell them yourself if it fits",
    "no_consent": "the client has not agreed to such messages; tell them yourself if it fits",
    "opted_out": "the client left the channel; tell them when you next speak",
    "channel_unwanted": "the client does not want the channel; tell them when you next speak",
    "by_hand": "you congratulate this client, or for this, yourself",
    "no_channel": "no channel of this answer is set up; tell them yourself",
    "not_carried": "no message could carry it; send it yourself",
    "expired": "it could not go out in time; tell them yourself",
    "approval_over": "no time was left to ask you; tell them yourself",
    "cap_reached": "it could not go out in time; tell them yourself",
    "quiet_hours": "it could not go out in time; tell them yourself",
}

_FAILED: Final[Mapping[str, str]] = {
    "missing_fact": "its text needs something that is not known; write it yourself",
    "not_made": "its words or pictures could not be made; write it yourself",
    "no_address": "the client's profile has no address; tell them yourself, or add it",
    "no_profile": "no profile of the client has arrived; tell them yourself, or add it",
    "rejected": "the provider refused it; check the address",
    "provider_away": "the provider could not be reached for too long; tell them yourself",
    "lost_in_sending": "nobody knows whether it arrived; ask before you repeat it",
}

_OF_ALL_PARTS: Final = frozenset({"suppressed", "no_consent", "by_hand", "missing_fact"})
"""What keeps one part from going keeps all of them: the coach is asked once."""

_OF_ALL_MESSAGES: Final = frozenset({"expired", "recovered"})
"""Likewise the messages; what comes beside them is asked about by itself."""


def coach_task(
    milestone: Milestone, chores: Sequence[ChannelName], reasons: Sequence[Reason], gift_cents: int
) -> CoachTask:
    """The task for a celebration; at least one of `chores` and `reasons` says what is left to a person.

    Args:
        milestone: gives the task its title.
        chores: parts that a person carries out.
        reasons: why parts that could have gone by themselves did not.
        gift_cents: what the gift is worth.
    """
    told = dict.fromkeys(_TELL.get(reason, reason) for reason in reasons)
    jobs = [_CHORES[chore] for chore in chores]
    sentences = [", ".join(words for words, _ in jobs)] if jobs else []
    summary = "; ".join([*sentences, *told]).format(gift=_dollars(gift_cents))
    return CoachTask(
        kind="celebrate",
        reason=reasons[0] if reasons else "by_hand",
        summary=f"{milestone.name}: {summary}",
        minutes=sum(minutes for _, minutes in jobs) + (_TELL_MINUTES if told else 0),
    )


def undelivered_task(milestone: Milestone, channel: str, reason: Reason, detail: str | None) -> CoachTask:
    """The task for a message that was planned and cannot go."""
    words = _TELL.get(reason) or _FAILED[reason]
    because = f" ({detail})" if detail else ""
    return CoachTask(
        kind="undelivered",
        reason=reason,
        summary=f"{milestone.name}: the {channel} message did not go: {words}{because}",
        minutes=_TELL_MINUTES,
        part="" if reason in _OF_ALL_PARTS or (reason in _OF_ALL_MESSAGES and channel in MESSAGES) else channel,
    )


def returned_task(milestone: Milestone, channel: str, reason: Reason, detail: str | None) -> CoachTask:
    """The task for a message that its provider could not bring to the client."""
    what = "gift card" if channel == "gift" else f"{channel} message"
    told = "came back" if reason == "bounced" else "was not sent"
    because = f" ({detail})" if detail else ""
    return CoachTask(
        kind="returned",
        reason=reason,
        summary=f"{milestone.name}: the {what} {told}{because}: correct the address, and tell them yourself",
        minutes=_TELL_MINUTES,
        part=channel,
    )


def complaint_task(milestone: Milestone, channel: str) -> CoachTask:
    """The task for a client who called a message unwanted."""
    return CoachTask(
        kind="complaint",
        reason="complained",
        summary=(
            f"{milestone.name}: the client reported the {channel} message as unwanted; nothing goes to them by itself "
            "until you lift that: speak with them first"
        ),
        minutes=_TELL_MINUTES,
    )


def _dollars(cents: int) -> str:
    whole, rest = divmod(cents, _CENTS)
    return f"${whole}.{rest:02}" if rest else f"${whole}"
