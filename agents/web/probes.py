"""Probes: `/livez`, `/readyz` and `/metrics`, on a port of their own that only operators reach.

`/livez` must never ask a dependency: an outage of Kafka or Postgres shows in `/readyz` and in
metrics, and kills nobody. A check answers None when all is well, else the reason in a few words; a
`Remark` fails nothing, and is shown.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from agents.web.problems import json

Check = Callable[[], Awaitable[str | None]]


class Remark(str):
    """What a check that holds has to say all the same: work is done, and somebody should look."""

    __slots__ = ()


def probes_app(
    *,
    live: Mapping[str, Check],
    ready: Mapping[str, Check],
    registry: CollectorRegistry = REGISTRY,
    check_seconds: float = 5.0,
) -> web.Application:
    """The application of the probe port.

    Args:
        live: progress of the process itself; a failing one means: restart me.
        ready: what must hold before work is done, such as configuration, migrations, assignment.
        registry: the metrics to show.
        check_seconds: a check that takes longer fails.
    """

    async def livez(_request: web.Request) -> web.Response:
        return await _answer(live, check_seconds)

    async def readyz(_request: web.Request) -> web.Response:
        return await _answer(ready, check_seconds)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics, allow_head=False)]
    )
    return app


async def _answer(checks: Mapping[str, Check], seconds: float) -> web.Response:
    reasons = await asyncio.gather(*(_ask(check, seconds) for check in checks.values()))
    well = all(reason is None or isinstance(reason, Remark) for reason in reasons)
    body = {
        "status": "ok" if well else "failing",
        "checks": dict(zip(checks, (reason or "ok" for reason in reasons), strict=True)),
    }
    return json(body, HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)


async def _ask(check: Check, seconds: float) -> str | None:
    try:
        async with asyncio.timeout(seconds):
            return await check()
    except TimeoutError:
        return f"no answer in {seconds:g} s"
