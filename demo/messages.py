"""Puts together what left and what it was for: the mail server's mails, the inbox, the ledger's rows."""

from collections.abc import Callable
from datetime import datetime

from demo.found import Found, FoundDelivery
from demo.sent import SentMessage


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
    )
