from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import Broker
from tests.integration.intake.asked_school import School, open_school
from tests.integration.intake.practice import Practice, open_practice
from tests.integration.intake.stage import Stage, open_stage


@pytest.fixture
async def stage(kafka: Broker, database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(kafka.bootstrap_servers, database, tmp_path) as stage:
        yield stage


@pytest.fixture
async def practice(stage: Stage, tmp_path: Path) -> AsyncIterator[Practice]:
    async with open_practice(stage, tmp_path) as practice:
        yield practice


@pytest.fixture
async def asked_school(stage: Stage, tmp_path: Path) -> AsyncIterator[School]:
    async with open_school(stage, tmp_path / "school") as school:
        yield school
