"""Message links: the addresses that one message carries, signed, without a name in them.

It must never promise what is not there: a keepsake's address stands in a message only if the
message carries that keepsake.
"""

from agents.channels.render import Links
from agents.keepsakes import with_keepsakes
from agents.tenants import Tenant
from agents.web.keepsake_links import KeepsakeLinks
from agents.web.links import UnsubscribeLinks
from agents.web.preference_links import PreferenceLinks
from schemas.celebration import Occasion, celebration_id
from schemas.policy import ChannelName


class MessageLinks:
    """Makes the addresses.

    Args:
        public_url: where `cairn serve` is reached from outside.
        key: signs them.

    Attributes:
        keepsakes: those of certificates, badges, videos and referrals.
    """

    def __init__(self, public_url: str, key: str) -> None:
        self._unsubscribe = UnsubscribeLinks(public_url, key)
        self._preferences = PreferenceLinks(public_url, key)
        self.keepsakes = KeepsakeLinks(public_url, key)

    def __call__(self, tenant: Tenant, occasion: Occasion, channel: ChannelName) -> Links:
        """The addresses of one message."""
        milestone = occasion.milestone
        links = Links(
            unsubscribe_url=None
            if channel == "in_app"
            else self._unsubscribe.url(tenant=tenant.id, client=milestone.client, channel=channel),
            preferences_url=self._preferences.url(tenant=tenant.id, client=milestone.client),
            next_step=tenant.next_steps.get(occasion.next_step) if occasion.next_step else None,
        )
        own_id = celebration_id(milestone.milestone_id)
        return with_keepsakes(links, occasion, celebration_id=own_id, tenant=tenant, addresses=self.keepsakes)
