"""The stage: the real inbox on a real ledger at one origin, and a platform's page with a strict policy at another."""

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt
from aiohttp import web

from agents.embedded.postgres import EmbeddedPostgres
from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.web.asset_files import assets_app
from agents.web.failures import Failures
from agents.web.inbox import inbox_app
from agents.web.problems import problems
from tests.integration.web.conftest import MILESTONE

_KEY = "k" * 32
_ITEM = """
INSERT INTO inbox (item_id, tenant, client, tier, title, text, html)
VALUES ($1, 'northstar', 'ana', 'micro', $2, $3, $4)
"""
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>My training</title>
<script type="module" src="{us}/assets/cairn-inbox.js"></script><h1>My training</h1>
<cairn-inbox token="{token}"></cairn-inbox></html>"""


@dataclass
class Stage:
    """What a play needs to move."""

    pool: Pool
    us: str
    runner: web.AppRunner
    page: str = ""
    site: web.TCPSite | None = None

    async def put(self, item: str, title: str, text: str = "Well done.", html: str = "<p>Well done.</p>") -> None:
        """A message arrives."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(MILESTONE, item, "ana", "sent")
            await connection.execute(_ITEM, item, title, text, html)

    async def unread(self) -> set[str]:
        """What the ledger holds as unread."""
        return {row["item_id"] for row in await self.pool.fetch("SELECT item_id FROM inbox WHERE read_at IS NULL")}

    async def go(self) -> None:
        """The service goes away, and every connection with it."""
        assert self.site
        logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # what is cut is not news here
        await self.site.stop()
        assert self.runner.server
        for connection in list(self.runner.server.connections):
            if connection.transport:
                connection.transport.abort()

    async def come(self, port: int) -> None:
        """The service is there."""
        self.site = web.TCPSite(self.runner, "localhost", port)
        await self.site.start()


def token(seconds: int = 3600) -> str:
    """A reader's token, as a platform signs it."""
    claims = {"tenant": "northstar", "sub": "ana", "aud": "cairn-inbox", "exp": int(time.time()) + seconds}
    return jwt.encode(claims, _KEY, "HS256")


@asynccontextmanager
async def stage(port: int, host_port: int) -> AsyncIterator[Stage]:
    """Everything up; the platform's page is at `Stage.page`, and with `?types` it requires Trusted Types."""
    us, host = f"http://localhost:{port}", f"http://localhost:{host_port}"
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        await asyncio.to_thread(server.start)
        try:
            await migrate(server.dsn)
            pool = await connect(server.dsn)
            runner, host_runner = web.AppRunner(_service(pool, host)), web.AppRunner(_platform(us))
            for one in (runner, host_runner):
                await one.setup()
            play = Stage(pool=pool, us=us, runner=runner, page=f"{host}/")
            await play.come(port)
            await web.TCPSite(host_runner, "localhost", host_port).start()
            yield play
            await host_runner.cleanup()
            await runner.cleanup()
            await pool.close()
        finally:
            server.stop()


def _service(pool: Pool, host: str) -> web.Application:
    app = web.Application(middlewares=[problems])
    app.add_subapp("/v1/inbox", inbox_app(pool, keys=lambda _: (_KEY,), failures=Failures(), allowed_origins=(host,)))
    app.add_subapp("/assets", assets_app(allowed_origins=(host,)))
    return app


def _platform(us: str) -> web.Application:
    async def page(request: web.Request) -> web.Response:
        policy = f"default-src 'none'; script-src {us}; connect-src {us}"
        if "types" in request.query:
            policy += "; require-trusted-types-for 'script'"
        if "open" in request.query:
            policy = ""
        text = _PAGE.format(us=us, token=token())
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})

    app = web.Application()
    app.router.add_get("/", page)
    return app
