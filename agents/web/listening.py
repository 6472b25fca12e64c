"""A port that serves an aiohttp application for as long as it is needed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

_SHUTDOWN_SECONDS = 5.0
IDLE_SECONDS = 75.0
"""As nginx has it; aiohttp's own is an hour."""


@asynccontextmanager
async def listening(
    app: web.Application, *, host: str, port: int, idle_seconds: float = IDLE_SECONDS
) -> AsyncIterator[None]:
    """Serve `app`; on leaving, requests under way get a few seconds to finish.

    A connection that says nothing for `idle_seconds`, before its first request or after one, or takes so long to
    finish a request's head, is closed.

    Raises:
        OSError: the port is taken, or the host is not one of this machine's.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS, keepalive_timeout=idle_seconds)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
