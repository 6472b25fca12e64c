"""Reasons in words: what a coach is told when they ask why something was sent, or was not.

Each reason of `schemas.celebration` has its clause; a test holds that. It must never say who the
client is: a clause is about the decision alone.
"""

from collections.abc import Mapping
from typing import Final

_REASONS: Final[Mapping[str, str]] = {
    "planned": "nothing stood in its way",
    "erased": "the client was erased",
    "expired": "it was too late: congratulations that come late are better left",
    "paused": "an operator has paused it",
    "recovered": "the ledger was restored from a backup, and it may have gone before",
    "let_go": "a person knows that it had not gone before the ledger was restored",
    "suppressed": "automatic messages are switched off for this client",
    "same_moment": "the same moment was celebrated already, by another rule",
    "no_consent": "the client has not agreed to such messages",
    "opted_out": "the client has left this channel",
    "channel_unwanted": "the client's preferences switch this channel off",
    "approval": "it needs a coach's approval first",
    "by_hand": "a person carries this part out",
    "no_amount": "no amount is set for the gift",
    "cap_reached": "the client gets as much of this tier already as its cap allows",
    "quiet_hours": "the client's quiet hours",
    "shadow": "the rulebook is in shadow mode: everything is planned and nothing sent",
    "retracted": "the milestone was withdrawn before this left",
    "retracted_after_sending": "the milestone was withdrawn after this had left",
    "missing_fact": "its text needs something that is not known",
    "not_made": "its words or pictures could not be made",
    "no_address": "the client's profile has no address for this channel",
    "no_profile": "no profile of the client has arrived",
    "rejected": "the provider refused it",
    "provider_away": "the provider could not be reached for too long",
    "lost_in_sending": "nobody knows whether it arrived, so it is not sent again",
    "no_channel": "this channel is not set up",
    "celebrated_before": "it was celebrated already before this answer was planned",
    "merged": "the message of another celebration tells of it too",
    "hold_out": "the client belongs to those who are left out to measure the effect",
    "over_budget": "the month's budget does not allow it",
    "declined": "a coach said no",
    "taken_over": "a coach took it over",
    "approval_over": "nobody approved it in time",
    "core_opened": "the client had opened the main message already",
    "cool_down": "the client was asked too recently",
    "not_carried": "no message went that could have carried it",
    "bounced": "the address does not take it",
    "complained": "the client has called it unwanted",
    "provider_told": "the provider has told what became of it",
    "resolved": "a person has said what became of it",
    "resent": "a person, or the policy, has let it go once more",
    "given_up": "a person has given it up",
    "approved": "a coach has approved it",
    "linked": "the client is somebody else by now, for whom it counts",
    "revised": "a correction changed it while it waited for the coach",
}
_OUTCOMES: Final[Mapping[str, str]] = {
    "send": "goes",
    "hold": "waits",
    "skip": "does not go",
    "task": "is left to the coach",
    "withdraw": "was taken back",
    "merge": "goes with another message",
}
_PARTS: Final[Mapping[str, str]] = {
    "celebration": "the whole celebration",
    "in_app": "the message in the app",
    "email": "the mail",
    "sms": "the text message",
    "slack": "the post in Slack",
    "gift": "the gift",
    "certificate": "the certificate",
    "badge": "the badge",
    "video": "the video",
    "referral": "the ask for a referral",
    "coach_task": "the coach's own part",
}


def in_words(part: str, outcome: str, reason: str, detail: str | None = None) -> str:
    """One decision as a sentence: what becomes of the part, and why; `detail` in brackets."""
    what = f"{_PARTS.get(part, part)} {_OUTCOMES.get(outcome, outcome)}: {because(reason)}"
    return f"{what[0].upper()}{what[1:]}{f' ({detail})' if detail else ''}."


def because(reason: str) -> str:
    """The clause of a reason; one that a newer version wrote stands for itself."""
    return _REASONS.get(reason, reason.replace("_", " "))
