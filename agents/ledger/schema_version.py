"""The version of the database's schema, and the refusal of another one.

Every process and command asks for it at its start, so it knows the newest version by the migrations' file names and
leaves Alembic to `agents.ledger.migrate`.
"""

from agents.ledger.pool import Pool
from agents.ledger.queries import SQL_FOLDER


class SchemaMismatch(Exception):
    """The database is at a version that this release does not know."""


def head() -> str:
    """The newest version that this release knows."""
    return max(path.name.partition("_")[0] for path in (SQL_FOLDER / "versions").glob("[0-9]*_*.py"))


async def require_current(pool: Pool) -> None:
    """Refuse a database whose schema this release does not know.

    Raises:
        SchemaMismatch: with what to do about it.
    """
    known = head()
    exists = await pool.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
    found = await pool.fetchval("SELECT version_num FROM alembic_version") if exists else None
    if found is None:
        raise SchemaMismatch("the database holds no schema: run `cairn migrate`")
    if found != known:
        raise SchemaMismatch(
            f"the database is at version {found}, this release knows {known}: "
            "run `cairn migrate` of the newest release, then start that release"
        )
