"""Showcase: what the public pages of keepsakes share: looking them up, and the sheet that they are shown on.

It must never tell a withdrawn milestone from an erased client, nor an unknown tenant from a wrong token: there
is one page for what is gone and one for what never was. Nothing of a visitor is kept: no cookie, no script, no
picture from elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agents.ledger.keepsakes import Kept, find_keepsake
from agents.ledger.pool import Pool
from agents.tenants import Tenant, TenantsNow
from agents.web.keepsake_links import KeepsakeLinks, Purpose

_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_CSP: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A keepsake that may be shown now."""

    tenant: Tenant
    celebration_id: str
    kept: Kept
    token: str


class Showcase:
    """Finds keepsakes, and draws pages.

    Args:
        pool: the ledger.
        links: reads tokens.
        tenants: in force, by id.
    """

    def __init__(self, pool: Pool, links: KeepsakeLinks, tenants: TenantsNow) -> None:
        self.links = links
        self._pool = pool
        self._tenants = tenants
        pages = Path(__file__).parent / "pages"
        self._environment = Environment(
            loader=FileSystemLoader(pages),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def find(self, request: web.Request, purpose: Purpose) -> Shown | web.Response:
        """What the address shows, or the page that says that it shows nothing.

        A referral outlives its milestone: it is about the practice.
        """
        token = request.match_info["token"]
        about = self.links.read(purpose, token)
        if about is None:
            return self.unknown()
        kept = await find_keepsake(
            self._pool, tenant=about.tenant, celebration_id=about.celebration_id, channel=purpose
        )
        tenant = self._tenants().get(about.tenant)
        if kept is None or tenant is None:
            return self.unknown()
        if kept.is_erased or (kept.is_withdrawn and purpose != "referral"):
            return self.page("gone.html.j2", HTTPStatus.GONE)
        return Shown(tenant=tenant, celebration_id=about.celebration_id, kept=kept, token=token)

    def unknown(self) -> web.Response:
        """404: the one answer to whatever we never made."""
        return self.page("unknown.html.j2", HTTPStatus.NOT_FOUND)

    def page(
        self, file: str, /, status: HTTPStatus = HTTPStatus.OK, *, sources: str = "", **words: object
    ) -> web.Response:
        """A page; `sources` are directives of its Content-Security-Policy beyond text and style."""
        html = self._environment.get_template(file).render(**{"lang": "en", **words})
        policy = f"{_CSP}; {sources}" if sources else _CSP
        headers = {**_HEADERS, "Content-Security-Policy": policy}
        return web.Response(status=status, text=html, content_type="text/html", headers=headers)

    def file(self, content: bytes, media_type: str, filename: str | None = None) -> web.Response:
        """A file, under a name of its own if it is to be saved; kept by nobody on the way."""
        headers = {**_HEADERS, "Content-Security-Policy": "default-src 'none'; sandbox"}
        if filename:
            headers["Content-Disposition"] = f'attachment; filename="{filename}"'
        return web.Response(body=content, content_type=media_type, headers=headers)
