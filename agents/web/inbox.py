"""Inbox: what a client reads inside the platform's app, over HTTP.

It must never show one client's items to another: every query carries the tenant and client of
the verified token, and none of them comes from the address. Mounted at `/v1/inbox`.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import Field

from agents.ledger.away import AWAY
from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from agents.web.cross_origin import allow_origins
from agents.web.failures import Failures
from agents.web.feed import Feed, TooManyReaders
from agents.web.problems import json, problem
from agents.web.reader_tokens import Reader, ReaderTokens
from agents.web.readers import READER, authenticated

_PAGE_ITEMS = 20
_MAX_PAGE_ITEMS = 100
PageLimit = Annotated[int, Field(ge=1, le=_MAX_PAGE_ITEMS)]
"""How many items a page has at most."""

_HEARTBEAT_SECONDS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """One message: `html` is a fragment of it, clean of scripts, or empty."""

    id: str
    tier: str
    title: str
    text: str
    html: str
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """Items newest first; `next` is the `after` of the page below, null at the end."""

    items: list[InboxItem]
    unread: int
    next: str | None


class Inbox:
    """The handlers of the inbox.

    Args:
        pool: the ledger.
        feed: wakes live readers.
    """

    def __init__(self, pool: Pool, feed: Feed) -> None:
        self._pool = pool
        self._feed = feed
        self._sql = load_queries("web")

    async def items(self, request: web.Request) -> web.Response:
        """`GET ?limit=20&after=ITEM`: newest first; `next` continues below, null at the end."""
        reader = request[READER]
        limit = _limit(request.query.get("limit"))
        if limit is None:
            return problem(HTTPStatus.BAD_REQUEST, f"limit must be 1 to {_MAX_PAGE_ITEMS}")
        rows = await self._pool.fetch(
            self._sql.inbox_items, reader.tenant, reader.client, request.query.get("after"), limit + 1
        )
        items = [InboxItem(**row) for row in rows]
        following = items[limit - 1].id if len(items) > limit else None
        return json(InboxPage(items=items[:limit], unread=await self._unread(reader), next=following))

    async def read(self, request: web.Request) -> web.Response:
        """`POST /{id}/read`: 204, also when it was read before; 404 if it is not this client's."""
        reader = request[READER]
        found = await self._pool.fetchval(self._sql.mark_read, reader.tenant, reader.client, request.match_info["item"])
        return web.Response(status=HTTPStatus.NO_CONTENT) if found else problem(HTTPStatus.NOT_FOUND)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """`GET /events`: server-sent events; each tells the number of unread items, then it is time to look.

        The stream ends with the token. It speaks at once, on every change, and as a comment every
        25 seconds.
        """
        reader = request[READER]
        try:
            with self._feed.subscribe(reader.tenant, reader.client) as news:
                return await self._stream(request, reader, news)
        except TooManyReaders:
            again = {"Retry-After": str(_HEARTBEAT_SECONDS)}
            return problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "too many live readers; ask for the list instead", headers=again
            )

    async def _stream(self, request: web.Request, reader: Reader, news: asyncio.Event) -> web.StreamResponse:
        stream = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await stream.prepare(request)
        news.set()
        while not self._feed.closing and time.time() < reader.valid_until:
            try:
                async with asyncio.timeout(_HEARTBEAT_SECONDS):
                    await news.wait()
            except TimeoutError:
                await stream.write(b":\n\n")
                continue
            news.clear()
            try:
                body = orjson.dumps({"unread": await self._unread(reader)})
            except AWAY:
                break  # the reader connects again, and is told what it missed
            await stream.write(b"event: inbox\ndata: " + body + b"\n\n")
        return stream

    async def _unread(self, reader: Reader) -> int:
        return int(await self._pool.fetchval(self._sql.inbox_unread, reader.tenant, reader.client))


def inbox_app(
    pool: Pool,
    *,
    keys: Callable[[str], tuple[str, ...]],
    failures: Failures,
    allowed_origins: tuple[str, ...] = (),
) -> web.Application:
    """The application to mount at `/v1/inbox`.

    Args:
        pool: the ledger.
        keys: a tenant's valid values of the secret `inbox_key`; empty for a tenant without one.
        failures: counts wrong tokens.
        allowed_origins: web origins whose pages may call it, as in `https://app.example`.
    """
    feed = Feed(pool)
    inbox = Inbox(pool, feed)
    app = web.Application(middlewares=[authenticated(ReaderTokens(keys), failures)])
    app.add_routes(
        [
            web.get("", inbox.items, allow_head=False),
            web.get("/events", inbox.events, allow_head=False),
            web.post("/{item}/read", inbox.read),
        ]
    )
    allow_origins(app, allowed_origins)
    app.cleanup_ctx.append(feed.run)
    app.on_shutdown.append(feed.close)
    return app


def _limit(text: str | None) -> int | None:
    if text is None:
        return _PAGE_ITEMS
    return int(text) if text.isdecimal() and 1 <= int(text) <= _MAX_PAGE_ITEMS else None
