"""Status links: where Twilio tells what became of a text message.

The address names the delivery, so that also a message is found whose id Twilio could not tell us, after a time-out.
It holds pseudonymous ids alone; Twilio signs the whole of it. It must never be an address that Twilio refuses, because
it would refuse the message with it: a name of this machine's network, or a number (its manual, "Outbound message
status in status callbacks").
"""

from typing import Final
from urllib.parse import urlsplit

PROVIDER_EVENTS: Final = "/v1/provider-events"
"""Where provider events are taken."""


def status_url(public_url: str, tenant: str, delivery_id: str) -> str | None:
    """The address for one delivery's status callbacks; None where Twilio cannot reach us."""
    host = urlsplit(public_url).hostname or ""
    if "." not in host or not host[-1].isalpha() or "_" in host:
        return None
    return f"{public_url.rstrip('/')}{PROVIDER_EVENTS}/{tenant}/twilio?delivery={delivery_id}"
