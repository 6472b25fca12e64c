"""The pool: what is given back must not go on holding anything."""

import asyncio

import asyncpg
import pytest

from agents.ledger.migrate import migrate
from agents.ledger.pool import connect

_HELD = """
    SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
    WHERE relname = 'inbox' AND pid <> pg_backend_pid()
"""
_LAST_SAID = """
    SELECT query FROM pg_stat_activity
    WHERE application_name = 'cairn' AND datname = current_database() AND pid <> pg_backend_pid()
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


async def test_a_statement_that_fails_leaves_nothing_behind(database: str) -> None:
    await migrate(database)
    pool, other = await connect(database, max_connections=1), await asyncpg.connect(database)
    try:
        with pytest.raises(asyncpg.UndefinedTableError):
            await pool.execute("SELECT * FROM nowhere WHERE $1 = 1", 1)
        assert "RESET ALL" in await other.fetchval(_LAST_SAID)
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with pool.acquire() as connection, connection.transaction():
                await connection.fetchval("SELECT 1 / $1::int", 0)
        assert await other.fetchval(_LAST_SAID) == "ROLLBACK;"
        assert await pool.fetchval("SELECT 1") == 1
    finally:
        await other.close()
        await pool.close()


async def test_a_transaction_that_is_left_open_is_rolled_back(database: str) -> None:
    await migrate(database)
    pool = await connect(database, max_connections=1)
    try:
        async with pool.acquire() as connection:
            await connection.execute("BEGIN")
            await connection.execute("INSERT INTO clients (tenant, client) VALUES ('northstar', 'ana')")
        assert await pool.fetchval("SELECT count(*) FROM clients") == 0
    finally:
        await pool.close()


async def test_what_ended_is_given_back_without_another_word(database: str) -> None:
    await migrate(database)
    pool, other = await connect(database, max_connections=1), await asyncpg.connect(database)
    try:
        async with pool.acquire() as connection, connection.transaction():
            assert await connection.fetchval("SELECT 1") == 1
        assert await other.fetchval(_LAST_SAID) == "COMMIT;"
    finally:
        await other.close()
        await pool.close()


async def test_a_statement_that_is_cancelled_leaves_no_lock_behind(database: str) -> None:
    await migrate(database)
    pool, other = await connect(database, max_connections=1), await asyncpg.connect(database)
    try:
        asking = asyncio.create_task(pool.fetchval("SELECT count(*) FROM inbox, pg_sleep($1)", 600.0))
        async with asyncio.timeout(30):
            while await other.fetchval(_HELD) == 0:
                pass
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert await pool.fetchval("SELECT 1") == 1
        assert await other.fetchval(_HELD) == 0
    finally:
        await other.close()
        await pool.close()
