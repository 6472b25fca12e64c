"""Acuity's API, as far as hooks and re-reads need it: an appointment by its id, and those of some days.

Acuity allows 10 requests a second and 20 connections for each IP address, and answers 429
without saying when to come back. So one limiter is shared by all accounts of a process.
Source: Acuity's developer pages "Authentication", "Rate limits" and "GET /appointments".
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import aiohttp
from aiolimiter import AsyncLimiter

from agents.intake.fetch import TOTAL_SECONDS, fetch_answer
from agents.intake.source_away import SourceAway

REQUESTS_PER_SECOND = 10.0
MAX_CONNECTIONS = 20
MAX_LISTED = 100
"""How many appointments a list holds at most; Acuity has no further pages."""

_LIST_SECONDS = 30.0


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
        fetched = await self._fetch(f"appointments/{appointment_id}")
        if fetched is not None and not isinstance(fetched, Mapping):
            raise SourceAway("Acuity's answer is not an appointment")
        return fetched

    async def appointments(self, first: date, last: date, *, direction: Literal["ASC", "DESC"]) -> list[Any]:
        """The appointments of these days, both included, cancelled ones too, without their forms.

        At most `MAX_LISTED`: `direction` is the order by start, and so says which a longer list leaves out.

        Raises:
            SourceAway: no answer in time, or it is not our turn in time.
        """
        params = {
            "minDate": first.isoformat(),
            "maxDate": last.isoformat(),
            "max": str(MAX_LISTED),
            "showall": "true",
            "excludeForms": "true",
            "direction": direction,
        }
        fetched = await self._fetch("appointments", params, total_seconds=_LIST_SECONDS)
        if not isinstance(fetched, list):
            raise SourceAway("Acuity's answer is not a list of appointments")
        return fetched

    async def _fetch(
        self, path: str, params: Mapping[str, str] | None = None, *, total_seconds: float = TOTAL_SECONDS
    ) -> Any:
        answer = await fetch_answer(
            self._session,
            f"{self._root}/{path}",
            limiter=self._limiter,
            headers=self._headers,
            params=params,
            total_seconds=total_seconds,
        )
        return answer.document
