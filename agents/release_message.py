"""Release message: a delivery that may leave, put into words for its channel.

It must never let a message out that lacks a fact: the coach is asked instead.
"""

from datetime import datetime
from typing import cast

from agents.channels.channel import Attachment, Gift, Message
from agents.channels.render import MissingFact, Rendered
from agents.ledger.deliveries import Claimed, Ready
from agents.release_asking import address_of, carried_by, case_of
from agents.telling import NotMade, Teller, template_of
from agents.tenants import Tenant
from schemas.celebration import Occasion, Verdict
from schemas.policy import ChannelName
from streams.planning.verdicts import on_fault


def occasion_to_release(ready: Ready, tenant: Tenant, now: datetime) -> Occasion:
    """What the message is about, as it was pinned, with the facts of now."""
    milestone = ready.milestone
    return Occasion(
        milestone=milestone,
        tier_policy=tenant.rulebook.policy.tiers[milestone.tier],
        told_at=now,
        template=template_of(milestone, tenant, ready.variant),
        also=ready.also,
        phrase=ready.phrase,
        next_step=ready.next_step,
        keepsakes=frozenset(carried_by(tenant, ready, now)),
        is_first=ready.is_first,
        approved=ready.approved,
    )


def words_of(teller: Teller, claimed: Claimed, ready: Ready, tenant: Tenant, occasion: Occasion) -> Rendered | Verdict:
    """The words of a delivery, or what becomes of it without them."""
    channel = cast("ChannelName", ready.channel)
    try:
        return teller.tell(occasion, channel=channel, profile=ready.client.profile, tenant=tenant)
    except MissingFact as error:
        return on_fault(case_of(claimed, ready), "missing_fact", error.name)
    except NotMade as error:
        return on_fault(case_of(claimed, ready), "not_made", str(error))


async def message_of(
    teller: Teller, claimed: Claimed, ready: Ready, tenant: Tenant, occasion: Occasion
) -> Message | Verdict:
    """The whole message of a delivery, or what becomes of it without one."""
    if ready.channel == "gift":
        return _gift(claimed, ready, tenant)
    rendered = words_of(teller, claimed, ready, tenant, occasion)
    if isinstance(rendered, Verdict):
        return rendered
    profile = ready.client.profile
    attachments: tuple[Attachment, ...] = ()
    if ready.channel == "email":
        try:
            attachments = await teller.attachments(occasion, profile=profile, tenant=tenant)
        except NotMade as error:
            return on_fault(case_of(claimed, ready), "not_made", str(error))
    return Message(
        attachments=attachments,
        delivery_id=claimed.delivery_id,
        celebration_id=ready.celebration_id,
        tenant=claimed.tenant,
        client=claimed.client,
        to_address=address_of(ready) or "",
        from_name=tenant.sender.from_name,
        from_address=tenant.sms.sender if ready.channel == "sms" and tenant.sms else tenant.sender.from_address,
        reply_to=tenant.coach(profile.coach_id if profile else None).email,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        inline=rendered.inline,
        unsubscribe_url=rendered.unsubscribe_url,
        locale=rendered.locale,
    )


def _gift(claimed: Claimed, ready: Ready, tenant: Tenant) -> Message | Verdict:
    profile = ready.client.profile
    if tenant.gifts is None or profile is None:
        return on_fault(case_of(claimed, ready), "no_channel")
    return Message(
        delivery_id=claimed.delivery_id,
        celebration_id=ready.celebration_id,
        tenant=claimed.tenant,
        client=claimed.client,
        to_address=address_of(ready) or "",
        from_name=tenant.sender.from_name,
        from_address=tenant.sender.from_address,
        reply_to=None,
        subject=ready.milestone.name,
        text="",
        html="",
        gift=Gift(cents=ready.gift_cents, currency=tenant.gifts.currency, to_name=profile.name),
    )
