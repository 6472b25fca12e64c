"""Keepsakes: the public pages of certificates, badges and videos, and the tracked address of a referral.

It must never show what the ledger does not hold at that moment: each request asks it, so what is withdrawn or
erased is gone at once. The token is the credential, see `agents.web.keepsake_links`; who has an address may
open it, and may hand it on. Without scripts, for a phone and by keyboard.
"""

import asyncio
import base64
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from agents.channels.badge import Badges
from agents.channels.certificate import certificate_pdf
from agents.channels.deed import Deed, deed
from agents.channels.penmanship import FONTS
from agents.channels.video import video_for
from agents.ledger.pool import Pool
from agents.ledger.referrals import referral_code
from agents.metrics import REFERRAL_CLICKS
from agents.tenants import TenantsNow
from agents.web.keepsake_links import BADGE_SIZES_PX, PATHS, KeepsakeLinks
from agents.web.robots import is_person
from agents.web.showcase import Showcase, Shown

_TEMPLATES: Final = Path(__file__).parents[2] / "deploy" / "templates"
_SEAL_PX: Final = 256
_DRAWN_AT_ONCE: Final = 4
_TOKEN: Final = r"{token:[\w.-]+}"  # noqa: S105 - a route


class Keepsakes:
    """The handlers.

    Args:
        pool: the ledger.
        showcase: finds what an address shows.
    """

    def __init__(self, pool: Pool, showcase: Showcase) -> None:
        self._pool = pool
        self._showcase = showcase
        self._badges = Badges(_TEMPLATES / "badge.svg.j2", FONTS / "LeagueSpartan-Bold.otf")
        self._drawing = 0

    async def certificate(self, request: web.Request) -> web.Response:
        """`GET /c/{token}`: whose certificate it is, what for, and that it holds."""
        shown = await self._showcase.find(request, "certificate")
        if isinstance(shown, web.Response):
            return shown
        said = _deed(shown)
        figure = shown.kept.milestone.threshold
        seal = await asyncio.to_thread(self._badges.png, said.headline, None if figure == 1 else figure, _SEAL_PX)
        return self._showcase.page(
            "certificate.html.j2",
            sources="img-src data:",
            lang=said.words.lang,
            said=said,
            seal=base64.b64encode(seal).decode(),
            file=f"{PATHS['certificate']}/{shown.token}.pdf",
        )

    async def certificate_file(self, request: web.Request) -> web.Response:
        """`GET /c/{token}.pdf`: the certificate; 503 while several others are being drawn."""
        shown = await self._showcase.find(request, "certificate")
        if isinstance(shown, web.Response):
            return shown
        if self._drawing >= _DRAWN_AT_ONCE:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "2"})
        kept, tenant = shown.kept, shown.tenant
        draw = partial(
            certificate_pdf,
            kept.milestone,
            profile=kept.profile,
            coach=tenant.coach(kept.profile.coach_id if kept.profile else None),
            tenant=tenant,
            url=self._showcase.links.certificate(tenant.id, shown.celebration_id),
        )
        self._drawing += 1
        try:
            pdf = await asyncio.to_thread(draw)
        finally:
            self._drawing -= 1
        return self._showcase.file(pdf, "application/pdf", "certificate.pdf")

    async def badge(self, request: web.Request) -> web.Response:
        """`GET /b/{token}`: the badge and what it is for, without a name, to be shown to anybody."""
        shown = await self._showcase.find(request, "badge")
        if isinstance(shown, web.Response):
            return shown
        links, tenant, celebration = self._showcase.links, shown.tenant, shown.celebration_id
        return self._showcase.page(
            "badge.html.j2",
            sources="img-src 'self'",
            name=_badge_name(shown),
            practice=tenant.name,
            url=links.badge(tenant.id, celebration),
            picture_url=links.badge_picture(tenant.id, celebration, max(BADGE_SIZES_PX)),
            path=f"{PATHS['badge']}/{shown.token}",
        )

    async def badge_picture(self, request: web.Request) -> web.Response:
        """`GET /b/{token}-512.png` or `-64.png`: the badge itself."""
        shown = await self._showcase.find(request, "badge")
        if isinstance(shown, web.Response):
            return shown
        size_px = int(request.match_info["size"])
        png = await asyncio.to_thread(self._badges.png, _badge_name(shown), shown.kept.milestone.threshold, size_px)
        return self._showcase.file(png, "image/png")

    async def video(self, request: web.Request) -> web.Response:
        """`GET /v/{token}`: the video with its captions, and what to do where it does not play."""
        shown = await self._showcase.find(request, "video")
        if isinstance(shown, web.Response):
            return shown
        if shown.tenant.video is None:
            return self._showcase.unknown()
        video = video_for(shown.tenant.video, shown.kept.milestone, shown.celebration_id)
        said = _deed(shown)
        return self._showcase.page(
            "video.html.j2",
            sources=f"media-src {_origins(video.url, video.captions_url)}; img-src {_origins(video.poster_url)}",
            said=said,
            video=video,
        )

    async def unknown(self, _: web.Request) -> web.Response:
        """Any other address: nothing that we made."""
        return self._showcase.unknown()

    async def referral(self, request: web.Request) -> web.Response:
        """`GET /r/{token}`: on to the practice, with the client's code; a person's click is counted."""
        shown = await self._showcase.find(request, "referral")
        if isinstance(shown, web.Response):
            return shown
        is_click = is_person(request)
        code = await referral_code(
            self._pool, tenant=shown.tenant.id, celebration_id=shown.celebration_id, is_click=is_click
        )
        if code is None or shown.tenant.referral is None:
            return self._showcase.unknown()
        if is_click:
            REFERRAL_CLICKS.inc()
        address = shown.tenant.referral.url.replace("{code}", code)
        headers = {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return web.Response(status=HTTPStatus.FOUND, headers={**headers, "X-Robots-Tag": "noindex"})


def add_keepsakes(app: web.Application, pool: Pool, *, links: KeepsakeLinks, tenants: TenantsNow) -> None:
    """Mount the pages at `/c`, `/b`, `/v` and `/r`; the arguments are those of `Showcase`."""
    pages = Keepsakes(pool, Showcase(pool, links, tenants))
    sizes = "|".join(map(str, BADGE_SIZES_PX))
    routes = {
        "certificate": [
            web.get(f"/{_TOKEN}.pdf", pages.certificate_file),
            web.get(f"/{_TOKEN}", pages.certificate),
        ],
        "badge": [
            web.get(f"/{_TOKEN}-{{size:{sizes}}}.png", pages.badge_picture),
            web.get(f"/{_TOKEN}", pages.badge),
        ],
        "video": [web.get(f"/{_TOKEN}", pages.video)],
        "referral": [web.get(f"/{_TOKEN}", pages.referral)],
    }
    for purpose, path in PATHS.items():
        below = web.Application()
        below.add_routes([*routes[purpose], web.get(r"/{tail:[\s\S]*}", pages.unknown)])
        app.add_subapp(path, below)


def _deed(shown: Shown) -> Deed:
    profile, tenant = shown.kept.profile, shown.tenant
    return deed(
        shown.kept.milestone,
        profile=profile,
        coach=tenant.coach(profile.coach_id if profile else None),
        tenant_name=tenant.name,
        tenant_zone=tenant.timezone,
        tenant_locale=tenant.locale,
    )


def _badge_name(shown: Shown) -> str:
    """The rule's name: titles of goals and courses are the client's own affair."""
    milestone = shown.kept.milestone
    name = milestone.name if milestone.name != milestone.rule else milestone.rule.replace("-", " ")
    return name[:1].upper() + name[1:]


def _origins(*urls: str) -> str:
    """The origins of addresses, as a Content-Security-Policy names them; what is no plain host is left out."""
    hosts = dict.fromkeys(urlsplit(url).netloc for url in urls)
    return " ".join(
        f"https://{host}" for host in hosts if host.replace(".", "").replace("-", "").replace(":", "").isalnum()
    )
