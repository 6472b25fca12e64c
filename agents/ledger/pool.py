"""The pool of Postgres connections that one process shares.

It holds no default address or password, and nothing connects at import. `jsonb` travels as
text: each subject decodes it into its own shape. Statements are bounded on the server too,
so that a lost client never leaves a lock behind for long.

Theory of operation: a statement that came to its end has told Postgres so (Sync, in its frontend
protocol), and outside a transaction nothing is held after that. One that was broken off between
its parsing and its execution keeps the lock of its table until the connection speaks again. So a
connection that is given back is reset unless its last statement came to its end. Nothing that
outlives a statement may be left on a connection of the pool: SET, advisory locks, a listener.
"""

from collections.abc import Awaitable
from typing import Any, TypeAlias, TypeVar, cast

import asyncpg

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

STATEMENT_TIMEOUT_SECONDS = 30
_MAX_CONNECTIONS = 10
_Result = TypeVar("_Result")


class _Pooled(asyncpg.Connection):
    """A connection that knows whether its last statement came to its end."""

    __slots__ = ("has_ended",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.has_ended = False

    async def execute(self, *args: Any, **options: Any) -> Any:
        return await self._to_its_end(super().execute(*args, **options))

    async def executemany(self, *args: Any, **options: Any) -> Any:
        return await self._to_its_end(super().executemany(*args, **options))

    async def fetch(self, *args: Any, **options: Any) -> Any:
        return await self._to_its_end(super().fetch(*args, **options))

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        return await self._to_its_end(super().fetchrow(*args, **options))

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        return await self._to_its_end(super().fetchval(*args, **options))

    async def prepare(self, *args: Any, **options: Any) -> Any:
        self.has_ended = False
        return await super().prepare(*args, **options)

    async def _to_its_end(self, statement: Awaitable[_Result]) -> _Result:
        self.has_ended = False
        result = await statement
        self.has_ended = True
        return result


async def _reset_what_is_left(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """End what a broken-off statement left; called when a connection is given back, after any ROLLBACK."""
    if not cast("_Pooled", connection).has_ended:
        await connection.reset()


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
        connection_class=_Pooled,
        reset=_reset_what_is_left,
        server_settings={
            "application_name": "cairn",
            "timezone": "UTC",
            "idle_in_transaction_session_timeout": f"{2 * STATEMENT_TIMEOUT_SECONDS}s",
        },
    )
