"""A provider's server that plays a script: it answers as told, hangs, or hangs up, and keeps what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from agents.embedded.ports import usable_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class ScriptedHttp:
    """Answers every request as told.

    Attributes:
        body: bytes go as they are, anything else as JSON.
        hang: takes the request and says nothing.
        drop: takes the request and closes the connection.
    """

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False
    asked: list[Asked] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.StreamResponse:
        headers = dict(request.headers)
        self.asked.append(
            Asked(method=request.method, path=request.raw_path, headers=headers, body=await request.read())
        )
        if self.hang:
            await asyncio.sleep(3_600)
        if self.drop and request.transport:
            request.transport.abort()
        if isinstance(self.body, bytes):
            return web.Response(status=self.status, body=self.body, content_type="text/html", headers=self.headers)
        return web.json_response(self.body, status=self.status, headers=self.headers)


@asynccontextmanager
async def listening_to(provider: ScriptedHttp) -> AsyncIterator[str]:
    """Serve it; gives the address without a slash at the end."""
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", provider.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = usable_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
