"""Unknown deliveries over the administration API; it must never touch another tenant's.

| request | meaning |
|---|---|
| `GET /tenants/T/unknown` | what may or may not have been sent |
| `POST /tenants/T/unknown/D` | `{answer: sent, resend or give-up, reason}`: 204; 404: it is known; 409: it expired |
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from agents.ledger.pool import Pool
from agents.ledger.unknowns import Answer, Ruling, resolve, unknown_deliveries
from agents.web.problems import json, problem
from schemas.client import Line


class RulingBody(BaseModel):
    """What `POST` takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Answer
    reason: Line


def unknown_routes(
    pool: Pool,
    *,
    now: Callable[[], datetime],
    read: Callable[[web.Request, type[RulingBody]], Awaitable[RulingBody]],
    author: Callable[[web.Request], str],
) -> list[web.RouteDef]:
    """The routes to add to the administration.

    Args:
        pool: the ledger.
        now: domain time.
        read: reads a body, and refuses what it cannot understand.
        author: who asks.
    """

    async def listed(request: web.Request) -> web.Response:
        found = await unknown_deliveries(pool, tenant=request.match_info["tenant"])
        return json({"unknown": [asdict(delivery) for delivery in found]})

    async def decided(request: web.Request) -> web.Response:
        body = await read(request, RulingBody)
        ruling = Ruling(answer=body.answer, author=author(request), why=body.reason)
        match = request.match_info
        resolution = await resolve(pool, match["delivery"], ruling, now=now(), tenant=match["tenant"])
        if resolution == "not_unknown":
            return problem(HTTPStatus.NOT_FOUND)
        if resolution == "expired":
            return problem(HTTPStatus.CONFLICT, "it has expired: write yourself, and answer give-up")
        return web.Response(status=HTTPStatus.NO_CONTENT)

    return [
        web.get("/tenants/{tenant}/unknown", listed, allow_head=False),
        web.post("/tenants/{tenant}/unknown/{delivery}", decided),
    ]
