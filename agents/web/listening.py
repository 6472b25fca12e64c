"""A port that serves an aiohttp application for as long as it is needed."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

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
    log = _ServerLog(logging.getLogger("aiohttp.server"), {})
    runner = web.AppRunner(
        app, access_log=None, logger=log, shutdown_timeout=_SHUTDOWN_SECONDS, keepalive_timeout=idle_seconds
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


class _ServerLog(logging.LoggerAdapter[logging.Logger]):
    """What aiohttp's server logs; a request that cannot be parsed is whoever sent it's fault, and no error of ours."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **more: Any) -> None:
        if isinstance(exc_info, HttpProcessingError | web.RequestPayloadError):
            self.info("request_unreadable: %s", type(exc_info).__name__)
            return
        super().exception(msg, *args, exc_info=exc_info, **more)
