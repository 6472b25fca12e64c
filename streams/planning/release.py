"""Release: what planning asked is asked once more right before a message leaves.

Between plan and release a client may opt out, be suppressed, corrected or erased, a coach may
pause a channel, and the night may have begun. The answers come from the same functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.celebration import Reason
from schemas.policy import ChannelName
from streams.planning.objections import Objection, Question, first_objection
from streams.planning.timing import caps_of, first_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not yet: ask again at `until`, domain time."""

    until: datetime
    reason: Reason


def objection_to_release(
    question: Question,
    channel: ChannelName,
    *,
    of_tier: Sequence[datetime] = (),
    of_all: Sequence[datetime] = (),
) -> Objection | Wait | None:
    """Why a due delivery may not leave now; None when it may.

    Args:
        question: the ledger as it is now.
        channel: the delivery's.
        of_tier: when the tier's other celebrations of this client left; empty when a part
            of this one has left already, because it has its slot.
        of_all: likewise, of every tier but nudges.
    """
    objection = first_objection(question, channel)
    if objection:
        return objection
    answer = question.answer
    is_silent = channel == "in_app" and answer.tier.quiet == "downgrade"
    quiet = None if answer.tier.quiet == "send" or is_silent else answer.policy.quiet_hours
    taken = caps_of(answer.milestone.tier, answer.tier.cap, answer.policy.cap, of_tier=of_tier, of_all=of_all)
    timing = first_time(question.now, taken=taken, quiet=quiet, zone=question.client.zone)
    if timing.reason is None:
        return None
    if timing.at < answer.expires_at:
        return Wait(until=timing.at, reason=timing.reason)
    is_major = answer.milestone.tier == "major"
    return Objection(outcome="skip", reason=timing.reason, by_hand=is_major)
