"""Answers as sentences: what a client gets for a milestone, and within which limits.

It must never promise what the policy does not: money stands beside the approval it needs.
"""

from collections.abc import Iterator

from agents.rule_sentences import span
from schemas.policy import Approval, ChannelName, Policy, TierPolicy
from schemas.rules import Rule

_WORDS: dict[ChannelName, str] = {
    "in_app": "a line in the app",
    "email": "an email",
    "sms": "a text message",
    "slack": "a post in Slack",
    "certificate": "a certificate",
    "badge": "a badge",
    "video": "a personal video",
    "referral": "a question for a referral",
    "coach_task": "a task for you",
}
_QUIET = {
    "hold": "waits for the end of quiet hours",
    "downgrade": "in quiet hours goes into the app alone",
    "send": "goes out in quiet hours too",
}


def answer(rule: Rule, policy: Policy) -> str:
    """What a rule's milestone is answered with: `an email with a certificate, a $25 gift after approval`."""
    tier = policy.tiers[rule.tier]
    cents = tier.gift_cents if rule.gift_cents is None else rule.gift_cents
    if rule.reward:
        cents = max(rule.reward.cents)
    approval = rule.approval or tier.approval or policy.approval
    told = _answered(rule.channels or tier.channels, cents, approval, badge=tier.badge)
    return f"{told}, by you and never by itself" if rule.by_hand else told


def tier_answer(tier: TierPolicy, policy: Policy) -> str:
    """What every milestone of a tier is answered with, unless its rule says otherwise, and its limits."""
    approval = tier.approval or policy.approval
    return "; ".join((_answered(tier.channels, tier.gift_cents, approval, badge=tier.badge), *_limits(tier)))


def money(cents: int) -> str:
    """Cents as people write them: `$25`, `$2.50`."""
    return f"${cents // 100:,}" if cents % 100 == 0 else f"${cents / 100:,.2f}"


def _answered(channels: tuple[ChannelName, ...], cents: int, approval: Approval, *, badge: bool) -> str:
    parts = list(_parts(channels, cents, approval, badge=badge)) or ["nothing"]
    text = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"{text}, all of it after your approval" if approval == "always" else text


def _parts(channels: tuple[ChannelName, ...], cents: int, approval: Approval, *, badge: bool) -> Iterator[str]:
    attached = [word for word, is_there in (("badge", badge), ("certificate", "certificate" in channels)) if is_there]
    for channel in dict.fromkeys(channels):
        if channel == "gift":
            if cents:
                yield f"a {money(cents)} gift" + (" after your approval" if approval == "money" else "")
        elif channel == "email" and attached:
            yield f"an email with a {' and a '.join(attached)}"
        elif channel != "certificate" or "email" not in channels:
            yield _WORDS[channel]


def _limits(tier: TierPolicy) -> Iterator[str]:
    if tier.consent == "marketing":
        yield "only with consent to marketing"
    if tier.recap:
        yield "with a look back at the way so far"
    if tier.cost_cents:
        yield f"costs {money(tier.cost_cents)}"
    for count, unit in ((tier.cap.per_day, "day"), (tier.cap.per_week, "week")):
        if count:
            yield f"at most {count} per client and {unit}"
    if tier.follow_up:
        reminders = " and ".join(_WORDS[name] for name in tier.follow_up.channels)
        yield f"{reminders} after {span(tier.follow_up.after)}, unless the message was opened"
    yield _QUIET[tier.quiet]
    yield f"no longer sent after {span(tier.expires)}"
