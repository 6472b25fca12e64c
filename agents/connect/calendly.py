"""Calendly's webhook subscriptions: one for the whole organisation, signed with a key of our making.

The key can be written and not read, so a subscription whose key we have lost must be made anew.
Source: Calendly's developer pages "Webhooks" and "Create Webhook Subscription", "Get current user".
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import aiohttp
from msgspec import Struct, ValidationError, convert

from agents.connect.subscriptions import Subscription
from agents.connect.vendor_call import VendorApi, VendorAway

_MOST_PAGES = 50
_MEND = {
    400: "it refuses the address: it must be public and begin with https://",
    401: "it does not know the token: write a personal access token that is valid to the secret file {token}",
    403: "the token may not do this: take one of an owner or administrator, on a plan with webhooks (Standard or more)",
    409: "the address is subscribed in a way that this token does not show: delete that, or take another with --rotate",
    422: "it refuses the address: it must be public and begin with https://",
}


class _Resource(Struct, frozen=True):
    uri: str
    callback_url: str
    state: str
    events: tuple[str, ...]


class _Pagination(Struct, frozen=True):
    next_page_token: str | None = None


class _Page(Struct, frozen=True):
    collection: tuple[_Resource, ...]
    pagination: _Pagination = _Pagination()


class CalendlySubscriptions:
    """One organisation's subscriptions.

    Args:
        session: an HTTP session that may be shared.
        base_url: the API's address.
        token: a personal access token.
        token_file: the name of the secret that holds it, for people.
        signing_key: signs the hooks of what is made.
    """

    wanted: ClassVar[frozenset[str]] = frozenset(
        {"invitee.created", "invitee.canceled", "invitee_no_show.created", "invitee_no_show.deleted"}
    )
    is_whole: ClassVar[bool] = True
    must_exist: ClassVar[bool] = True

    def __init__(
        self, session: aiohttp.ClientSession, *, base_url: str, token: str, token_file: str, signing_key: str
    ) -> None:
        self._api = VendorApi(
            vendor="Calendly",
            root=base_url.rstrip("/"),
            session=session,
            headers={"Authorization": f"Bearer {token}"},
            mend={status: text.format(token=token_file) for status, text in _MEND.items()},
        )
        self._signing_key = signing_key
        self._organization: str | None = None

    async def found(self) -> tuple[Subscription, ...]:
        """Those of the organisation's scope."""
        params = {"organization": await self._owner(), "scope": "organization", "count": "100"}
        found: list[_Resource] = []
        for _ in range(_MOST_PAGES):
            page = _read(await self._api.ask("GET", "/webhook_subscriptions", params=params), _Page)
            found += page.collection
            if not page.pagination.next_page_token:
                break
            params["page_token"] = page.pagination.next_page_token
        return tuple(
            Subscription(
                id=one.uri, address=one.callback_url, events=frozenset(one.events), is_active=one.state == "active"
            )
            for one in found
        )

    async def make(self, address: str, events: frozenset[str]) -> None:
        """Subscribe the address, for the whole organisation."""
        body = {
            "url": address,
            "events": sorted(events),
            "organization": await self._owner(),
            "scope": "organization",
            "signing_key": self._signing_key,
        }
        await self._api.ask("POST", "/webhook_subscriptions", body=body)

    async def remove(self, subscription: Subscription) -> None:
        """Delete it by the last part of its URI."""
        await self._api.ask("DELETE", f"/webhook_subscriptions/{subscription.id.rpartition('/')[2]}")

    async def _owner(self) -> str:
        """The URI of the organisation to which the token's user belongs."""
        if self._organization is None:
            user = await self._api.ask("GET", "/users/me")
            match user:
                case {"resource": {"current_organization": str(organization)}}:
                    self._organization = organization
                case _:
                    raise VendorAway("Calendly's answer names no organisation: run the same command again later")
        return self._organization


def _read(answer: Mapping[str, Any], kind: type[_Page]) -> _Page:
    try:
        return convert(answer, kind)
    except ValidationError as error:
        raise VendorAway(f"Calendly's answer is not as documented: {error}") from None
