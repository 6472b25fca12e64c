"""Opening the ledger: a database that is away is waited for, visibly; a strange schema is refused.

A process waits as long as it takes; a command, behind which a person sits, gives up after a while.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import structlog

from agents.ledger.away import AWAY
from agents.ledger.pool import Pool, connect
from agents.ledger.schema_version import SchemaMismatch, require_current

_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 5.0
_log = structlog.get_logger()


class DatabaseRefused(Exception):
    """`CAIRN_DATABASE_URL` is wrong: waiting would not help; the text says what to mend, without the address."""


class DatabaseAway(Exception):
    """Postgres did not answer for as long as a command waits; the text says what to look at."""


UNFIT: Final = (DatabaseRefused, SchemaMismatch)
"""What the operator has to mend; the texts may be printed."""


@asynccontextmanager
async def open_ledger(dsn: str, *, max_connections: int, patience_seconds: float | None = None) -> AsyncIterator[Pool]:
    """A pool on a database that is there and at this release's schema; closed on leaving.

    Args:
        dsn: its address.
        max_connections: at most so many at once.
        patience_seconds: how long to wait for it; None for as long as it takes.

    Raises:
        DatabaseAway: it did not answer in that time.
        SchemaMismatch: the schema is not the one that this release knows.
        DatabaseRefused: the address, the credentials or the database's name are wrong.
    """
    try:
        async with asyncio.timeout(patience_seconds):
            pool = await _wait_for(dsn, max_connections)
    except TimeoutError:
        raise DatabaseAway(
            f"Postgres does not answer at the address in CAIRN_DATABASE_URL (waited {patience_seconds:g} seconds): "
            "start it, or mend the address; nothing was done"
        ) from None
    try:
        await require_current(pool)
        yield pool
    finally:
        await pool.close()


async def _wait_for(dsn: str, max_connections: int) -> Pool:
    seconds = _FIRST_WAIT_SECONDS
    while True:
        try:
            return await connect(dsn, max_connections=max_connections)
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            raise DatabaseRefused(f"Postgres refuses what CAIRN_DATABASE_URL says: {error}") from None
        except ValueError:  # of asyncpg, which reads the address
            raise DatabaseRefused("CAIRN_DATABASE_URL must be postgresql://user:password@host:5432/cairn") from None
        except AWAY as error:
            _log.warning("database_waited_for", error_type=type(error).__name__, seconds=seconds)
        await asyncio.sleep(seconds)
        seconds = min(2 * seconds, _LONGEST_WAIT_SECONDS)
