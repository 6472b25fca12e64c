"""Calendly's subscriptions as its developer pages describe them: the key is written and never shown."""

import uuid
from typing import Any

from aiohttp import web

from tests.integration.connect.vendor import HooksApi

TOKEN = "a-personal-token"


class CalendlyServer(HooksApi):
    """`GET /users/me` and `/webhook_subscriptions`; two on a page.

    Attributes:
        subscriptions: as the API shows them, by their id.
        keys: signing keys by the same ids.
        unseeing_looks: so many lists show nothing, as to a token that may not see.
    """

    def __init__(self) -> None:
        super().__init__({"Authorization": f"Bearer {TOKEN}"})
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str | None] = {}
        self.unseeing_looks = 0
        self.app.router.add_get("/users/me", self._me)
        self.app.router.add_get("/webhook_subscriptions", self._list)
        self.app.router.add_post("/webhook_subscriptions", self._create)
        self.app.router.add_delete("/webhook_subscriptions/{id}", self._delete)

    @property
    def organization(self) -> str:
        return f"{self.base_url}/organizations/ORG"

    def addresses(self) -> list[str]:
        return [one["callback_url"] for one in self.subscriptions.values()]

    def add(self, address: str, events: list[str], *, key: str | None = None, state: str = "active") -> str:
        own_id = uuid.uuid4().hex
        self.keys[own_id] = key
        self.subscriptions[own_id] = {
            "uri": f"{self.base_url}/webhook_subscriptions/{own_id}",
            "callback_url": address,
            "created_at": "2026-05-08T12:00:00.000000Z",
            "updated_at": "2026-05-08T12:00:00.000000Z",
            "retry_started_at": None,
            "state": state,
            "events": events,
            "scope": "organization",
            "organization": self.organization,
            "user": None,
            "creator": f"{self.base_url}/users/ME",
        }
        return own_id

    async def _me(self, _request: web.Request) -> web.Response:
        resource = {"uri": f"{self.base_url}/users/ME", "current_organization": self.organization}
        return web.json_response({"resource": resource})

    async def _list(self, request: web.Request) -> web.Response:
        if request.query["organization"] != self.organization or request.query["scope"] != "organization":
            return web.json_response({"title": "Permission Denied"}, status=403)
        start = int(request.query.get("page_token", "0"))
        found = [] if self.unseeing_looks > 0 else list(self.subscriptions.values())
        self.unseeing_looks -= 1
        following = str(start + 2) if len(found) > start + 2 else None
        page = {"count": 2, "next_page": following, "next_page_token": following}
        return web.json_response({"collection": found[start : start + 2], "pagination": page})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["url"] in self.addresses():
            return web.json_response({"title": "Already Exists", "message": "Hook with this url exists"}, status=409)
        own_id = self.add(asked["url"], asked["events"], key=asked["signing_key"])
        return web.json_response({"resource": self.subscriptions[own_id]}, status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        if self.subscriptions.pop(request.match_info["id"], None) is None:
            return web.json_response({"title": "Resource Not Found"}, status=404)
        return web.Response(status=204)
