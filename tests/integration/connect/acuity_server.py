"""Acuity's dynamic webhooks as its developer pages describe them: one for each event, at most 25 an account."""

import base64
from itertools import count
from typing import Any

from aiohttp import web

from tests.integration.connect.vendor import HooksApi

USER_ID = "7"
API_KEY = "an-api-key"
_MOST = 25


class AcuityHooksServer(HooksApi):
    """`GET` and `POST /api/v1/webhooks`, `DELETE /api/v1/webhooks/{id}`.

    Attributes:
        hooks: as the API shows them, by number.
    """

    def __init__(self) -> None:
        pair = base64.b64encode(f"{USER_ID}:{API_KEY}".encode()).decode()
        super().__init__({"Authorization": f"Basic {pair}"})
        self.hooks: dict[int, dict[str, Any]] = {}
        self._numbers = count(1)
        self.app.router.add_get("/api/v1/webhooks", self._list)
        self.app.router.add_post("/api/v1/webhooks", self._create)
        self.app.router.add_delete("/api/v1/webhooks/{id}", self._delete)

    def add(self, event: str, target: str, *, status: str = "active") -> dict[str, Any]:
        number = next(self._numbers)
        self.hooks[number] = {"id": number, "event": event, "target": target, "status": status}
        return self.hooks[number]

    def told(self) -> set[tuple[str, str]]:
        return {(one["event"], one["target"]) for one in self.hooks.values() if one["status"] == "active"}

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self.hooks.values()))

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if len(self.hooks) >= _MOST:
            return web.json_response({"status_code": 400, "error": "limit", "message": "Limit reached"}, status=400)
        return web.json_response(self.add(asked["event"], asked["target"]))

    async def _delete(self, request: web.Request) -> web.Response:
        self.hooks.pop(int(request.match_info["id"]), None)
        return web.Response(status=204)
