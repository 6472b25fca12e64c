"""The habit tracker's pull: asks for the days since the last one, and admits what it gets.

It must never leave a gap: the cursor moves only after everything before it was admitted, every
pull asks again for the last days, and the next window begins on the day on which the one before
ended. Reading a day twice is harmless, see `agents.intake.habit_pull`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import structlog
from aiolimiter import AsyncLimiter

from agents.intake.admission import Admission
from agents.intake.finding import Finding
from agents.intake.habit_pull import translate
from agents.intake.pages import fetch_pages
from schemas.refusal import Refused
from schemas.tenant import HabitPullSource

_OVERLAP = timedelta(days=2)
_WINDOW = timedelta(days=13)
_AT_ONCE = 8
_PAGE_SECONDS = 30.0
_REQUESTS_PER_SECOND = 10.0

_log = structlog.get_logger()


class HabitPull:
    """One tenant's habit tracker as a `Poll`.

    Args:
        tenant: the tenant's id.
        source: where and when to ask.
        token: its bearer token.
        zone: the tenant's; the hour of the pull and its days are local there.
        session: an HTTP session that may be shared.
        admission: takes what was found.
    """

    def __init__(
        self,
        tenant: str,
        source: HabitPullSource,
        *,
        token: str,
        zone: ZoneInfo,
        session: aiohttp.ClientSession,
        admission: Admission,
    ) -> None:
        self.tenant = tenant
        self.source = source.name
        self.is_all_there_is = True
        self._url = f"{str(source.base_url).rstrip('/')}/streaks"
        self._at = time.fromisoformat(source.at)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._zone = zone
        self._session = session
        self._admission = admission
        self._limiter = AsyncLimiter(_REQUESTS_PER_SECOND, 1)

    def due_after(self, now: datetime) -> datetime:
        """The next time of day at which the tracker is asked."""
        local = now.astimezone(self._zone)
        due_at = datetime.combine(local.date(), self._at, tzinfo=self._zone)
        if due_at > local:
            return due_at
        return datetime.combine(local.date() + timedelta(days=1), self._at, tzinfo=self._zone)

    async def run(self, cursor: str | None, now: datetime) -> AsyncGenerator[str | None, None]:
        """Ask for the days since the cursor, window by window; the cursor is the last day that was admitted.

        Raises:
            SourceAway: the tracker does not answer with lists.
        """
        today = now.astimezone(self._zone).date()
        since = (min(date.fromisoformat(cursor), today) if cursor else today) - _OVERLAP
        while True:
            until = min(since + _WINDOW, today)
            async for rows in self._pages(since, until, today):
                await self._admit(rows, until if until < today else None, now)
                yield cursor
            cursor = until.isoformat()
            yield cursor
            if until == today:
                return
            since = until

    def _pages(self, since: date, until: date, today: date) -> AsyncIterator[list[Any]]:
        params = {"since": since.isoformat()}
        if until < today:
            params["until"] = until.isoformat()
        return fetch_pages(
            self._session,
            self._url,
            limiter=self._limiter,
            headers=self._headers,
            params=params,
            page_seconds=_PAGE_SECONDS,
        )

    async def _admit(self, rows: list[Any], until: date | None, now: datetime) -> None:
        findings, wrong = translate(self.source, rows, self._zone, now, until=until)
        for start in range(0, len(findings), _AT_ONCE):
            some = findings[start : start + _AT_ONCE]
            wrong += sum(await asyncio.gather(*(self._refused(finding, now) for finding in some)))
        if wrong:
            _log.warning("poll_rows_ignored", tenant=self.tenant, source=self.source, records=wrong)

    async def _refused(self, finding: Finding, now: datetime) -> int:
        """Admit one client's checks; how many of them were refused, one of which spoils none of the others."""
        try:
            await self._admission.admit(self.tenant, self.source, finding, now)
        except Refused:
            if len(finding.happenings) == 1:
                return 1
            alone = (replace(finding, happenings=(one,)) for one in finding.happenings)
            return sum([await self._refused(one, now) for one in alone])
        return 0
