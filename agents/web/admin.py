"""Administration: the brake, coach tasks and erasure over HTTP, for operators and platforms.

It must never act without a key, nor outside the tenant that the key is for; what is done is
signed with the key's name in the ledger. Mounted at `/v1/admin`; every address but `/pause`
names its tenant.

| request | meaning |
|---|---|
| `PUT, DELETE /tenants/T/clients/C/suppression` | nothing goes to the client; lift that |
| `DELETE /tenants/T/clients/C` | erase the client everywhere |
| `PUT, DELETE /tenants/T/pause?channel=&rule=` | pause a tenant, or a channel or rule of it; resume |
| `PUT, DELETE /pause?channel=&rule=` | the same for every tenant, with a key for all |
| `GET /tenants/T/clients/C/why?milestone=` | what the client reached, what was sent, what was not, and why |
| `GET /tenants/T/held` | what is held and why |
| `GET /tenants/T/unknown`, `POST /tenants/T/unknown/D` | see `agents.web.unknowns` |
| `GET /tenants/T/tasks` | what is left to coaches; `POST /tenants/T/tasks/N/done` closes one |
| `/tenants/T/clients/C/links` | two clients who are one person: `agents.web.admin_links` |
| `/tenants/T/approvals` | what waits for a coach: `agents.web.admin_approvals` |
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, get_args

import msgspec
from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Strict

from agents.ledger.brakes import held, pause, resume, suppress, unsuppress
from agents.ledger.pool import Pool
from agents.ledger.story import read_story
from agents.ledger.tasks import close_task, open_tasks
from agents.tenants import TenantsNow, unknown_rule
from agents.web.failures import Failures
from agents.web.keyed import Refused, author_of, read_body, with_key
from agents.web.problems import json, problem
from agents.web.unknowns import unknown_routes
from schemas.brake import Pause, Suppression, SuppressionAnswer
from schemas.client import Line
from schemas.policy import ChannelName
from schemas.text import Identifier

Erase = Callable[[str, str], Awaitable[None]]

_MAX_TASK_DIGITS = 18
_CHANNELS: tuple[str, ...] = get_args(ChannelName)
_MILESTONE = re.compile(r"[0-9a-f]{32}")


class ReasonBody(BaseModel):
    """What `PUT .../pause` takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Line


class SuppressionBody(ReasonBody):
    """What `PUT .../suppression` takes."""

    answer: SuppressionAnswer = "hold"
    until: Annotated[AwareDatetime, Strict()] | None = None


class Administration:
    """The handlers.

    Args:
        pool: the ledger.
        erase: forgets a client of a tenant everywhere.
        tenants: in force, by id; their rulebooks say which rules can be paused.
        now: domain time.
    """

    def __init__(self, pool: Pool, erase: Erase, tenants: TenantsNow, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._erase = erase
        self._tenants = tenants
        self._now = now

    async def suppress(self, request: web.Request) -> web.Response:
        """Nothing goes to this client from now on: `{reason, answer?, until?}`."""
        body = await read_body(request, SuppressionBody)
        suppression = Suppression(answer=body.answer, reason=body.reason, until=body.until)
        whose = {"tenant": _tenant(request), "client": _client(request)}
        now = self._now()
        await suppress(self._pool, **whose, suppression=suppression, author=author_of(request), now=now)
        return _done()

    async def unsuppress(self, request: web.Request) -> web.Response:
        """Lift it; 404 when there is none."""
        tenant, client = _tenant(request), _client(request)
        lifted = await unsuppress(self._pool, tenant=tenant, client=client, author=author_of(request), now=self._now())
        return _done(lifted)

    async def erase(self, request: web.Request) -> web.Response:
        """Erase the client: 202, because other processes follow as soon as they read of it."""
        await self._erase(_tenant(request), _client(request))
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def why(self, request: web.Request) -> web.Response:
        """The story of the client's newest milestones, or of one; 404 for a client of whom nothing was heard."""
        milestone = request.query.get("milestone")
        if milestone is not None and not _MILESTONE.fullmatch(milestone):
            raise Refused("milestone: the 32 hex characters of its id")
        story = await read_story(self._pool, _tenant(request), _client(request), milestone=milestone)
        if not story.is_known or (milestone and not story.milestones):
            return problem(HTTPStatus.NOT_FOUND, "delivery has heard nothing of it: ids are compared letter by letter")
        return json(asdict(story))

    async def pause(self, request: web.Request) -> web.Response:
        """Nothing in the scope goes from now on: `{reason}`. Pausing again changes nothing."""
        body = await read_body(request, ReasonBody)
        tenant, channel, rule = _scope(request)
        correction = unknown_rule(self._tenants(), tenant, rule) if rule is not None else None
        if correction:
            raise Refused(f"rule: {correction}")
        scope = Pause(tenant=tenant, channel=channel, rule=rule, reason=body.reason)
        await pause(self._pool, scope, author=author_of(request))
        return _done()

    async def resume(self, request: web.Request) -> web.Response:
        """Lift the pause of exactly this scope; 404 when there is none."""
        tenant, channel, rule = _scope(request)
        lifted = await resume(
            self._pool, tenant=tenant, channel=channel, rule=rule, author=author_of(request), now=self._now()
        )
        return _done(lifted)

    async def held(self, request: web.Request) -> web.Response:
        """What is held and why, oldest first."""
        found = await held(self._pool, tenant=_tenant(request), now=self._now())
        return json({"held": [asdict(delivery) for delivery in found]})

    async def tasks(self, request: web.Request) -> web.Response:
        """What is left to coaches, oldest first."""
        found = await open_tasks(self._pool, tenant=_tenant(request))
        return json({"tasks": [asdict(task) for task in found]})

    async def task_done(self, request: web.Request) -> web.Response:
        """A coach did it; 404 when it is not open, or another tenant's."""
        number = request.match_info["task"]
        if len(number) > _MAX_TASK_DIGITS:
            return problem(HTTPStatus.NOT_FOUND)
        closed = await close_task(self._pool, task_id=int(number), tenant=_tenant(request), author=author_of(request))
        return _done(closed)


def admin_app(
    pool: Pool,
    *,
    failures: Failures,
    erase: Erase,
    tenants: TenantsNow,
    now: Callable[[], datetime],
    more: Iterable[web.RouteDef] = (),
) -> web.Application:
    """The application to mount at `/v1/admin`.

    Args:
        pool: the ledger.
        failures: counts wrong keys.
        erase: forgets a client of a tenant everywhere.
        tenants: in force, by id; a slip in the name of a tenant or rule must not look like a brake that works.
        now: domain time.
        more: routes of other subjects that a key opens, such as approvals.
    """
    admin = Administration(pool, erase, tenants, now)
    app = web.Application(middlewares=[with_key(pool, failures, tenants)])
    client = "/tenants/{tenant}/clients/{client}"
    app.add_routes(
        [
            web.put(f"{client}/suppression", admin.suppress),
            web.delete(f"{client}/suppression", admin.unsuppress),
            web.delete(client, admin.erase),
            web.get(f"{client}/why", admin.why, allow_head=False),
            web.put("/tenants/{tenant}/pause", admin.pause),
            web.delete("/tenants/{tenant}/pause", admin.resume),
            web.put("/pause", admin.pause),
            web.delete("/pause", admin.resume),
            web.get("/tenants/{tenant}/held", admin.held, allow_head=False),
            web.get("/tenants/{tenant}/tasks", admin.tasks, allow_head=False),
            web.post(r"/tenants/{tenant}/tasks/{task:\d+}/done", admin.task_done),
            *unknown_routes(pool, now=now, read=read_body, author=author_of),
            *more,
        ]
    )
    return app


def _tenant(request: web.Request) -> str:
    return request.match_info["tenant"]


def _client(request: web.Request) -> str:
    try:
        return msgspec.convert(request.match_info["client"], Identifier)
    except msgspec.ValidationError:
        raise Refused("client: 1 to 128 characters without spaces or /") from None


def _scope(request: web.Request) -> tuple[str | None, str | None, str | None]:
    unknown = set(request.query) - {"channel", "rule"}
    if unknown:
        raise Refused("only channel and rule narrow a pause")
    channel, rule = request.query.get("channel"), request.query.get("rule")
    if channel is not None and channel not in _CHANNELS:
        raise Refused(f"channel: one of {', '.join(_CHANNELS)}")
    if (rule is not None and not rule.isprintable()) or rule == "":
        raise Refused("rule: the id of a rule")
    return request.match_info.get("tenant"), channel, rule


def _done(found: bool = True) -> web.Response:
    return web.Response(status=HTTPStatus.NO_CONTENT) if found else problem(HTTPStatus.NOT_FOUND)
