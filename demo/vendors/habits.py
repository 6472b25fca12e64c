"""A habit tracker: answers the daily pull, and sends Standard Webhooks.

Holds only the checks that it is given. Must never know Cairn: the signature is written a second
time here, from the Standard Webhooks specification.
"""

import base64
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import aiohttp
from aiohttp import web

from demo.vendors.post import post_hook
from demo.vendors.server import VendorServer


class HabitServer(VendorServer):
    """`GET /streaks?since=DAY&until=DAY`: a JSON list of client, habit and day, for a bearer token.

    A long list comes in pages, each of which names the next in its `Link` header.

    Args:
        token: the bearer token.
        now: the tracker's own time; only needed for checks that are given before they happen.
        page_rows: how long a page is.
        knows_until: an older tracker answers with everything since.

    Attributes:
        asked: the query of each answered request.
        next_links: `Link` headers to send instead of proper ones, first come first served.
        checks: rows as they are shown once they have happened, in order of arrival.
    """

    def __init__(
        self,
        *,
        token: str,
        now: Callable[[], datetime] | None = None,
        page_rows: int = 10_000,
        knows_until: bool = True,
    ) -> None:
        super().__init__()
        self.page_rows = page_rows
        self.knows_until = knows_until
        self.asked: list[dict[str, str]] = []
        self.next_links: deque[str] = deque()
        self.checks: list[dict[str, Any]] = []
        self._ahead: list[tuple[datetime, dict[str, Any]]] = []
        self._token = token
        self._now = now
        self.app.router.add_get("/streaks", self._streaks)

    def check(
        self,
        client: str | Mapping[str, str],
        habit: str,
        day: date,
        *,
        title: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """Note a client's check of a habit on a local day; the client by e-mail address or as an object.

        With `at`, which needs `now`, the list has it from then on.
        """
        row: dict[str, Any] = {"client": client, "habit": habit, "day": day.isoformat()}
        if title is not None:
            row["title"] = title
        if at is None:
            self.checks.append(row)
        else:
            self._ahead.append((at, row))

    async def _streaks(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.json_response({"error": "unauthorized"}, status=401)
        self._come_true()
        query = request.query
        self.asked.append(dict(query))
        since, until = query.get("since", ""), query.get("until", "9999") if self.knows_until else "9999"
        rows = [row for row in self.checks if since <= row["day"] <= until]
        start = int(query.get("from", "0"))
        end = start + self.page_rows
        headers = {}
        if self.next_links:
            headers["Link"] = self.next_links.popleft()
        elif end < len(rows):
            following = request.rel_url.update_query({"from": str(end)})
            headers["Link"] = f'<{request.rel_url}>; rel="self", <{following}>; rel="next"'
        return web.json_response(rows[start:end], headers=headers)

    def _come_true(self) -> None:
        """Show what has happened by now."""
        if self._now is not None:
            now = self._now()
            self.checks += [row for at, row in self._ahead if at <= now]
            self._ahead = [(at, row) for at, row in self._ahead if at > now]


def signed_webhook(
    secret: str, webhook_id: str, message: Mapping[str, Any], *, stamp: int | None = None
) -> tuple[bytes, dict[str, str]]:
    """A message's body and headers, stamped now unless told otherwise."""
    body = json.dumps(message).encode()
    sent_at = int(time.time()) if stamp is None else stamp
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{webhook_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    return body, {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


async def send_webhook(
    session: aiohttp.ClientSession,
    url: str,
    *,
    secret: str,
    webhook_id: str,
    message: Mapping[str, Any],
    copies: int = 1,
) -> int:
    """Send a message of the form `{type, timestamp, data}`; how many requests it took."""
    body, headers = signed_webhook(secret, webhook_id, message)
    return await post_hook(session, url, body=body, headers=headers, copies=copies)
