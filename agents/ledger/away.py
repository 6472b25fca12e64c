"""What it looks like when the database is away: worth waiting for, and no fault of a record."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg
import structlog

_log = structlog.get_logger()

AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InternalClientError,
)
"""Errors after which the same work is tried again: restart, network, full disk, a standby, a deadlock."""


async def look_every(interval_seconds: float, look: Callable[[], Awaitable[object]]) -> None:
    """Look at the ledger until cancelled; while it is away, the next look tries again."""
    while True:
        try:
            await look()
        except AWAY as error:
            _log.warning("ledger.away", error_type=type(error).__name__)
        await asyncio.sleep(interval_seconds)
