"""What the vendors' local servers for subscriptions share: answers that are given before the proper one."""

from collections import deque

from aiohttp import web

from demo.vendors.server import VendorServer


class HooksApi(VendorServer):
    """An API of subscriptions.

    Attributes:
        refusals: statuses and headers with which the next requests are answered, instead of properly.
        wanted_headers: credentials; any other request is answered with 401.
        asked: method and path of each request, in order.
    """

    def __init__(self, wanted_headers: dict[str, str]) -> None:
        super().__init__()
        self.refusals: deque[tuple[int, dict[str, str]]] = deque()
        self.wanted_headers = wanted_headers
        self.asked: list[tuple[str, str]] = []
        self.app.middlewares.append(self._judge)

    @property
    def changes(self) -> int:
        """How many requests changed something or tried to."""
        return sum(method != "GET" for method, _ in self.asked)

    @web.middleware
    async def _judge(self, request: web.Request, handler: object) -> web.StreamResponse:
        self.asked.append((request.method, request.path))
        if self.refusals:
            status, headers = self.refusals.popleft()
            return web.json_response({"message": "refused"}, status=status, headers=headers)
        if any(request.headers.get(name) != value for name, value in self.wanted_headers.items()):
            return web.json_response({"title": "Unauthenticated", "message": "no"}, status=401)
        assert callable(handler)
        answer = await handler(request)
        assert isinstance(answer, web.StreamResponse)
        return answer
