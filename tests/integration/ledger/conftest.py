"""The practice, fresh for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.ledger.migrate import migrate
from agents.ledger.pool import connect
from tests.integration.ledger.ledger_practice import Practice
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
