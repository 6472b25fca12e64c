"""The APIs of Teachable and Kajabi as their reference pages describe them, on the loopback interface."""

import asyncio
import json
from collections import deque
from copy import deepcopy
from pathlib import Path
from typing import Any

from aiohttp import web

from demo.vendors.server import VendorServer

FIXTURES = Path(__file__).parents[2] / "agents" / "intake" / "fixtures"


class TeachableServer(VendorServer):
    """`GET /v1/users/{id}` with the header `apiKey`.

    Attributes:
        key: the one that is valid.
        users: by id, as the API shows them.
        resets: statuses with which the next questions are answered, each with its `RateLimit-Reset`.
        page: answered with 200 instead of JSON, as a maintenance page is.
        answers: no user is answered while it is not set.
    """

    def __init__(self, key: str) -> None:
        super().__init__()
        user = json.loads((FIXTURES / "teachable_user.json").read_text())
        self.key = key
        self.users: dict[str, dict[str, Any]] = {str(user["id"]): user}
        self.resets: deque[tuple[int, str]] = deque()
        self.page: str | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.app.router.add_get("/v1/users/{id}", self._user)

    async def _user(self, request: web.Request) -> web.Response:
        await self.answers.wait()
        if request.headers.get("apiKey") != self.key:
            return web.json_response({"message": "Invalid authentication credentials"}, status=401)
        if self.resets:
            status, reset = self.resets.popleft()
            message = {"message": "API rate limit exceeded"}
            return web.json_response(message, status=status, headers={"RateLimit-Reset": reset})
        if self.page is not None:
            return web.Response(text=self.page, content_type="text/html")
        found = self.users.get(request.match_info["id"])
        return web.json_response(found or {"message": "Not found"}, status=200 if found else 404)


class KajabiServer(VendorServer):
    """`POST /v1/oauth/token` with client credentials, `GET /v1/contacts/{id}?include=tags` with the token.

    Attributes:
        secret: the client's, that is valid.
        contacts: JSON:API documents by id.
        expires_in: seconds that a token lasts, by its own word.
        tokens: those that were given; only the last one is valid, and none if it was revoked.
        foreign: ids of contacts of another site: 403.
        page: answered with 200 instead of JSON, as a maintenance page is.
    """

    def __init__(self, secret: str) -> None:
        super().__init__()
        document = json.loads((FIXTURES / "kajabi_contact.json").read_text())
        self.secret = secret
        self.contacts: dict[str, dict[str, Any]] = {document["data"]["id"]: document}
        self.expires_in: object = 7_200
        self.tokens: list[str] = []
        self.foreign: set[str] = set()
        self.page: str | None = None
        self._is_revoked = False
        self.app.router.add_post("/v1/oauth/token", self._give_token)
        self.app.router.add_get("/v1/contacts/{id}", self._contact)

    def revoke(self) -> None:
        """What was given is valid no more, as when an API key is rotated."""
        self._is_revoked = True

    def untag(self, contact_id: str, tag_id: str) -> None:
        """Take a tag off a contact."""
        document = self.contacts[contact_id] = deepcopy(self.contacts[contact_id])
        tags = document["data"]["relationships"]["tags"]
        tags["data"] = [one for one in tags["data"] if one["id"] != tag_id]
        document["included"] = [one for one in document["included"] if one["id"] != tag_id]

    async def _give_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        wanted = {"grant_type": "client_credentials", "client_id": "a-client", "client_secret": self.secret}
        if dict(form) != wanted:
            return web.json_response({"error": "invalid_client"}, status=401)
        self.tokens.append(f"token-{len(self.tokens) + 1}")
        self._is_revoked = False
        return web.json_response(
            {
                "access_token": self.tokens[-1],
                "refresh_token": "another",
                "token_type": "Bearer",
                "expires_in": self.expires_in,
            }
        )

    async def _contact(self, request: web.Request) -> web.Response:
        is_known = self.tokens and request.headers.get("Authorization") == f"Bearer {self.tokens[-1]}"
        if not is_known or self._is_revoked:
            return web.json_response({"errors": [{"status": "401", "title": "Unauthorized"}]}, status=401)
        if self.page is not None:
            return web.Response(text=self.page, content_type="text/html")
        id_ = request.match_info["id"]
        if id_ in self.foreign:
            return web.json_response({"errors": [{"status": "403", "title": "Forbidden"}]}, status=403)
        found = self.contacts.get(id_)
        if found is None:
            return web.json_response({"errors": [{"status": "404", "title": "Not found"}]}, status=404)
        shown = found if request.query.get("include") == "tags" else {"data": found["data"]}
        return web.Response(text=json.dumps(shown), content_type="application/vnd.api+json")
