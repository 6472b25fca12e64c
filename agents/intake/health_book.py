"""The health book: tells Postgres every few seconds what was heard of each source, and shows it as gauges.

It must never write for each hook, nor lose a tally because the database is away: what could not be
told is told later. No tenant is a label: a gauge says that a source of a kind is not well, the log
line `source_state` and `cairn sources` say which.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import structlog

from agents.intake.served import Key, Served, ServedNow, ServedSource
from agents.intake.source_state import STATES, WELL, Health, State, state_of
from agents.intake.tallies import Tallies
from agents.metrics import SOURCE_HEARD_TIMESTAMP_SECONDS, SOURCES
from schemas.tenant import Source

FLUSH_SECONDS = 3.0
_LOOK_EVERY = timedelta(seconds=30)
_FORGET_EVERY = timedelta(hours=1)
_LAST_WORDS_SECONDS = 5.0
_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

_log = structlog.get_logger()


class HealthBook:
    """Keeps the rows of `source_health` and `source_hours`.

    Args:
        pool: an asyncpg pool.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        tallies: what was heard.
        served: every source, also those that are off.
    """

    def __init__(
        self,
        pool: Any,
        queries: Mapping[str, str],
        tallies: Tallies,
        served: ServedNow,
    ) -> None:
        self._pool = pool
        self._queries = queries
        self._tallies = tallies
        self._served = served
        self._known: Served | None = None
        self._kinds: set[str] = set()
        self._looked_at = self._forgot_at = _LONG_AGO
        self._states: dict[Key, State] = {}

    async def run(self) -> None:
        """Tell for ever; a database that is away is waited for."""
        while True:
            try:
                await self._turn(datetime.now(UTC))
            except _AWAY as error:
                _log.warning("health_waits", error_type=type(error).__name__)
                await asyncio.sleep(FLUSH_SECONDS)
            try:
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._tallies.is_urgent.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Tell the last that was heard, if the database is there."""
        try:
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self.tell()
        except _AWAY as error:
            _log.warning("health_untold", error_type=type(error).__name__)

    async def tell(self) -> None:
        """Add what was heard to the rows, in one transaction.

        Raises:
            asyncpg.PostgresError, OSError: the database is away; nothing is lost.
        """
        taken = self._tallies.take()
        if not taken:
            return
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(self._queries["tell_health"], *_columns(taken))
                await connection.execute(self._queries["tell_hours"], *_hours(taken))
        except BaseException:
            self._tallies.give_back(taken)
            raise

    async def look(self, now: datetime) -> None:
        """Read how the sources are, and set the gauges."""
        sources = self._served().sources
        found = await read_health(self._pool, self._queries, tuple(sources))
        states = {
            key: state_of(found[key], silent_after=silent_after(one.source), now=now, is_off=one.is_off)
            for key, one in sources.items()
        }
        self._show(sources, found, states)
        for key, state in states.items():
            if state != self._states.get(key, state if state in WELL else "on"):
                say = _log.info if state in WELL else _log.warning
                say("source_state", tenant=key[0], source=key[1], state=state, hint="see `cairn sources`")
        self._states = states

    async def _turn(self, now: datetime) -> None:
        served = self._served()
        if served is not self._known:
            on = [key for key, one in served.sources.items() if not one.is_off]
            await self._pool.execute(self._queries["know_sources"], *_unzipped(on))
            self._known, self._looked_at = served, _LONG_AGO
        await self.tell()
        if now - self._looked_at >= _LOOK_EVERY:
            await self.look(now)
            self._looked_at = now
        if now - self._forgot_at >= _FORGET_EVERY:
            await self._pool.execute(self._queries["forget_hours"])
            self._forgot_at = now

    def _show(
        self, sources: Mapping[Key, ServedSource], found: Mapping[Key, Health], states: Mapping[Key, State]
    ) -> None:
        """A gauge of a kind tells of the source of it that was heard the longest ago; a kind that is gone has none."""
        self._kinds |= {one.source.kind for one in sources.values()}
        for kind in self._kinds:
            keys = [key for key, one in sources.items() if one.source.kind == kind]
            for state in STATES:
                SOURCES.labels(kind, state).set(sum(states[key] == state for key in keys))
            on = [found[key] for key in keys if not sources[key].is_off]
            since = [heard for one in on if (heard := one.heard_at or one.tried_at or one.known_at)]
            if since:
                SOURCE_HEARD_TIMESTAMP_SECONDS.labels(kind).set(min(since).timestamp())
            else:
                SOURCE_HEARD_TIMESTAMP_SECONDS.remove(kind)


def silent_after(source: Source) -> timedelta:
    """How long a source may be silent before it is not well."""
    return timedelta(hours=source.silent_after_hours)


async def read_health(pool: Any, queries: Mapping[str, str], keys: Sequence[Key]) -> dict[Key, Health]:
    """What the ledger holds of these sources; a source without a row has an empty `Health`."""
    rows = await pool.fetch(queries["sources_health"], *_unzipped(keys))
    names = Health.__dataclass_fields__
    return {(row["tenant"], row["source"]): Health(**{name: row[name] for name in names}) for row in rows}


def _unzipped(keys: Iterable[Key]) -> tuple[list[str], list[str]]:
    keys = list(keys)
    return [tenant for tenant, _ in keys], [source for _, source in keys]


def _columns(taken: Sequence[tuple[Key, Any]]) -> tuple[list[Any], ...]:
    names = ("heard_at", "accepted_at", "failed_at", "failure", "tried_at", "trial_id")
    return (*_unzipped(key for key, _ in taken), *([getattr(tally, name) for _, tally in taken] for name in names))


def _hours(taken: Sequence[tuple[Key, Any]]) -> tuple[list[Any], ...]:
    rows = [(*key, hour, *counts) for key, tally in taken for hour, counts in tally.hours.items()]
    return tuple([row[column] for row in rows] for column in range(5))
