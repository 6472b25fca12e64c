"""Provider events: what a mail, text or gift provider tells of a message after it took it.

Every vendor's words come down to these few kinds, so that one rule decides what each means.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ProviderName = Literal["twilio", "mailgun", "sendgrid", "standard_webhooks", "tremendous"]
EventKind = Literal["accepted", "delivered", "failed", "bounced", "complained", "opened", "clicked", "unsubscribed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """One thing that a provider says about one message.

    Attributes:
        kind: `accepted`, it is on its way; `failed`, it never left the provider; `bounced`, it left and
            came back.
        key: what makes the event this one; equal when it is told again.
        happened_at: by the provider's clock; None when it does not say.
        delivery_id: of the message, where it carries ours.
        provider_ids: what the provider calls the message, the order or the reward.
        celebration_id: of a gift, which is ordered under it.
        permanent: of what bounced or failed: no other message to that address will arrive.
        returns_money: what the gift cost is the tenant's again.
        detail: the provider's code, in our words; never an address.
    """

    kind: EventKind
    key: str
    happened_at: datetime | None = None
    delivery_id: str | None = None
    provider_ids: tuple[str, ...] = ()
    celebration_id: str | None = None
    permanent: bool = False
    returns_money: bool = False
    detail: str | None = None
