"""Kajabi's API, as far as completions are asked back: a contact with their tags.

Kajabi says that it limits questions, and not to how many; so a tenant asks for few at once.
Source: Kajabi's developer pages "Get access token" and "Contact details".
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import aiohttp
from aiolimiter import AsyncLimiter

from agents.intake.access_token import AccessToken
from agents.intake.fetch import fetch_answer
from agents.intake.source_away import SourceAway, SourceRefused
from agents.intake.vendor_json import part

REQUESTS_PER_SECOND = 5
_TOTAL_SECONDS = 12.0
"""For token and contact together, so that a hook is kept before its sender gives up."""


class KajabiApi:
    """One account's contacts.

    Args:
        session: an HTTP session that may be shared.
        limiter: of `REQUESTS_PER_SECOND`, shared by all that ask for the account.
        base_url: without `/v1`.
        client_id: of a key of the public API.
        client_secret: the same key's.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        limiter: AsyncLimiter,
        *,
        base_url: str,
        client_id: str,
        client_secret: str,
    ) -> None:
        self._session = session
        self._limiter = limiter
        self._root = f"{base_url.rstrip('/')}/v1"
        client = {"client_id": client_id, "client_secret": client_secret}
        self._token = AccessToken(session, f"{self._root}/oauth/token", client, limiter)

    async def contact(self, contact_id: str) -> Mapping[str, Any] | None:
        """The JSON:API document of a contact as it is now, their tags included; None if Kajabi does not know them.

        Args:
            contact_id: digits, letters, `-` and `_` alone: a hook's word becomes part of an address.

        Raises:
            SourceRefused: Kajabi does not accept the credentials, or not for this contact.
            SourceAway: no answer in time, or it is not our turn in time.
        """
        try:
            async with asyncio.timeout(_TOTAL_SECONDS):
                token = await self._token.get()
                try:
                    fetched = await self._fetch(contact_id, token)
                except SourceRefused as refused:
                    if refused.status != HTTPStatus.UNAUTHORIZED:
                        raise
                    fetched = await self._fetch(contact_id, await self._token.get(instead_of=token))
        except TimeoutError:
            raise SourceAway("Kajabi does not answer in time") from None
        if fetched is not None and not part(fetched, "data"):
            raise SourceAway("Kajabi's answer is not a contact")
        return fetched

    async def _fetch(self, contact_id: str, token: str) -> Mapping[str, Any] | None:
        answer = await fetch_answer(
            self._session,
            f"{self._root}/contacts/{contact_id}",
            limiter=self._limiter,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.api+json"},
            params={"include": "tags"},
        )
        return cast("Mapping[str, Any] | None", answer.document)
