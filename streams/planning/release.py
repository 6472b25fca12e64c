"""Release: what planning asked is asked once more right before a message leaves.

Between plan and release a client may opt out, be suppressed, corrected or erased, a coach may
pause a channel, and the night may have begun. The answers come from the same functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.celebration import Reason
from schemas.policy import ChannelName
from streams.planning.objections import Objection, Question, first_objection, is_follow_up
from streams.planning.timing import caps_of, first_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not yet: ask again at `until`, domain time."""

    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The message of which a follow-up reminds.

    Attributes:
        celebrated_at: when the celebration's first message left; None before.
        waits: the core has not left, and still may.
    """

    celebrated_at: datetime | None = None
    waits: bool = False


_NO_CORE = Core()


def objection_to_release(
    question: Question,
    channel: ChannelName,
    *,
    of_tier: Sequence[datetime] = (),
    of_all: Sequence[datetime] = (),
    core: Core = _NO_CORE,
) -> Objection | Wait | None:
    """Why a due delivery may not leave now; None when it may.

    Args:
        question: the ledger as it is now.
        channel: the delivery's.
        of_tier: when the tier's other celebrations of this client left; empty when a part
            of this one has left already, because it has its slot.
        of_all: likewise, of every tier but nudges.
        core: what a follow-up reminds of.
    """
    objection = first_objection(question, channel) or _too_early(question, channel, core)
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


def _too_early(question: Question, channel: ChannelName, core: Core) -> Wait | None:
    """A reminder comes its while after what it reminds of, whenever that was."""
    follow_up = question.answer.tier.follow_up
    if follow_up is None or not is_follow_up(question.answer, channel):
        return None
    if core.waits:
        return Wait(until=question.now + follow_up.after, reason="planned")
    at = core.celebrated_at + follow_up.after if core.celebrated_at else question.now
    return Wait(until=at, reason="planned") if at > question.now else None
