"""The pool: what is given back must not go on holding anything."""

import asyncpg

from agents.ledger.migrate import migrate
from agents.ledger.pool import connect

_HELD = """
    SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
    WHERE relname = 'inbox' AND pid <> pg_backend_pid()
"""


async def test_a_statement_that_was_parsed_and_never_executed_leaves_no_lock_behind(database: str) -> None:
    """So it ends when a request is cancelled between the two; a later migration would wait for the lock."""
    await migrate(database)
    pool, other = await connect(database), await asyncpg.connect(database)
    try:
        async with pool.acquire() as connection:
            await connection.prepare("SELECT count(*) FROM inbox")
            assert await other.fetchval(_HELD) > 0
        assert await other.fetchval(_HELD) == 0
    finally:
        await other.close()
        await pool.close()
