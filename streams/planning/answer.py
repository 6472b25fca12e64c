"""The answer that the policy foresees for a milestone: its tier's, with the rule's overrides."""

from dataclasses import dataclass
from datetime import datetime

from schemas.milestone import Milestone
from schemas.policy import Approval, ChannelName, Policy, QuietHours, TierPolicy
from schemas.rules import Rule

MESSAGES: frozenset[ChannelName] = frozenset({"in_app", "email", "sms"})
"""Channels that carry words to the client."""

KEEPSAKES: frozenset[ChannelName] = frozenset({"certificate", "badge", "referral", "video"})
"""Parts that a message carries: they have no sender of their own."""

SENDABLE: frozenset[ChannelName] = MESSAGES | KEEPSAKES | {"slack", "gift"}
"""Parts that go by themselves where they are set up."""

DISTURBING: frozenset[ChannelName] = MESSAGES - {"in_app"}
"""Channels that ring or light up somebody's phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What a rule says differently from its tier; None says nothing."""

    channels: tuple[ChannelName, ...] | None = None
    gift_cents: int | None = None
    approval: Approval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one milestone is to be answered, before anybody objects."""

    milestone: Milestone
    tier: TierPolicy
    channels: tuple[ChannelName, ...]
    gift_cents: int
    approval: Approval
    quiet_hours: QuietHours
    expires_at: datetime

    @property
    def moment(self) -> str | None:
        """What is celebrated once per client, whichever rules see it: the moment and its program."""
        if self.milestone.moment is None:
            return None
        return f"{self.milestone.moment}/{self.milestone.facts.get('program_id') or ''}"


def override_of(rule: Rule | None) -> Override:
    """What a rule overrides; nothing when the rulebook has lost the rule since."""
    if rule is None:
        return Override()
    return Override(channels=rule.channels, gift_cents=rule.gift_cents, approval=rule.approval)


def answer_for(milestone: Milestone, policy: Policy, override: Override) -> Answer:
    """The answer to a milestone; it expires a tier's while after the milestone was reached."""
    tier = policy.tiers[milestone.tier]
    return Answer(
        milestone=milestone,
        tier=tier,
        channels=tuple(dict.fromkeys(override.channels or tier.channels)),
        gift_cents=tier.gift_cents if override.gift_cents is None else override.gift_cents,
        approval=override.approval or tier.approval,
        quiet_hours=policy.quiet_hours,
        expires_at=milestone.reached_at + tier.expires,
    )
