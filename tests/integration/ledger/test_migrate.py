"""Migrations on a real database."""

import asyncio

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from agents.ledger import migrate as migrating
from agents.ledger.migrate import migrate
from agents.ledger.pool import connect
from agents.ledger.queries import SQL_FOLDER, load_queries
from agents.ledger.schema_version import SchemaMismatch, head, require_current

KNOWN = """
INSERT INTO clients (tenant, client, profile, updated_at, erased_at) VALUES
    ('northstar', 'ana',
     '{"consents": {"marketing": {"granted": true, "source": "form", "at": "2026-01-02T03:04:05Z"}},
       "channels": {"sms": false}}', '2026-02-01T00:00Z', NULL),
    ('northstar', 'ben', '{"name": "Ben"}', '2026-02-01T00:00Z', NULL),
    ('northstar', 'cyd', NULL, '2026-02-01T00:00Z', now());
INSERT INTO opt_outs (tenant, client, channel, source, opted_out_at, returned_at) VALUES
    ('northstar', 'ana', 'email', 'link', '2026-03-01T00:00Z', '2026-04-01T00:00Z'),
    ('northstar', 'cyd', 'email', 'link', '2026-03-01T00:00Z', NULL);
"""
PAST = """
INSERT INTO clients (tenant, client) VALUES ('northstar', 'ana');
INSERT INTO milestones (milestone_id, revision, retracted, tenant, client, rule, tier, reached_at, record, heard_at)
SELECT n, 1, false, 'northstar', 'ana', 'iron-streak', 'streak', now(), '{}', now() FROM generate_series(1, 5000) n;
INSERT INTO celebrations (celebration_id, milestone_id, revision, tenant, client, rule, tier, mode, outcome, planned_at,
                          due_at, expires_at, heard_at)
SELECT milestone_id, milestone_id, 1, tenant, client, rule, tier, 'live', 'send', now(), now(), now(), now()
FROM milestones;
INSERT INTO deliveries (delivery_id, celebration_id, channel, tenant, client, rule, tier, state, due_at, expires_at,
                        heard_at)
SELECT celebration_id, celebration_id, 'email', tenant, client, rule, tier,
       CASE WHEN celebration_id::int <= 20 THEN 'pending' ELSE 'sent' END, now(), now(), now() FROM celebrations;
"""


async def migrate_to(dsn: str, version: str) -> None:
    """Bring the database to an older version, as a ledger that has been in use for a while is."""

    def upgrade(connection: Connection) -> None:
        scripts = migrating._scripts()
        steps = {"fn": lambda at, _context: scripts._upgrade_revs(version, at)}
        context = MigrationContext.configure(connection, opts=steps)
        with Operations.context(context):
            context.run_migrations()

    engine = create_async_engine(make_url(dsn).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()


def test_the_newest_version_by_the_files_is_alembics() -> None:
    assert head() == migrating._scripts().get_current_head()


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
    await migrate(database)
    pool = await connect(database)
    subjects = [path.stem for path in sorted((SQL_FOLDER / "queries").glob("*.sql"))]
    async with pool.acquire() as connection:
        for subject in subjects:
            for statement in load_queries(subject).values():
                await connection.prepare(statement)
    await pool.close()
    assert "deliveries" in subjects


async def test_a_ledger_that_knows_people_already_begins_the_history_of_their_consents(database: str) -> None:
    await migrate_to(database, "0010")
    pool = await connect(database)
    await pool.execute(KNOWN)
    await pool.close()
    await migrate(database)
    pool = await connect(database)
    rows = await pool.fetch(
        "SELECT client, about, name, granted, source, author, to_char(given_at AT TIME ZONE 'UTC', 'MM-DD HH24:MI')"
        " FROM consent_history ORDER BY entry_id"
    )
    assert [tuple(row) for row in rows] == [
        ("ana", "consent", "marketing", True, "form", "profile", "01-02 03:04"),
        ("ana", "channel", "sms", False, "profile", "profile", "02-01 00:00"),
        ("ana", "channel", "email", False, "link", "client", "03-01 00:00"),
        ("ana", "channel", "email", True, "page", "client", "04-01 00:00"),
    ]
    await pool.execute("UPDATE clients SET profile = jsonb_set(profile, '{channels,sms}', 'true') WHERE client = 'ana'")
    assert await pool.fetchval("SELECT count(*) FROM consent_history") == 5
    await pool.close()


async def test_what_waits_is_counted_by_an_index_however_much_was_sent(database: str) -> None:
    await migrate(database)
    pool = await connect(database)
    await pool.execute(PAST)
    await pool.execute("ANALYZE deliveries")
    plan = "\n".join(row[0] for row in await pool.fetch("EXPLAIN " + load_queries("deliveries").figures))
    await pool.close()
    assert "deliveries_unfinished" in plan
    assert "Seq Scan" not in plan
