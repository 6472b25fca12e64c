"""A port that serves an aiohttp application for as long as it is needed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

_SHUTDOWN_SECONDS = 5.0
_KEEPALIVE_SECONDS = 75.0  # as nginx has it; aiohttp's own is an hour


@asynccontextmanager
async def listening(app: web.Application, *, host: str, port: int) -> AsyncIterator[None]:
    """Serve `app`; on leaving, requests under way get a few seconds to finish.

    Raises:
        OSError: the port is taken, or the host is not one of this machine's.
    """
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS, keepalive_timeout=_KEEPALIVE_SECONDS
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
