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


async def test_a_tenant_without_a_folder_is_refused_and_one_whose_files_do_not_hold_up_is_paused(
    database: str, tmp_path: Path
) -> None:
    await migrate(database)
    settings = {"CAIRN_DATABASE_URL": database, "CAIRN_TENANTS_DIR": str(write_tenant(tmp_path))}
    (tmp_path / "northstar" / "coaches.yaml").write_text("?", encoding="utf-8")
    for scope in ((), ("--rule", "iron-streak"), ("--channel", "email")):
        refused = await cairn("pause", "--tenant", "nortstar", *scope, settings=settings)
        assert refused.status == 2
        assert "--tenant: no tenant has this name: the nearest is northstar" in refused.err
    assert (await cairn("pause", "--tenant", "northstar", settings=settings)).status == 0
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT array_agg(tenant) FROM pauses") == ["northstar"]
    await connection.close()
