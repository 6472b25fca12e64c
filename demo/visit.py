"""Opens what clients were given, as a friend of theirs would, in a browser: one address of each kind.

It must never open what no client was given.

Theory of operation: the certificate's address is a link in the attached PDF. Those of badge and
referral stand in the words of the mail that carried them.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
import asyncpg

from demo.found import Found, FoundDelivery
from demo.given import Visit

_LINK_IN_PDF = re.compile(rb"/URI \((https?://[^)\\]+)\)")
_BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
_CLICKS = "SELECT clicks FROM referrals WHERE celebration_id = $1"


async def visit(found: Found, *, dsn: str, public_url: str, practice_host: str) -> list[Visit]:
    """Open one certificate, one badge and one referral, as far as any was given.

    Args:
        found: what has arrived.
        dsn: the ledger, which counts the opening of a referral.
        public_url: where Cairn is reached from outside.
        practice_host: where a referral leads.
    """
    visits: list[Visit] = []
    async with aiohttp.ClientSession(headers=_BROWSER) as session:
        if mail := next((mail for mail in found.mails if mail.files), None):
            visits += await _certificate(session, found, next(iter(mail.files.values())), mail.delivery_id)
        if badge := _first(found, "badge"):
            visits += await _badge(session, _address(found, badge, f"{public_url}/b/"))
        if referral := _first(found, "referral"):
            url = _address(found, referral, f"{public_url}/r/")
            visits += await _referral(session, dsn, referral, url, practice_host)
        visits.append(
            await _opened(session, "an address that nobody was given", f"{public_url}/c/none", "404 text/html")
        )
    return visits


def links_of(pdf: bytes) -> Iterator[str]:
    """The addresses that a PDF leads to."""
    return (found[1].decode() for found in _LINK_IN_PDF.finditer(pdf))


def _first(found: Found, part: str) -> FoundDelivery | None:
    """The first part of its kind that went with a mail."""
    mailed = {mail.delivery_id for mail in found.mails}
    carried = {one.celebration_id for one in found.deliveries if one.delivery_id in mailed}
    return next(
        (
            one
            for one in found.deliveries
            if one.channel == part and one.state == "sent" and one.celebration_id in carried
        ),
        None,
    )


def _address(found: Found, part: FoundDelivery, prefix: str) -> str | None:
    """The part's address, from the words of the mail that carried it."""
    own = {one.delivery_id for one in found.deliveries if one.celebration_id == part.celebration_id}
    links = (link for mail in found.mails if mail.delivery_id in own for link in mail.links)
    return next((link for link in links if link.startswith(prefix)), None)


async def _certificate(session: aiohttp.ClientSession, found: Found, pdf: bytes, delivery_id: str) -> list[Visit]:
    url = next(links_of(pdf), None)
    owner = next((one.client for one in found.deliveries if one.delivery_id == delivery_id), "")
    name = found.addresses.get(owner, ("", ""))[0]
    return [
        await _opened(session, "the page of a certificate", url, "200 text/html, names its client", names=name),
        await _opened(session, "the certificate itself", url and f"{url}.pdf", "200 application/pdf"),
    ]


async def _badge(session: aiohttp.ClientSession, url: str | None) -> list[Visit]:
    return [
        await _opened(session, "the page of a badge", url, "200 text/html"),
        await _opened(session, "the badge itself", url and f"{url}-512.png", "200 image/png"),
    ]


async def _referral(
    session: aiohttp.ClientSession, dsn: str, asked: FoundDelivery, url: str | None, practice_host: str
) -> list[Visit]:
    followed = await _opened(session, "a referral link", url, f"302 to {practice_host}")
    connection = await asyncpg.connect(dsn)
    try:
        clicks = await connection.fetchval(_CLICKS, asked.celebration_id)
    finally:
        await connection.close()
    return [followed, Visit(what="its openings in the ledger", expected="1", found=str(clicks))]


async def _opened(
    session: aiohttp.ClientSession, what: str, url: str | None, expected: str, *, names: str | None = None
) -> Visit:
    """What is at an address, in the words in which it is expected."""
    if url is None:
        return Visit(what=what, expected=expected, found="no address arrived")
    async with session.get(url, allow_redirects=False) as answer:
        found = f"{answer.status} {answer.content_type}"
        if answer.status == HTTPStatus.FOUND:
            found = f"{answer.status} to {urlsplit(answer.headers['Location']).netloc}"
        elif names is not None:
            found += ", names its client" if names and names in await answer.text() else ", does not name its client"
    return Visit(what=what, expected=expected, found=found)
