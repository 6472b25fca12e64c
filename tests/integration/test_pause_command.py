"""`cairn pause` refuses what would look like a brake and hold nothing."""

from pathlib import Path

import asyncpg

from agents.ledger.migrate import migrate
from tests.integration.commands import cairn, write_tenant


async def test_a_rule_that_no_rulebook_has_is_refused_and_the_nearest_is_named(database: str, tmp_path: Path) -> None:
    await migrate(database)
    settings = {"CAIRN_DATABASE_URL": database, "CAIRN_TENANTS_DIR": str(write_tenant(tmp_path))}
    for scope in ((), ("--tenant", "northstar")):
        refused = await cairn("pause", "--rule", "iron-streek", *scope, settings=settings)
        assert refused.status == 2
        assert "the nearest is iron-streak" in refused.err
    assert (await cairn("pause", "--rule", "iron-streak", settings=settings)).status == 0
    assert (await cairn("pause", settings={"CAIRN_DATABASE_URL": database})).status == 0
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT array_agg(rule ORDER BY rule) FROM pauses") == ["iron-streak", None]
    await connection.close()
