"""The practice, fresh for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.ledger.migrate import migrate
from agents.ledger.pool import connect
from tests.conftest import DatabaseServer
from tests.integration.ledger.ledger_practice import Practice
from tests.integration.ledger.restored_ledger import Restored
from tests.sample_milestones import tenant


@pytest.fixture
async def practice(database: str, tmp_path: Path) -> AsyncIterator[Practice]:
    await migrate(database)
    pool = await connect(database)
    made = Practice(pool=pool, tenants={"northstar": tenant(tmp_path)})
    await made.claim()
    try:
        yield made
    finally:
        await pool.close()


@pytest.fixture
async def restored(postgres: DatabaseServer, database: str, tmp_path: Path) -> AsyncIterator[Restored]:
    await migrate(database)
    made = Restored(postgres.dsn, database, tmp_path)
    try:
        yield made
    finally:
        await made.throw_away()
