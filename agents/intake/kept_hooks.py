"""Kept hooks: a verified hook whose tool does not answer waits here, and is read again.

It must never lose a hook that was answered with 202, nor keep contact data that can be read:
bodies are sealed, as they are among the dead letters. Whether a vendor would send the hook again
is promised by none, so the promise is kept on our side.

Theory of operation: a row in Postgres for each body. A source that has due rows is worked off by a
task of its own, two rows at a time, each held for longer than a try can take: however many wait for
a tool that does not answer, they are in no other source's way. A tool that is still away puts the
row off, twice as long each time; so does a source that is off or gone, and a key that does not open
it, and a fault of ours. After a day the hook goes to the dead letters with its reason. `cairn dlq replay` puts it here
again, sealed as it is.
"""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import structlog
from cryptography.exceptions import InvalidTag

from agents.clock import Clock
from agents.intake.desk import Desk
from agents.intake.finding import Ignored
from agents.intake.secrecy import Secrecy
from agents.intake.served import ServedNow
from agents.intake.source_away import SourceAway, SourceBusy, SourceRefused
from agents.intake.spool import SpoolFull

NOT_KEPT = "INSERT 0 0"
"""What Postgres answers to `keep_hook` where no more may be kept."""

_SOONEST = timedelta(seconds=1)
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=15)
_HOLD = timedelta(minutes=5)
_KEPT_FOR = timedelta(hours=24)
_AT_ONCE = 2
_AT_ONCE_OF_A_KIND = 8  # Acuity counts by address, and vendors share the connections of a host with hooks that come now
_IDLE_SECONDS = 1.0
_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, SpoolFull)
_FAULT = "reading it failed again and again by a fault of ours; its place is in the log"
_OTHER_KEY = "CAIRN_IDENTITY_KEY is another one than when it was kept; with the right one it is read"

_log = structlog.get_logger()


class KeptHooks:
    """Keeps hooks, and reads them again until their tool has answered.

    Args:
        pool: an asyncpg pool.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        clock: gives the domain time by which a hook is read whose receipt's is not known.
        desk: takes what was read.
        secrecy: seals what is kept.
        served: the sources; the hooks of one that is gone or off wait a day for its return.
    """

    def __init__(
        self,
        pool: Any,
        queries: dict[str, str],
        clock: Clock,
        desk: Desk,
        secrecy: Secrecy,
        served: ServedNow,
    ) -> None:
        self._pool = pool
        self._queries = queries
        self._clock = clock
        self._desk = desk
        self._secrecy = secrecy
        self._served = served
        self._places = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(_AT_ONCE_OF_A_KIND))
        self._at_work: set[tuple[str, str]] = set()

    async def keep(self, tenant: str, source: str, body: bytes, heard_at: datetime, away: SourceAway) -> None:
        """Keep a hook; returns once Postgres has it.

        Args:
            tenant: whose hook it is.
            source: the source's name.
            body: as it came.
            heard_at: the domain time of its receipt, by which it will be read.
            away: why it cannot be read now.

        Raises:
            SpoolFull: so many of this source are kept that it must come again.
            asyncpg.PostgresError, OSError: the database is away.
        """
        wait = _wait(0, away)
        hook = await self._secrecy.put_away(tenant, source, body)
        row = (tenant, source, hook.sealed, hook.digest, wait, heard_at)
        if await self._pool.execute(self._queries["keep_hook"], *row) == NOT_KEPT:
            raise SpoolFull("as many hooks of this source are kept as may be")
        say = {SourceRefused: _log.error, SourceBusy: _log.info}.get(type(away), _log.warning)
        say("hook_kept", tenant=tenant, source=source, detail=str(away), seconds=wait.total_seconds())

    async def run(self) -> None:
        """Read kept hooks for ever; a database or broker that is away is waited for."""
        async with asyncio.TaskGroup() as group:
            while True:
                for tenant, source in await self._due() - self._at_work:
                    self._at_work.add((tenant, source))
                    group.create_task(self._work_off(tenant, source), name=f"kept hooks of {tenant}/{source}")
                await asyncio.sleep(_IDLE_SECONDS)

    async def _due(self) -> set[tuple[str, str]]:
        try:
            return {(row["tenant"], row["source"]) for row in await self._pool.fetch(self._queries["due_sources"])}
        except _AWAY as error:
            _log.warning("kept_hooks_wait", error_type=type(error).__name__)
            return set()

    async def _work_off(self, tenant: str, source: str) -> None:
        """Read hooks of one source until none is due."""
        try:
            while rows := await self._pool.fetch(self._queries["claim_hooks"], tenant, source, _HOLD, _AT_ONCE):
                await asyncio.gather(*map(self._try, rows))
        except _AWAY as error:
            _log.warning("kept_hooks_wait", error_type=type(error).__name__)
        finally:
            self._at_work.discard((tenant, source))

    async def _try(self, row: Any) -> None:
        """Read a hook; one that breaks its reader waits, and neither ends the others nor the process."""
        try:
            await self._read(row)
        except _AWAY:
            raise
        except Exception:  # noqa: BLE001 - put off, and parked after a day: it would break each process anew
            _log.exception("kept_hook_failed", tenant=row["tenant"], source=row["source"])
            await self._put_off(row, row["body"], _LONGEST_WAIT, _FAULT, is_sealed=row["is_sealed"])

    async def _read(self, row: Any) -> None:
        tenant, source = row["tenant"], row["source"]
        try:
            body = self._secrecy.opened(row["body"]) if row["is_sealed"] else row["body"]
        except InvalidTag:
            _log.error("kept_hook_unreadable", tenant=tenant, source=source, hint=_OTHER_KEY)
            await self._put_off(row, row["body"], _LONGEST_WAIT, _OTHER_KEY, is_sealed=True)
            return
        door = self._served().door(tenant, source)
        if door is None:
            await self._put_off(row, body, _LONGEST_WAIT, "the source was off or gone for a day")
            return
        heard_at = row["heard_at"] or self._clock.now()
        try:
            async with self._places[door.source.kind]:
                await self._desk.take(tenant, door.source, {}, body, heard_at)
        except SourceAway as away:
            wait = max(_wait(row["attempts"], away), _SOONEST)
            await self._put_off(row, body, wait, str(away))
            return
        await self._drop(row)

    async def _put_off(self, row: Any, body: bytes, wait: timedelta, why: str, *, is_sealed: bool = False) -> None:
        """Have the hook wait some more; after a day set it aside."""
        if datetime.now(UTC) - row["created_at"] < _KEPT_FOR:
            await self._pool.execute(self._queries["put_hook_off"], row["kept_id"], wait)
            return
        ignored = Ignored(reason="source_silent", detail=why)
        await self._desk.set_aside(row["tenant"], row["source"], body, ignored, row["heard_at"], is_sealed=is_sealed)
        await self._drop(row)

    async def _drop(self, row: Any) -> None:
        await self._pool.execute(self._queries["drop_hook"], row["kept_id"], row["created_at"])


def _wait(attempts: int, away: SourceAway) -> timedelta:
    """What the tool asked for, else twice as long after each try, within a limit."""
    if away.retry_after_seconds is not None:
        return timedelta(seconds=away.retry_after_seconds)
    return min(_FIRST_WAIT * (1 << min(attempts, 16)), _LONGEST_WAIT)
