"""Acuity's re-read: what hooks said or failed to say of the days around now, asked once in some hours.

Hooks may be lost: Acuity switched them off, or we were away for longer than it tries. The list
of appointments knows no "changed since", so the days around now are read whole, and only what
differs from the last re-read is admitted, through the translator of the hooks and as the same
events. It must never remember what was not admitted, nor date a state later than the moment
before it was asked for: a hook that is fetched meanwhile is newer.

Theory of operation: a list holds a hundred at most and has no pages, so days whose list is full
are halved, down to single days; of a single day that is full the first and the last hundred are
read. An appointment that stands elsewhere than remembered was moved, which is what Acuity's
hook calls `rescheduled`; every other difference is what it calls `changed`.
Source: Acuity's developer pages "GET /appointments" and "Webhooks".
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from agents.intake.acuity import Notice, moment, translate
from agents.intake.acuity_api import MAX_LISTED, AcuityApi
from agents.intake.admission import Admission
from agents.intake.finding import Finding
from agents.intake.reread_memory import Remembered, RereadMemory
from schemas.refusal import Refused
from schemas.tenant import AcuitySource

_DAY = timedelta(days=1)
_BACK = timedelta(days=8)
_AHEAD = timedelta(days=30)
_WINDOW = timedelta(days=27)
_AT_ONCE = 8

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    finding: Finding
    state: Remembered


class AcuityReread:
    """One account's appointments around now as a `Poll`; its cursor is the day of the last re-read.

    Args:
        tenant: the tenant's id.
        source: whose `reread_hours` is above 0.
        api: the account.
        zone: the tenant's, for what day it is.
        now: domain time.
        admission: takes what has changed.
        memory: what was admitted before.
    """

    def __init__(
        self,
        tenant: str,
        source: AcuitySource,
        *,
        api: AcuityApi,
        zone: ZoneInfo,
        now: Callable[[], datetime],
        admission: Admission,
        memory: RereadMemory,
    ) -> None:
        self.tenant = tenant
        self.source = source.name
        self.is_all_there_is = False
        self._acuity = source
        self._api = api
        self._zone = zone
        self._now = now
        self._admission = admission
        self._memory = memory

    def due_after(self, now: datetime) -> datetime:
        """Some hours later."""
        return now + timedelta(hours=self._acuity.reread_hours)

    async def run(self, cursor: str | None, now: datetime) -> AsyncGenerator[str | None, None]:
        """Read the days from a week before the last re-read to a month ahead, the oldest first.

        Raises:
            SourceAway: Acuity does not answer with lists.
        """
        today = now.astimezone(self._zone).date()
        first, last = (min(date.fromisoformat(cursor), today) if cursor else today) - _BACK, today + _AHEAD
        while first <= last:
            until = min(first + _WINDOW, last)
            async for listed, heard_at in self._lists(first, until):
                await self._admit(listed, heard_at)
                yield cursor
            cursor = min(until + _BACK, today).isoformat()
            yield cursor
            first = until + _DAY
        # A day more than is read again, for the hours by which zones differ.
        await self._memory.forget_before(datetime.combine(today - _BACK - _DAY, time(), tzinfo=UTC))

    async def _lists(self, first: date, last: date) -> AsyncIterator[tuple[list[Any], datetime]]:
        """All appointments of these days, each list with the moment before it was asked for."""
        spans = [(first, last)]
        while spans:
            begins, ends = spans.pop()
            heard_at = self._now()
            listed = await self._api.appointments(begins, ends, direction="ASC")
            if len(listed) >= MAX_LISTED and begins < ends:
                middle = begins + (ends - begins) // 2
                spans += [(middle + _DAY, ends), (begins, middle)]
                continue
            yield listed, heard_at
            if len(listed) >= MAX_LISTED:
                heard_at = self._now()
                latest = await self._api.appointments(begins, ends, direction="DESC")
                if not any(one in listed for one in latest):
                    _log.warning("reread_incomplete", tenant=self.tenant, source=self.source, where=begins.isoformat())
                yield latest, heard_at

    async def _admit(self, listed: list[Any], heard_at: datetime) -> None:
        """Admit what differs from what is remembered, and remember it."""
        reads = [self._read(row, heard_at) for row in listed]
        known = await self._memory.recall(read.state.object_id for read in reads if read is not None)
        changed = []
        for row, read in zip(listed, reads, strict=True):
            if read is None:
                continue
            before = known.get(read.state.object_id)
            if before is not None and before.starts_at != read.state.starts_at:
                moved = self._read(row, heard_at, "rescheduled")
                changed.append(_Read(finding=moved.finding if moved else read.finding, state=read.state))
            elif before is None or before.digest != read.state.digest:
                changed.append(read)
        wrong = reads.count(None)
        for start in range(0, len(changed), _AT_ONCE):
            some = changed[start : start + _AT_ONCE]
            admitted = await asyncio.gather(*(self._is_admitted(read.finding, heard_at) for read in some))
            wrong += admitted.count(False)
            await self._memory.remember([read.state for read, is_in in zip(some, admitted, strict=True) if is_in])
        if wrong:
            _log.warning("poll_rows_ignored", tenant=self.tenant, source=self.source, records=wrong)

    def _read(self, row: Any, heard_at: datetime, action: str = "changed") -> _Read | None:
        """What an appointment says, with what stands for it; None if it cannot be used."""
        try:
            notice = Notice(action=action, appointment_id=int(row["id"]))
        except (TypeError, KeyError, ValueError, OverflowError):
            return None
        finding = translate(self._acuity, notice, row, heard_at)
        if not isinstance(finding, Finding):
            return None
        happening = finding.happenings[0]
        said = (happening.id, str(finding.person), str(sorted(finding.facts.items())))
        state = Remembered(
            object_id=happening.data.session_id,
            digest=self._memory.digest_of(*said),
            starts_at=moment(row["datetime"]),
        )
        return _Read(finding=finding, state=state)

    async def _is_admitted(self, finding: Finding, heard_at: datetime) -> bool:
        """Whether the tracker will take it; a client who was erased is no reason to say it again."""
        try:
            await self._admission.admit(self.tenant, self.source, finding, heard_at)
        except Refused:
            return False
        return True
