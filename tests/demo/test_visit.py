from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web

from demo.found import Found
from demo.sent import Mail
from demo.vendors.server import VendorServer
from demo.visit import links_of, visit
from tests.demo.deliveries import delivery


class _Site(VendorServer):
    """Pages of a certificate and a badge, as they should be."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "Ann Poe"
        self.app.router.add_get("/c/ann.pdf", self._file("application/pdf"))
        self.app.router.add_get("/c/ann", self._certificate)
        self.app.router.add_get("/b/ann", self._file("text/html"))
        self.app.router.add_get("/b/ann-512.png", self._file("image/png"))

    def _file(self, kind: str):  # type: ignore[no-untyped-def] # noqa: ANN202 - a handler
        async def show(_: web.Request) -> web.Response:
            return web.Response(body=b"x", content_type=kind)

        return show

    async def _certificate(self, _: web.Request) -> web.Response:
        return web.Response(text=f"<p>{self.name}", content_type="text/html")


@pytest.fixture
async def site() -> AsyncIterator[_Site]:
    async with _Site() as server:
        yield server


def _found(site: _Site) -> Found:
    pdf = f"%PDF-1.7 /A <</S /URI /URI ({site.base_url}/c/ann)>>".encode()
    mail = Mail(delivery_id="d-email", to="a", sender="m", subject="s", text="t", html="", files={"c.pdf": pdf})
    mail = replace(mail, links=(f"{site.base_url}/u/ann", f"{site.base_url}/b/ann"))
    return Found(
        milestones=(),
        events={},
        events_total=0,
        dead_letters=0,
        addresses={"c_1": ("Ann Poe", "ann@example.org")},
        deliveries=(delivery("email"), delivery("badge")),
        tasks=(),
        inbox=(),
        mails=(mail,),
    )


async def _faults(site: _Site, found: Found) -> dict[str, str]:
    visits = await visit(found, dsn="", public_url=site.base_url, practice_host="a.example")
    return {one.what: one.found for one in visits if one.found != one.expected}


async def test_what_is_as_it_should_be_is_no_difference(site: _Site) -> None:
    faults = await _faults(site, _found(site))
    assert faults == {"an address that nobody was given": "404 text/plain"}  # this site has no page for it


async def test_each_page_can_disagree(site: _Site) -> None:
    site.name = "Bo Lind"
    found = _found(site)
    mute = replace(found, mails=(replace(found.mails[0], links=()),))
    assert (await _faults(site, mute)) | {"an address that nobody was given": ""} == {
        "the page of a certificate": "200 text/html, does not name its client",
        "the page of a badge": "no address arrived",
        "the badge itself": "no address arrived",
        "an address that nobody was given": "",
    }


async def test_a_certificate_without_its_address_is_told(site: _Site) -> None:
    found = _found(site)
    bare = replace(found.mails[0], files={"c.pdf": b"%PDF-1.7"})
    faults = await _faults(site, replace(found, mails=(bare,)))
    assert faults["the page of a certificate"] == faults["the certificate itself"] == "no address arrived"


def test_links_of_a_pdf_are_read_from_its_annotations() -> None:
    assert list(links_of(b"x /URI (https://a.example/c/t) y /URI (https://b.example) z")) == [
        "https://a.example/c/t",
        "https://b.example",
    ]
