"""Links over HTTP: two clients of a tenant are one person, for operators and platforms.

It must never link across tenants: the address names one. Mounted in the administration API, whose key it needs.

| request | meaning |
|---|---|
| `POST /tenants/T/clients/C/links` | `{client}`: that client is C from now on; again, it changes nothing |
| `GET /tenants/T/clients/C/links` | who is linked to C, or to whom C is, and how far their history is |

404 for an id of which nothing was heard, 409 for two that cannot be one, with the reason.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Protocol

import msgspec
from aiohttp import web
from pydantic import BaseModel, ConfigDict, StringConstraints

from agents.ledger.links import Carried, LinkRefused, links_of
from agents.ledger.pool import Pool
from agents.linking import Couple
from agents.web.keyed import Refused, author_of, read_body
from agents.web.problems import json, problem
from schemas.text import Identifier


class Link(Protocol):
    """Makes a couple one; `agents.linking.link_clients` with its pool and producer is it."""

    def __call__(self, couple: Couple, /, *, now: datetime) -> Awaitable[Carried]:
        """What was carried over.

        Raises:
            LinkRefused: they cannot be one.
        """
        ...


class LinkBody(BaseModel):
    """What `POST` takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: Annotated[str, StringConstraints(max_length=128, pattern=r"^[^\s/\x00-\x1f\x7f]+$")]


class _Links:
    """The handlers."""

    def __init__(self, pool: Pool, link: Link, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._link = link
        self._now = now

    async def add(self, request: web.Request) -> web.Response:
        """Make the client of the body the client of the address: 200 with what was carried over."""
        body = await read_body(request, LinkBody)
        couple = Couple(
            tenant=request.match_info["tenant"],
            into=_identifier(request.match_info["client"]),
            client=body.client,
            author=author_of(request),
        )
        try:
            carried = await self._link(couple, now=self._now())
        except LinkRefused as refused:
            is_unknown = refused.why == "unknown"
            return problem(HTTPStatus.NOT_FOUND if is_unknown else HTTPStatus.CONFLICT, str(refused))
        return json(asdict(carried))

    async def show(self, request: web.Request) -> web.Response:
        """The links of one client, newest first."""
        client = _identifier(request.match_info["client"])
        found = await links_of(self._pool, tenant=request.match_info["tenant"], client=client)
        return json({"links": [asdict(one) for one in found]})


def link_routes(pool: Pool, link: Link, now: Callable[[], datetime]) -> tuple[web.RouteDef, ...]:
    """The routes, for `agents.web.admin.admin_app`.

    Args:
        pool: the ledger.
        link: makes two clients one.
        now: domain time.
    """
    links = _Links(pool, link, now)
    address = "/tenants/{tenant}/clients/{client}/links"
    return web.post(address, links.add), web.get(address, links.show, allow_head=False)


def _identifier(text: str) -> str:
    try:
        return msgspec.convert(text, Identifier)
    except msgspec.ValidationError:
        raise Refused("client: 1 to 128 characters without spaces or /") from None
