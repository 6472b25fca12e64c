"""Teachable's API, as far as completions are asked back: a user with their courses.

A school has 100 questions a minute; third parties say 10,000 a month, too, of its Growth plan.
Source: Teachable's developer pages "Authentication", "Rate limits" and "GET /users/{user_id}". The user is read bare
and within `user`: both are shown.
"""

from collections.abc import Mapping
from typing import Any

import aiohttp
from aiolimiter import AsyncLimiter

from agents.intake.fetch import fetch_answer
from agents.intake.source_away import SourceAway
from agents.intake.vendor_json import part

REQUESTS_PER_MINUTE = 50
"""Half of what is allowed, since the limiter lets as many through at once as in a minute after."""


class TeachableApi:
    """One school's users.

    Args:
        session: an HTTP session that may be shared.
        limiter: of `REQUESTS_PER_MINUTE`, shared by all that ask for the school.
        base_url: without `/v1`.
        key: the school's API key.
    """

    def __init__(self, session: aiohttp.ClientSession, limiter: AsyncLimiter, *, base_url: str, key: str) -> None:
        self._session = session
        self._limiter = limiter
        self._root = f"{base_url.rstrip('/')}/v1"
        self._headers = {"apiKey": key, "Accept": "application/json"}

    async def user(self, user_id: int) -> Mapping[str, Any] | None:
        """The user as they are now, with `courses`; None if Teachable does not know them.

        Raises:
            SourceAway: no answer in time, it is not our turn in time, or the key is refused.
        """
        url = f"{self._root}/users/{user_id}"
        fetched = (await fetch_answer(self._session, url, limiter=self._limiter, headers=self._headers)).document
        if fetched is None:
            return None
        user = part(fetched, "user") or part(fetched)
        if "id" not in user:
            raise SourceAway("Teachable's answer is not a user")
        return user
