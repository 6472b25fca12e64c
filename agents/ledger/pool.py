"""The pool of Postgres connections that one process shares.

It holds no default address or password, and nothing connects at import. `jsonb` travels as
text: each subject decodes it into its own shape. Statements are bounded on the server too,
so that a lost client never leaves a lock behind for long.
"""

from typing import TypeAlias

import asyncpg

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

STATEMENT_TIMEOUT_SECONDS = 30
_MAX_CONNECTIONS = 10


async def connect(dsn: str, *, max_connections: int = _MAX_CONNECTIONS) -> Pool:
    """Open a pool on `dsn`, a `postgresql://` address.

    Raises:
        OSError: nobody listens there.
        asyncpg.PostgresError: the server refuses the credentials or the database.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=max_connections,
        command_timeout=STATEMENT_TIMEOUT_SECONDS,
        server_settings={
            "application_name": "cairn",
            "timezone": "UTC",
            "idle_in_transaction_session_timeout": f"{2 * STATEMENT_TIMEOUT_SECONDS}s",
        },
    )
