"""Migrations: Alembic over plain SQL, expand first and contract a release later.

`migrate` is a command of its own; the processes only ask `agents.ledger.schema_version` and
refuse to run on a schema that they do not know. SQLAlchemy is here for Alembic and nowhere else.
An advisory lock makes concurrent migrations wait for each other.
"""

from typing import Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from agents.ledger.queries import SQL_FOLDER
from agents.ledger.schema_version import head

_LOCK: Final = 0x6361_6972_6E  # "cairn"


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(SQL_FOLDER), version_locations=[str(SQL_FOLDER / "versions")])


def _upgrade(connection: Connection) -> None:
    scripts = _scripts()
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    context = MigrationContext.configure(
        connection,
        opts={"fn": lambda revision, _context: scripts._upgrade_revs("head", revision)},  # noqa: SLF001 - what alembic.command.upgrade calls; the public way wants an ini file and an env.py
    )
    with Operations.context(context):
        context.run_migrations()


async def migrate(dsn: str) -> str:
    """Bring the database at `dsn` to `head()`, in one transaction.

    Returns:
        The version it is at now.
    """
    url = make_url(dsn).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()
    return head()
