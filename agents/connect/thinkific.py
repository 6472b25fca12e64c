"""Thinkific's Webhooks API: one webhook for each topic; only those that the API made are signed.

Credentials are an API access token, as bearer; without one the site's API key, which is sent in both
ways that Thinkific documents, since its pages differ on which the Webhooks API takes.
Source: Thinkific's developer pages "Using Webhooks", "Webhooks API" and "API Key Authorization".
"""

from typing import ClassVar

import aiohttp
from msgspec import Struct, ValidationError, convert

from agents.connect.subscriptions import Subscription
from agents.connect.vendor_call import VendorApi, VendorAway

_MOST_PAGES = 50
_MEND = {
    401: "it does not know the credentials: write an API access token to the secret file {token}, or the site's API "
    "key to {key} with its subdomain in tenant.yaml",
    403: "the credentials may not make webhooks: they must be an owner's, on a plan with API access",
    409: "it has this webhook already and does not show it: delete it on Thinkific's page, then run this again",
    422: "it refuses the address, which must be public and begin with https://, or a topic that this site has not",
}


class _Hook(Struct, frozen=True):
    id: str | int
    topic: str
    target_url: str
    status: str = "active"


class _PageFacts(Struct, frozen=True):
    has_next: bool = False
    next_page: str | None = None


class _Meta(Struct, frozen=True):
    page: _PageFacts = _PageFacts()


class _Page(Struct, frozen=True):
    items: tuple[_Hook, ...]
    meta: _Meta = _Meta()


class ThinkificSubscriptions:
    """One site's webhooks.

    Args:
        session: an HTTP session that may be shared.
        base_url: without `/api/v2`.
        token: an API access token; None to take the key.
        key: the site's API key.
        subdomain: the site's; needed with the key alone.
        source: the source's name, for people.
    """

    wanted: ClassVar[frozenset[str]] = frozenset(
        {
            "enrollment.created",
            "enrollment.progress",
            "enrollment.completed",
            "lesson.completed",
            "order.created",
            "order_transaction.refunded",
            "subscription.cancelled",
        }
    )
    is_whole: ClassVar[bool] = False
    must_exist: ClassVar[bool] = True

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        token: str | None,
        key: str,
        subdomain: str | None,
        source: str,
    ) -> None:
        headers = {"Authorization": f"Bearer {token or key}"}
        if token is None and subdomain is not None:
            headers |= {"X-Auth-API-Key": key, "X-Auth-Subdomain": subdomain}
        self._api = VendorApi(
            vendor="Thinkific",
            root=f"{base_url.rstrip('/')}/api/v2",
            session=session,
            headers=headers,
            mend={status: text.format(token=f"{source}.token", key=f"{source}.key") for status, text in _MEND.items()},
        )

    async def found(self) -> tuple[Subscription, ...]:
        """All of them, page by page."""
        params = {"limit": "100"}
        hooks: list[_Hook] = []
        for _ in range(_MOST_PAGES):
            page = self._read(await self._api.ask("GET", "/webhooks", params=params))
            hooks += page.items
            if not (page.meta.page.has_next and page.meta.page.next_page):
                break
            params["next"] = page.meta.page.next_page
        return tuple(
            Subscription(
                id=str(one.id), address=one.target_url, events=frozenset({one.topic}), is_active=one.status == "active"
            )
            for one in hooks
        )

    async def make(self, address: str, events: frozenset[str]) -> None:
        """Subscribe the address, a webhook for each topic."""
        for topic in sorted(events):
            await self._api.ask("POST", "/webhooks", body={"topic": topic, "target_url": address})

    async def remove(self, subscription: Subscription) -> None:
        """Delete it by its id."""
        await self._api.ask("DELETE", f"/webhooks/{subscription.id}")

    @staticmethod
    def _read(answer: object) -> _Page:
        try:
            return convert(answer, _Page)
        except ValidationError as error:
            raise VendorAway(f"Thinkific's answer is not as documented: {error}") from None
