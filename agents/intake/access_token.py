"""An access token that is got with an API's credentials: one for all who ask, until shortly before it expires.

It must never be logged, nor got by each of many who find it expired at once.
Source: RFC 6749, 4.4 (client credentials) and 5.1 (`expires_in`).
"""

import asyncio
from collections.abc import Mapping

import aiohttp
from aiolimiter import AsyncLimiter

from agents.intake.fetch import fetch_answer
from agents.intake.source_away import SourceAway
from agents.intake.vendor_json import part

_EARLY_SECONDS = 60.0
"""A token is given up so long before it expires."""


class AccessToken:
    """A client's token.

    Args:
        session: an HTTP session that may be shared.
        url: where tokens are given.
        client: `client_id` and `client_secret`.
        limiter: shared with the questions that the token is for.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, client: Mapping[str, str], limiter: AsyncLimiter
    ) -> None:
        self._session = session
        self._url = url
        self._form = {"grant_type": "client_credentials", **client}
        self._limiter = limiter
        self._lock = asyncio.Lock()
        self._token = ""
        self._until_seconds = 0.0

    async def get(self, *, instead_of: str | None = None) -> str:
        """The token; another one where the API does not accept `instead_of` any more.

        Raises:
            SourceRefused: the credentials are not accepted.
            SourceAway: no usable answer in time.
        """
        async with self._lock:
            if self._token in {"", instead_of} or _now_seconds() >= self._until_seconds:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        began_seconds = _now_seconds()
        answer = await fetch_answer(self._session, self._url, limiter=self._limiter, headers={}, form=self._form)
        fields = part(answer.document)
        token, seconds = fields.get("access_token"), fields.get("expires_in")
        if not (isinstance(token, str) and token and token.isascii() and token.isprintable()):
            raise SourceAway("the tool's answer is not an access token")
        lasts_seconds = float(seconds) if isinstance(seconds, int) else 0.0
        self._token, self._until_seconds = token, began_seconds + lasts_seconds - _EARLY_SECONDS


def _now_seconds() -> float:
    """Of a clock that nobody sets."""
    return asyncio.get_running_loop().time()
