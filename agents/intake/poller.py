"""The poller: asks sources that send nothing, on a schedule, by one worker at a time.

It must never move a cursor before what it stands for was admitted, ask without a lease, or ask
a source that failed again at once.

Theory of operation: each source is a row with a cursor, a due time and the end of a hold. The
due time is domain time, so that a demonstration's days pass at its speed. The hold is real
time: the lease of the worker that asks, or the back-off after a failure. A claim raises a fence
number, and only its holder may write the outcome: a worker that overslept its lease changes
nothing. A poll works in steps: after each the cursor moves and the lease begins anew, so that
days of absence need not fit into one lease and a failure loses no step that was done. Asking
twice would be harmless, because what is found has derived ids. Sources come, change and go while
this runs: each has one task, which asks before every turn what is served now, so a turn ends with
what it began with, and nothing is asked beside it. A source that is made anew, as when its
credentials are mended, is asked at once: the back-off of its failure ends, unless the tool asked
for it or somebody else has claimed the source meanwhile.
"""

import asyncio
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from agents.clock import Clock
from agents.intake.poll import Poll
from agents.intake.served import Key, ServedNow
from agents.intake.source_away import SourceAway
from agents.intake.spool import SpoolFull
from agents.intake.tallies import Tallies

LEASE = timedelta(minutes=2)
_RUN_SECONDS = 0.8 * LEASE.total_seconds()
_FIRST_BACKOFF_SECONDS = 5.0
_LAST_BACKOFF_SECONDS = 3_600.0
_SHORTEST_SLEEP_SECONDS, _LONGEST_SLEEP_SECONDS = 0.05, 30.0

_log = structlog.get_logger()


class Poller:
    """Runs polls when they are due.

    Args:
        pool: an asyncpg pool.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        clock: domain time.
        served: what to ask; a source seen for the first time is asked at once.
        tallies: what was heard of each source; a turn counts as one thing said.
    """

    def __init__(
        self,
        pool: Any,
        queries: dict[str, str],
        clock: Clock,
        served: ServedNow,
        tallies: Tallies | None = None,
    ) -> None:
        self._pool = pool
        self._queries = queries
        self._clock = clock
        self._served = served
        self._tallies = tallies or Tallies()
        self._backs_off: dict[Key, tuple[Poll, int]] = {}

    async def run(self) -> None:
        """Poll for ever; a database that is away is waited for."""
        async with asyncio.TaskGroup() as group:
            kept: dict[Key, asyncio.Task[None]] = {}
            while True:
                served = self._served()
                kept = {key: task for key, task in kept.items() if not task.done()}
                for key in served.sources.keys() - kept.keys():
                    if served.poll(*key) is not None:
                        kept[key] = group.create_task(self._keep(key), name=f"poll {key[1]}")
                await served.is_over.wait()

    async def _keep(self, key: Key) -> None:
        """Poll one source for as long as it is served and polled."""
        while (poll := (served := self._served()).poll(*key)) is not None:
            try:
                await self.run_if_due(poll)
                sleep_seconds = await self._seconds_until_due(poll)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                sleep_seconds = _FIRST_BACKOFF_SECONDS
                _log.warning("database_waited_for", error_type=type(error).__name__, seconds=sleep_seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(sleep_seconds):
                    await served.is_over.wait()

    async def run_if_due(self, poll: Poll) -> bool:
        """Run the poll once if it is due and nobody else does; True if it ran."""
        now = self._clock.now()
        key = (poll.tenant, poll.source)
        await self._pool.execute(self._queries["add_poll"], *key, now)
        await self._end_back_off_of_another(poll)
        claim = await self._pool.fetchrow(self._queries["claim_poll"], *key, now, LEASE)
        if claim is None:
            return False
        try:
            await self._run(poll, claim, now)
        except (SourceAway, SpoolFull, TimeoutError) as error:
            asked_for = getattr(error, "retry_after_seconds", None)
            hold_seconds = _backoff_seconds(claim["failures"], asked_for)
            _log.warning(
                "poll_failed",
                tenant=poll.tenant,
                source=poll.source,
                detail=str(error) or type(error).__name__,
                seconds=hold_seconds,
            )
            self._tallies.failed(
                *key, "spool_full" if isinstance(error, SpoolFull) else getattr(error, "code", SourceAway.code)
            )
            await self._put_off(poll, claim["fence"], hold_seconds, is_asked_for=asked_for is not None)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            raise
        except Exception:  # noqa: BLE001 - parked until its back-off ends: one source must not end the others and the hooks
            _log.exception("poll_broken", tenant=poll.tenant, source=poll.source)
            self._tallies.failed(*key, "poll_broken")
            await self._put_off(poll, claim["fence"], _backoff_seconds(claim["failures"], None))
        return True

    async def _run(self, poll: Poll, claim: Any, now: datetime) -> None:
        """Run all steps, each within a lease; a worker that lost its lease leaves the rest to the one that has it."""
        key, cursor = (poll.tenant, poll.source), claim["cursor"]
        async with asyncio.timeout(_RUN_SECONDS) as bound, aclosing(poll.run(cursor, now)) as steps:
            async for cursor in steps:
                is_held = await self._pool.fetchval(self._queries["poll_moved"], *key, claim["fence"], cursor, LEASE)
                if not is_held:
                    _log.warning("poll_lease_lost", tenant=poll.tenant, source=poll.source)
                    return
                bound.reschedule(asyncio.get_running_loop().time() + _RUN_SECONDS)
        due_at = poll.due_after(now)
        await self._pool.execute(self._queries["poll_succeeded"], *key, claim["fence"], cursor, due_at)
        if poll.is_all_there_is:
            self._tallies.heard(*key)
        if poll.is_all_there_is or claim["failures"]:  # what failed before is mended
            self._tallies.accepted(*key)

    async def _put_off(self, poll: Poll, fence: int, seconds: float, *, is_asked_for: bool = False) -> None:
        key = (poll.tenant, poll.source)
        await self._pool.execute(self._queries["poll_failed"], *key, fence, timedelta(seconds=seconds))
        if not is_asked_for:
            self._backs_off[key] = (poll, fence)

    async def _end_back_off_of_another(self, poll: Poll) -> None:
        """End the back-off that this source earned before it was made anew, if it still is what holds it."""
        key = (poll.tenant, poll.source)
        failed, fence = self._backs_off.get(key, (poll, 0))
        if failed is not poll:
            await self._pool.execute(self._queries["end_back_off"], *key, fence)
            del self._backs_off[key]

    async def _seconds_until_due(self, poll: Poll) -> float:
        row = await self._pool.fetchrow(self._queries["poll_due_at"], poll.tenant, poll.source)
        until_due = self._clock.real_seconds((row["due_at"] - self._clock.now()).total_seconds())
        seconds = max(until_due, row["held_seconds"], _SHORTEST_SLEEP_SECONDS)
        return float(min(seconds, _LONGEST_SLEEP_SECONDS))


def _backoff_seconds(failures: int, retry_after_seconds: float | None) -> float:
    """What the source asked for, but no less than at first; else twice as long after each failure, within a limit."""
    if retry_after_seconds is not None:
        return max(retry_after_seconds, _FIRST_BACKOFF_SECONDS)
    return min(_FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 16), _LAST_BACKOFF_SECONDS)
