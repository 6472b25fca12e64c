"""Status links: where Twilio tells what became of a text message.

The address names the delivery, so that also a message is found whose id Twilio could not tell us, after a time-out.
It holds pseudonymous ids alone; Twilio signs the whole of it.
"""

from typing import Final

PROVIDER_EVENTS: Final = "/v1/provider-events"
"""Where provider events are taken."""


def status_url(public_url: str, tenant: str, delivery_id: str) -> str:
    """The address for one delivery's status callbacks."""
    return f"{public_url.rstrip('/')}{PROVIDER_EVENTS}/{tenant}/twilio?delivery={delivery_id}"
