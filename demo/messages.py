"""Puts together what left and what it was for: the mail server's mails, the inbox, the ledger's rows."""

from collections.abc import Callable, Iterator
from datetime import datetime

from demo.found import LEFT, Found, FoundDelivery
from demo.report_given import dollars, left_to_coach
from demo.sent import SentMessage

_WORDS = {"certificate": "certificate", "badge": "badge", "video": "video", "referral": "referral ask"}


def sent_messages(found: Found, calendar_at: Callable[[datetime], datetime]) -> list[SentMessage]:
    """Every message that left; what the ledger does not know is left to the comparison to tell."""
    by_id = {delivery.delivery_id: delivery for delivery in found.deliveries}
    mails = [
        _message(found, by_id[mail.delivery_id], calendar_at, mail.subject, mail.text).as_mail(mail)
        for mail in found.mails
        if mail.delivery_id in by_id
    ]
    notes = [
        _message(found, by_id[item.item_id], calendar_at, item.title, item.text)
        for item in found.inbox
        if item.item_id in by_id
    ]
    return mails + notes


def _message(
    found: Found, delivery: FoundDelivery, calendar_at: Callable[[datetime], datetime], subject: str, text: str
) -> SentMessage:
    name, email = found.addresses.get(delivery.client, ("", ""))
    return SentMessage(
        delivery_id=delivery.delivery_id,
        channel="in_app",
        tier=delivery.tier,
        rule=delivery.rule,
        milestone=delivery.milestone,
        client_name=name or delivery.client,
        client_email=email,
        sender=None,
        sent_at=calendar_at(delivery.finished_at or delivery.heard_at),
        subject=subject,
        text=text,
        beside=tuple(_beside(found, delivery)),
    )


def _beside(found: Found, delivery: FoundDelivery) -> Iterator[tuple[str, str]]:
    """What the client got with the message and beside it, what else it tells of, and what a coach has to do."""
    parts = [one for one in found.deliveries if one.celebration_id == delivery.celebration_id]
    with_it = [_WORDS[one.channel] for one in parts if one.channel in _WORDS and one.state in LEFT]
    if with_it:
        yield "With it", ", ".join(with_it)
    orders = [order for order in found.orders if order.external_id == delivery.celebration_id]
    if orders:
        yield "Gift", ", ".join(f"{dollars(order.cents)} ordered" for order in orders)
    along = {one.milestone for one in found.deliveries if one.merged_into == delivery.celebration_id}
    if along:
        yield "Tells also of", ", ".join(sorted(along))
    if delivery.tier == "major":
        yield "Left to the coach", left_to_coach(found, delivery.client)
