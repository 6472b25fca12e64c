"""Migrations on a real database."""

import asyncio

import pytest

from agents.ledger.migrate import SchemaMismatch, head, migrate, require_current
from agents.ledger.pool import connect


async def test_a_database_without_schema_is_refused_with_what_to_do(database: str) -> None:
    pool = await connect(database)
    with pytest.raises(SchemaMismatch, match="cairn migrate"):
        await require_current(pool)
    await pool.close()


async def test_two_migrations_at_once_wait_for_each_other(database: str) -> None:
    assert await asyncio.gather(migrate(database), migrate(database)) == [head(), head()]
    pool = await connect(database)
    await require_current(pool)
    await pool.close()


async def test_a_schema_of_another_release_is_refused(database: str) -> None:
    await migrate(database)
    pool = await connect(database)
    await pool.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="version 9999"):
        await require_current(pool)
    await pool.close()


async def test_every_named_query_is_one_that_the_schema_understands(database: str) -> None:
    from agents.ledger.queries import SQL_FOLDER, load_queries

    await migrate(database)
    pool = await connect(database)
    subjects = [path.stem for path in sorted((SQL_FOLDER / "queries").glob("*.sql"))]
    async with pool.acquire() as connection:
        for subject in subjects:
            for statement in load_queries(subject).values():
                await connection.prepare(statement)
    await pool.close()
    assert "deliveries" in subjects
