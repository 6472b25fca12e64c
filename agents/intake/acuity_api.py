"""Acuity's API, as far as a hook needs it: one appointment by its id.

Acuity allows 10 requests a second and 20 connections for each IP address, and answers 429
without saying when to come back. So one limiter is shared by all accounts of a process.
Source: Acuity's developer pages "Authentication" and "Rate limits".
"""

from collections.abc import Mapping
from typing import Any

import aiohttp
from aiolimiter import AsyncLimiter

from agents.intake.fetch import fetch_json
from agents.intake.source_away import SourceAway

REQUESTS_PER_SECOND = 10.0
MAX_CONNECTIONS = 20


class AcuityApi:
    """One account's appointments.

    Args:
        session: an HTTP session that may be shared.
        limiter: shared by every account of this process.
        base_url: without `/api/v1`.
        user_id: the account's user id.
        key: its API key.
    """

    def __init__(
        self, session: aiohttp.ClientSession, limiter: AsyncLimiter, *, base_url: str, user_id: str, key: str
    ) -> None:
        self._session = session
        self._limiter = limiter
        self._root = f"{base_url.rstrip('/')}/api/v1"
        self._headers = {"Authorization": aiohttp.encode_basic_auth(user_id, key)}

    async def appointment(self, appointment_id: int) -> Mapping[str, Any] | None:
        """The appointment as it is now; None if Acuity does not know it.

        Raises:
            SourceAway: no answer in time, or it is not our turn in time.
        """
        fetched = await fetch_json(
            self._session,
            f"{self._root}/appointments/{appointment_id}",
            limiter=self._limiter,
            headers=self._headers,
        )
        if fetched is not None and not isinstance(fetched, Mapping):
            raise SourceAway("Acuity's answer is not an appointment")
        return fetched
