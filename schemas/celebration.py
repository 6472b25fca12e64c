"""Celebrations: the planned answer to a milestone, part by part, each with its reason.

The ids are functions of the milestone's id, so that planning the same milestone again, in
another process or after a crash, meets the rows that are there already. What each plan makes
is a struct: made in a fifth of the time that a dataclass takes.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Literal

from msgspec import Struct

from schemas.milestone import Milestone, Tier
from schemas.policy import ChannelName, Mode, NextStep, TierPolicy

DeliveryState = Literal[
    "pending", "held", "deferred", "sending", "sent", "delivered", "bounced", "failed", "skipped", "unknown"
]
DecisionOutcome = Literal["send", "hold", "skip", "task", "withdraw", "merge"]
CelebrationOutcome = Literal["send", "hold", "task", "skip", "withdrawn", "merged"]
Reason = Literal[
    "planned", "erased", "expired", "paused", "suppressed", "same_moment", "no_consent", "opted_out",
    "channel_unwanted", "approval", "by_hand", "no_amount", "cap_reached", "quiet_hours", "shadow",
    "retracted", "retracted_after_sending", "missing_fact", "not_made", "no_address", "no_profile", "rejected",
    "provider_away", "lost_in_sending", "no_channel", "celebrated_before", "merged", "hold_out", "over_budget",
    "declined", "taken_over", "approval_over", "core_opened", "cool_down", "not_carried", "approved", "revised",
    "bounced", "complained", "provider_told", "resolved", "resent", "given_up", "linked",
    "recovered", "let_go",
]  # fmt: skip

WHOLE = "celebration"
"""The `part` of a decision about the celebration as a whole."""


class Decision(Struct, frozen=True, kw_only=True):
    """What was decided for one part, and why.

    Attributes:
        part: a channel, or `WHOLE`.
        detail: for the coach who asks; never contact data.
    """

    part: str
    outcome: DecisionOutcome
    reason: Reason
    detail: str | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """One channel of a celebration as it was planned; `due_at` and `expires_at` are domain time."""

    delivery_id: str
    channel: ChannelName
    state: Literal["pending", "held", "skipped"]
    reason: Reason | None
    due_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """The words that a coach has approved: they go as they are."""

    subject: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What one message is about, as it was decided; the facts are put into words when it leaves.

    Attributes:
        tier_policy: the answer's weight: whether a badge or a look back belongs to it.
        told_at: domain time at which it leaves; the words are honest about what is late.
        template: words of this name before all others.
        also: milestones that were merged into this one, the earliest first.
        phrase: counts the client's messages of the tier; equal words are never taken twice in a row.
        next_step: what the message points to.
        keepsakes: the parts that it carries: `certificate`, `badge`, `referral`, `video`.
        is_first: the client has never heard from us: the message says what to expect.
        approved: words that a coach has approved, instead of the file's.
    """

    milestone: Milestone
    tier_policy: TierPolicy
    told_at: datetime
    template: str | None = None
    also: tuple[Milestone, ...] = ()
    phrase: int = 0
    next_step: NextStep | None = None
    keepsakes: frozenset[ChannelName] = frozenset()
    is_first: bool = False
    approved: Approved | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoachTask:
    """What a person has to do; one of each kind and part for a celebration.

    Attributes:
        part: the channel that it is about; empty when one task is enough for all of them.
    """

    kind: str
    reason: Reason
    summary: str
    minutes: int
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a delivery after it was asked about or attempted.

    Attributes:
        retry_seconds: real time until it may be claimed again; None at once.
        due_at: domain time, when it changes.
        attempted: a conversation with the provider took place.
        deferred: it waited for something of ours.
        decision: what is recorded; None when it merely tries again.
        task: what the coach is asked.
        asks_coach: whose approval it waits for, by id.
    """

    state: DeliveryState
    reason: Reason | None = None
    provider_id: str | None = None
    retry_seconds: float | None = None
    due_at: datetime | None = None
    attempted: bool = False
    deferred: bool = False
    decision: Decision | None = None
    task: CoachTask | None = None
    asks_coach: str | None = None

    @property
    def is_told(self) -> bool:
        """Whether more is recorded than the outcome: why, a task, or a question to the coach."""
        return self.decision is not None or self.task is not None or self.asks_coach is not None


class Ask(Struct, frozen=True, kw_only=True):
    """What waits for a coach's approval.

    Attributes:
        parts: the channels that wait.
        cents: the money that is asked for.
    """

    parts: tuple[ChannelName, ...]
    cents: int


class Celebration(Struct, frozen=True, kw_only=True):
    """The whole answer to one milestone at one revision.

    Attributes:
        asks: what waits for approval; None when nothing does.
        gift_cents: what is given; 0 without a gift.
        phrase: which of the tier's phrasings its words take.
        is_first: it is the first that the client hears.
        variant: the experiment and variant that the client was assigned to, `EXPERIMENT/VARIANT`.
        merged_into: the celebration whose message tells of this one too.
    """

    celebration_id: str
    milestone_id: str
    revision: int
    tenant: str
    client: str
    rule: str
    tier: Tier
    mode: Mode
    outcome: CelebrationOutcome
    moment: str | None
    planned_at: datetime
    due_at: datetime
    expires_at: datetime
    deliveries: tuple[Delivery, ...]
    decisions: tuple[Decision, ...]
    task: CoachTask | None
    asks: Ask | None = None
    gift_cents: int = 0
    next_step: NextStep | None = None
    phrase: int = 0
    is_first: bool = False
    variant: str | None = None
    merged_into: str | None = None


def celebration_id(milestone_id: str) -> str:
    """The identity of a milestone's celebration: 32 hex characters."""
    return blake2b(f"celebration:{milestone_id}".encode(), digest_size=16).hexdigest()


def delivery_id(celebration_id: str, channel: str) -> str:
    """The identity of one channel's delivery: 32 hex characters."""
    return blake2b(f"delivery:{celebration_id}:{channel}".encode(), digest_size=16).hexdigest()
