"""A broker of these tests' own, because the names of the topics are fixed; empty for each module."""

from collections.abc import AsyncIterator, Iterator

import pytest

from agents.embedded.kafka import EmbeddedKafka
from tests.integration.history.stage import Stage


@pytest.fixture(scope="session")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    broker = EmbeddedKafka(tmp_path_factory.mktemp("kafka"))
    try:
        broker.start()
        yield broker.bootstrap_servers
    finally:
        broker.stop()


@pytest.fixture
async def stage(own_broker: str) -> AsyncIterator[Stage]:
    stage = Stage(own_broker)
    await stage.open()
    try:
        yield stage
    finally:
        await stage.close()
