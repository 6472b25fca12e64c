"""Approvals: when a coach is asked again, when the wait is over, and what an answer means for each part.

It must never let money go that nobody approved, and never let a part vanish in silence: each
gets a decision with its reason, and what nobody will send any more becomes a task or was declined
by a person who is named.

Theory of operation: a coach is asked for the parts that wait. Four hours later the question goes
out once more; after twenty hours the wait is over: what is left goes, but for the gift. Both are
nearer when the celebration expires earlier. What a person says, and what time or a correction
says in their place, is one `Ruling`, and `settle` turns it into what becomes of the parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from schemas.celebration import CoachTask, Decision, DecisionOutcome, Reason
from schemas.milestone import Milestone
from schemas.policy import ChannelName
from streams.planning.answer import MESSAGES
from streams.planning.handwork import coach_task

Answer = Literal["approve", "decline", "take_over"]
Ending = Literal["approval_over", "erased", "retracted", "revised", "replanned", "nothing_waits"]
Ruling = Answer | Ending
ApprovalState = Literal["open", "approved", "declined", "taken_over", "closed"]

MONEY: Final[frozenset[ChannelName]] = frozenset({"gift"})
"""Parts that cost something and never go without a yes."""

_WAIT: Final = timedelta(hours=20)
_ASKED_AGAIN_AFTER: Final = 5
"""The question goes out once more after a fifth of the wait: four hours of twenty."""
_TIME_TO_SEND: Final = timedelta(hours=1)
_TIME_TO_ANSWER: Final = timedelta(hours=1)

_STATES: Final[dict[Ruling, ApprovalState]] = {
    "approve": "approved",
    "decline": "declined",
    "take_over": "taken_over",
}
_TOLD: Final[dict[Ruling, str]] = {
    "approval_over": "nobody approved it in time, and the rest went without it; give it yourself if it fits",
    "revised": "the record was corrected while this waited for a yes; look at it, then do it yourself if it fits",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """When a coach is asked again, and when the wait is over; domain time."""

    escalate_at: datetime
    close_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What has become of what a coach is asked about.

    Attributes:
        asked_revision: of the milestone, when the coach was asked.
        heard_revision: its newest.
        planned_revision: the one that the celebration is planned at.
        waiting: the parts that were asked about and have neither left nor been closed.
    """

    erased: bool
    retracted: bool
    asked_revision: int
    heard_revision: int
    planned_revision: int
    waiting: tuple[ChannelName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a ruling means.

    Attributes:
        reason: why it was closed; None after a person's answer.
        released: parts that wait for a sender now, with the reason that their rows carry.
        closed: parts that do not go.
        outcome: what becomes of a celebration of which nothing left or will; None leaves it.
    """

    state: ApprovalState
    reason: Ending | None
    released: tuple[ChannelName, ...] = ()
    released_because: Reason = "approved"
    closed: tuple[ChannelName, ...] = ()
    closed_because: Reason = "approval_over"
    decisions: tuple[Decision, ...] = ()
    task: CoachTask | None = None
    outcome: Literal["task", "skip"] | None = None


def deadlines(asked_at: datetime, expires_at: datetime) -> Deadlines:
    """When to ask again and when to close.

    Args:
        asked_at: when the coach is asked.
        expires_at: after this nothing of the celebration goes; the wait leaves an hour to send in.
    """
    close_at = max(min(asked_at + _WAIT, expires_at - _TIME_TO_SEND), asked_at)
    return Deadlines(escalate_at=asked_at + (close_at - asked_at) / _ASKED_AGAIN_AFTER, close_at=close_at)


def leaves_time_to_ask(now: datetime, expires_at: datetime) -> bool:
    """Whether a coach could answer before the question closes; without that words would go that nobody has seen."""
    return deadlines(now, expires_at).close_at >= now + _TIME_TO_ANSWER


def ending(situation: Situation) -> Ending | None:
    """Why nobody needs to answer any more; None while the question stands."""
    if situation.erased:
        return "erased"
    if situation.retracted:
        return "retracted"
    if situation.planned_revision != situation.asked_revision:
        return "replanned"
    if situation.heard_revision != situation.asked_revision:
        return "revised"
    return None if situation.waiting else "nothing_waits"


def settle(
    ruling: Ruling, milestone: Milestone, waiting: Sequence[ChannelName], *, cents: int, author: str | None = None
) -> Settlement:
    """What becomes of the parts that wait.

    Args:
        ruling: what a person said, or what ended the wait in their place.
        milestone: what is celebrated.
        waiting: the parts that were asked about and have not left; a plan that was made anew
            since stays as it is, whatever waits in it.
        cents: what the gift is worth.
        author: who decided, by id; None when nobody did.
    """
    parts = tuple(waiting)
    by = f"by {author}" if author else None
    if ruling == "approve":
        return Settlement(state="approved", reason=None, released=parts, decisions=_each(parts, "send", "approved", by))
    if ruling == "decline":
        return _closed(ruling, parts, "skip", "declined", by)
    if ruling == "take_over":
        task = _task(milestone, parts, "taken_over", cents)
        return replace(_closed(ruling, parts, "task", "taken_over", by), task=task)
    if ruling == "approval_over":
        return _over(milestone, parts, cents)
    if ruling == "revised":
        task = _task(milestone, parts, "revised", cents, _TOLD[ruling])
        return replace(_closed(ruling, parts, "task", "revised", None), task=task)
    return Settlement(state="closed", reason=ruling)  # whoever ended it has closed the parts, or planned them anew


def _over(milestone: Milestone, parts: tuple[ChannelName, ...], cents: int) -> Settlement:
    """The wait is over: what is left goes without the money."""
    money = tuple(part for part in parts if part in MONEY)
    rest = tuple(part for part in parts if part not in MONEY)
    return Settlement(
        state="closed",
        reason="approval_over",
        released=rest,
        released_because="approval_over",
        closed=money,
        decisions=(*_each(rest, "send", "approval_over", None), *_each(money, "task", "approval_over", None)),
        task=_task(milestone, money, "approval_over", cents, _TOLD["approval_over"]) if money else None,
        outcome="task" if money else None,
    )


def _closed(
    ruling: Ruling, parts: tuple[ChannelName, ...], outcome: Literal["task", "skip"], reason: Reason, by: str | None
) -> Settlement:
    return Settlement(
        state=_STATES.get(ruling, "closed"),
        reason=None if ruling in _STATES else "revised",
        closed=parts,
        closed_because=reason,
        decisions=_each(parts, outcome, reason, by),
        outcome=outcome,
    )


def _each(
    parts: tuple[ChannelName, ...], outcome: DecisionOutcome, reason: Reason, detail: str | None
) -> tuple[Decision, ...]:
    return tuple(Decision(part=part, outcome=outcome, reason=reason, detail=detail) for part in parts)


def _task(
    milestone: Milestone, parts: tuple[ChannelName, ...], reason: Reason, cents: int, told: str | None = None
) -> CoachTask | None:
    """What a person does in place of the parts; words to the client are theirs to find."""
    if not parts:
        return None
    chores: list[ChannelName] = [part for part in parts if part not in MESSAGES]
    if len(chores) < len(parts):
        chores.insert(0, "coach_task")
    task = coach_task(milestone, chores, (), cents)
    return task and replace(
        task, kind="approval", reason=reason, summary=f"{task.summary}; {told}" if told else task.summary
    )
