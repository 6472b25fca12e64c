from collections.abc import AsyncIterator

import pytest

from tests.conftest import Broker
from tests.integration.engine.stage import Stage


@pytest.fixture
async def stage(kafka: Broker) -> AsyncIterator[Stage]:
    stage = Stage(kafka.bootstrap_servers)
    await stage.open()
    try:
        yield stage
    finally:
        await stage.close()
