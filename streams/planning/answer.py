"""The answer that the policy foresees for a milestone: its tier's, with the rule's overrides."""

from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from schemas.experiments import Variant
from schemas.milestone import Milestone
from schemas.policy import Approval, ChannelName, Policy, TierPolicy
from schemas.rules import Rule
from schemas.whens import DateWhen

MESSAGES: frozenset[ChannelName] = frozenset({"in_app", "email", "sms"})
"""Channels that carry words to the client."""

KEEPSAKES: frozenset[ChannelName] = frozenset({"certificate", "badge", "referral", "video"})
"""Parts that a message carries: they have no sender of their own."""

CARRIERS: tuple[ChannelName, ...] = ("email", "in_app")
"""Channels that can carry keepsakes; the first of them that goes does."""

SENDABLE: frozenset[ChannelName] = MESSAGES | KEEPSAKES | {"slack", "gift"}
"""Parts that go by themselves where they are set up."""

DISTURBING: frozenset[ChannelName] = MESSAGES - {"in_app"}
"""Channels that ring or light up somebody's phone."""

_PERSONAL_DATES = frozenset({"birthday"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What a rule, or a variant of it that is tried, says differently from its tier; None says nothing.

    Attributes:
        rewards: gifts in cents by how often the client has reached the rule; empty for none.
        by_hand: people congratulate, never a machine.
        personal: it tells of something that the client must have permitted.
    """

    channels: tuple[ChannelName, ...] | None = None
    gift_cents: int | None = None
    approval: Approval | None = None
    rewards: tuple[int, ...] = ()
    by_hand: bool = False
    personal: bool = False


class Answer(Struct, frozen=True, kw_only=True):
    """How one milestone is to be answered, before anybody objects."""

    milestone: Milestone
    tier: TierPolicy
    policy: Policy
    channels: tuple[ChannelName, ...]
    gift_cents: int
    approval: Approval
    by_hand: bool
    personal: bool
    expires_at: datetime

    @property
    def moment(self) -> str | None:
        """What is celebrated once per client, whichever rules see it."""
        return moment_of(self.milestone)


def moment_of(milestone: Milestone) -> str | None:
    """The moment of a milestone and its program; None for one without."""
    if milestone.moment is None:
        return None
    return f"{milestone.moment}/{milestone.facts.get('program_id') or ''}"


def override_of(rule: Rule | None, variant: Variant | None = None) -> Override:
    """What a rule overrides, and a variant of it; nothing when the rulebook has lost the rule since."""
    if rule is None:
        return Override()
    channels = variant.channels if variant and variant.channels else rule.channels
    is_personal_date = isinstance(rule.when, DateWhen) and rule.when.date in _PERSONAL_DATES
    return Override(
        channels=channels,
        gift_cents=rule.gift_cents,
        approval=rule.approval,
        rewards=rule.reward.cents if rule.reward else (),
        by_hand=rule.by_hand,
        personal=is_personal_date if rule.personal is None else rule.personal,
    )


def answer_for(milestone: Milestone, policy: Policy, override: Override, earlier: int = 0) -> Answer:
    """The answer to a milestone; it expires a tier's while after the milestone was reached.

    `earlier` is how often the client has reached the rule before, for a reward that grows.
    """
    tier = policy.tiers[milestone.tier]
    return Answer(
        milestone=milestone,
        tier=tier,
        policy=policy,
        channels=tuple(dict.fromkeys(override.channels or tier.channels)),
        gift_cents=_gift_cents(tier, override, earlier),
        approval=override.approval or tier.approval or policy.approval,
        by_hand=override.by_hand,
        personal=override.personal,
        expires_at=milestone.reached_at + tier.expires,
    )


def _gift_cents(tier: TierPolicy, override: Override, earlier: int) -> int:
    if override.rewards:
        return override.rewards[min(earlier, len(override.rewards) - 1)]
    return tier.gift_cents if override.gift_cents is None else override.gift_cents
