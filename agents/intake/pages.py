"""Pages: a list that a tool hands out in parts, each naming the next.

It must never follow a link to another origin, which would take the credentials elsewhere, nor
read for ever: the number of pages has a limit, and a list that comes back to a page that was
read is away.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from aiolimiter import AsyncLimiter
from yarl import URL

from agents.intake.fetch import fetch_answer
from agents.intake.source_away import SourceAway

MAX_PAGES = 500


async def fetch_pages(
    session: aiohttp.ClientSession,
    url: str,
    *,
    limiter: AsyncLimiter,
    headers: Mapping[str, str],
    params: Mapping[str, str],
    page_seconds: float,
) -> AsyncIterator[list[Any]]:
    """The pages in order, as `Link: <…>; rel="next"` leads from one to the next (RFC 8288).

    `url` and `params` are the first page's, a link holds its own; `page_seconds` bounds waiting
    and trying for one page.

    Raises:
        SourceAway: a page is no list or does not come, a link leads to another origin or back
            to a page that was read, or there are more than `MAX_PAGES`.
    """
    first = URL(url).update_query(params)
    page_url, seen = first, {first}
    before: list[Any] = []
    for _ in range(MAX_PAGES):
        answer = await fetch_answer(
            session, str(page_url), limiter=limiter, headers=headers, total_seconds=page_seconds
        )
        if not isinstance(answer.document, list):
            raise SourceAway("the tool's answer is not a list")
        if answer.document and answer.document == before:
            raise SourceAway("the tool's next page is the page before: its links lead in a circle")
        yield answer.document
        if answer.next_reference is None:
            return
        page_url, before = _followed(first, page_url, answer.next_reference), answer.document
        if page_url in seen:
            raise SourceAway("the tool's next page is one that was read: its links lead in a circle")
        seen.add(page_url)
    raise SourceAway(f"the tool's list has more than {MAX_PAGES} pages")


def _followed(first: URL, page_url: URL, reference: str) -> URL:
    try:
        target = page_url.join(URL(reference)).with_fragment(None)
        is_ours = target.origin() == first.origin() and target.user is None and target.password is None
    except ValueError:
        raise SourceAway("the tool's next page has an address that is none") from None
    if not is_ours:
        raise SourceAway("the tool's next page is at another address: it is not followed")
    return target
