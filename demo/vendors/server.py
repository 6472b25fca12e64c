"""What the vendors' local servers share: an address on the loopback interface and their faults."""

from collections import deque
from types import TracebackType
from typing import Self

from aiohttp import web


class VendorServer:
    """An HTTP server on a free port of 127.0.0.1; subclasses add routes to `app`.

    Attributes:
        requests: how many requests were answered.
        faults: statuses with which the next requests are answered, instead of properly.
        retry_after: the `Retry-After` of such an answer, if any.
        cookies: how many requests brought back the cookie that every proper answer sets.
    """

    def __init__(self) -> None:
        self.app = web.Application(middlewares=[self._count_and_fail])
        self.requests = 0
        self.faults: deque[int] = deque()
        self.retry_after: str | None = None
        self.cookies = 0
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """Where it listens."""
        if self._runner is None:
            raise RuntimeError("start the server first")
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def __aenter__(self) -> Self:
        """Start to listen."""
        self._runner = web.AppRunner(self.app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop to listen."""
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _count_and_fail(self, request: web.Request, handler: object) -> web.StreamResponse:
        self.requests += 1
        self.cookies += "load_balancer" in request.cookies
        if self.faults:
            headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
            return web.Response(status=self.faults.popleft(), headers=headers)
        assert callable(handler)  # noqa: S101 - aiohttp hands a handler
        answer = await handler(request)
        assert isinstance(answer, web.StreamResponse)  # noqa: S101 - as its handlers return
        answer.set_cookie("load_balancer", "one")
        return answer
