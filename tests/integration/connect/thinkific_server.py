"""Thinkific's Webhooks API as its OpenAPI document describes it: a webhook for each topic, in pages."""

from itertools import count
from typing import Any

from aiohttp import web

from tests.integration.connect.vendor import HooksApi

TOKEN = "an-access-token"


class ThinkificServer(HooksApi):
    """`GET` and `POST /api/v2/webhooks`, `DELETE /api/v2/webhooks/{id}`; three on a page.

    Attributes:
        hooks: as the API shows them, by id.
    """

    def __init__(self, wanted_headers: dict[str, str] | None = None) -> None:
        super().__init__(wanted_headers or {"Authorization": f"Bearer {TOKEN}"})
        self.hooks: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)
        self.app.router.add_get("/api/v2/webhooks", self._list)
        self.app.router.add_post("/api/v2/webhooks", self._create)
        self.app.router.add_delete("/api/v2/webhooks/{id}", self._delete)

    def add(self, topic: str, target: str, *, status: str = "active") -> dict[str, Any]:
        own_id = f"2026050812000{next(self._numbers)}"
        facts = {"created_at": "2026-05-08T12:00:00Z", "created_by": "1", "updated_at": "2026-05-08T12:00:00Z"}
        self.hooks[own_id] = {"id": own_id, "topic": topic, "target_url": target, "status": status, **facts}
        return self.hooks[own_id]

    def told(self) -> set[tuple[str, str]]:
        return {(one["topic"], one["target_url"]) for one in self.hooks.values() if one["status"] == "active"}

    async def _list(self, request: web.Request) -> web.Response:
        start, found = int(request.query.get("next", "0")), list(self.hooks.values())
        has_next = len(found) > start + 3
        page = {"has_next": has_next, "next_page": str(start + 3) if has_next else "", "page_items": 3}
        return web.json_response({"items": found[start : start + 3], "meta": {"page": page}})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if "." not in asked["topic"]:
            return web.json_response({"errors": {"topic": "invalid format"}}, status=422)
        return web.json_response(self.add(asked["topic"], asked["target_url"]), status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        found = self.hooks.pop(request.match_info["id"], None)
        return web.Response(status=204) if found else web.json_response({"error": "Record not found."}, status=404)
