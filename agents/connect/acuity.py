"""Acuity's dynamic webhooks: one for each event, at most 25 for an account, signed with the creating user's API key.

A hook that somebody set up on Acuity's page "Integrations" is not shown by the API; both send, and
what is said twice is one event. Orders are not asked for, because we do not translate them.
Source: Acuity's developer pages "Webhooks" and "Dynamic Webhooks".
"""

from typing import ClassVar

import aiohttp
from msgspec import Struct, ValidationError, convert

from agents.connect.subscriptions import Subscription
from agents.connect.vendor_call import VendorApi, VendorAway

_MEND = {
    400: "it refuses: an account has at most 25 hooks of the API, and their addresses use port 443 or 80; "
    "delete hooks that nobody needs, or set the address up by hand",
    401: "it does not know the user id in tenant.yaml with the first API key in the secret file {key}: mend either",
    403: "this user may not make hooks: take the API key of an administrator",
    409: "it has this hook already and does not show it: take the API key of the account's main administrator",
}


class _Hook(Struct, frozen=True):
    id: int | str
    event: str
    target: str
    status: str = "active"


class AcuitySubscriptions:
    """One account's dynamic webhooks.

    Args:
        session: an HTTP session that may be shared.
        base_url: without `/api/v1`.
        user_id: the account's user id.
        key: the API key with which hooks are made and signed.
        key_file: the name of the secret that holds it, for people.
    """

    wanted: ClassVar[frozenset[str]] = frozenset(
        {"appointment.scheduled", "appointment.rescheduled", "appointment.canceled", "appointment.changed"}
    )
    is_whole: ClassVar[bool] = False
    must_exist: ClassVar[bool] = False

    def __init__(self, session: aiohttp.ClientSession, *, base_url: str, user_id: str, key: str, key_file: str) -> None:
        self._api = VendorApi(
            vendor="Acuity",
            root=f"{base_url.rstrip('/')}/api/v1",
            session=session,
            headers={"Authorization": aiohttp.encode_basic_auth(user_id, key)},
            mend={status: text.format(key=key_file) for status, text in _MEND.items()},
        )

    async def found(self) -> tuple[Subscription, ...]:
        """All of them: the API has no pages for 25."""
        try:
            hooks = convert(await self._api.ask("GET", "/webhooks"), tuple[_Hook, ...])
        except ValidationError as error:
            raise VendorAway(f"Acuity's answer is not as documented: {error}") from None
        return tuple(
            Subscription(
                id=str(one.id), address=one.target, events=frozenset({one.event}), is_active=one.status == "active"
            )
            for one in hooks
        )

    async def make(self, address: str, events: frozenset[str]) -> None:
        """Subscribe the address, a hook for each event."""
        for event in sorted(events):
            await self._api.ask("POST", "/webhooks", body={"event": event, "target": address})

    async def remove(self, subscription: Subscription) -> None:
        """Delete it by its number."""
        await self._api.ask("DELETE", f"/webhooks/{subscription.id}")
