"""Message links: the addresses that one message carries, signed, without a name in them.

It must never promise what is not there: a keepsake's address stands in a message only if the
message carries that keepsake.
"""

from collections.abc import Callable

from agents.channels.render import Links
from agents.tenants import Tenant
from agents.web.links import UnsubscribeLinks
from schemas.celebration import Occasion
from schemas.policy import ChannelName

LinksOf = Callable[[Tenant, Occasion, ChannelName], Links]
"""The links of a message: its tenant, what it is about, and the channel that it goes by."""


class MessageLinks:
    """Makes the addresses.

    Args:
        public_url: where `cairn serve` is reached from outside.
        key: signs them.
    """

    def __init__(self, public_url: str, key: str) -> None:
        self._unsubscribe = UnsubscribeLinks(public_url, key)

    def __call__(self, tenant: Tenant, occasion: Occasion, channel: ChannelName) -> Links:
        """The addresses of one message."""
        milestone = occasion.milestone
        return Links(
            unsubscribe_url=None
            if channel == "in_app"
            else self._unsubscribe.url(tenant=tenant.id, client=milestone.client, channel=channel),
            next_step=tenant.next_steps.get(occasion.next_step) if occasion.next_step else None,
        )
