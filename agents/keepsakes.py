"""Keepsakes in a message: the addresses that it carries, and the certificate that goes with it.

It must never make an address for a part that was not decided: the occasion names them.
"""

from dataclasses import replace
from typing import Any

from agents.channels.certificate import certificate_pdf
from agents.channels.channel import Attachment
from agents.channels.render import Links
from agents.channels.video import video_for
from agents.tenants import Tenant
from agents.web.keepsake_links import KeepsakeLinks
from schemas.celebration import Occasion
from schemas.client import Profile
from schemas.tenant import Coach

_FILENAME = "certificate.pdf"


def with_keepsakes(
    links: Links, occasion: Occasion, *, celebration_id: str, tenant: Tenant, addresses: KeepsakeLinks
) -> Links:
    """The links with the addresses of the occasion's keepsakes.

    A video's `url` becomes that of its page, which has the captions and a way for who cannot play it.
    """
    found: dict[str, Any] = {}
    if "certificate" in occasion.keepsakes:
        found["certificate_url"] = addresses.certificate(tenant.id, celebration_id)
    if "badge" in occasion.keepsakes:
        found["badge_url"] = addresses.badge(tenant.id, celebration_id)
    if "referral" in occasion.keepsakes and tenant.referral:
        found["referral_url"] = addresses.referral(tenant.id, celebration_id)
    if "video" in occasion.keepsakes and tenant.video:
        video = video_for(tenant.video, occasion.milestone, celebration_id)
        found["video"] = video.model_copy(update={"url": addresses.video(tenant.id, celebration_id)})
    return replace(links, **found)


def certificate_attachment(
    occasion: Occasion,
    *,
    celebration_id: str,
    profile: Profile | None,
    coach: Coach | None,
    tenant: Tenant,
    addresses: KeepsakeLinks,
) -> Attachment:
    """The certificate as a file of a mail; takes a few tenths of a second of CPU, so call it in a thread."""
    url = addresses.certificate(tenant.id, celebration_id)
    content = certificate_pdf(occasion.milestone, profile=profile, coach=coach, tenant=tenant, url=url)
    return Attachment(filename=_FILENAME, media_type="application/pdf", content=content)
