"""A broker for each of these tests: the names of topics and group are fixed, and each test has a clock of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agents.embedded.kafka import EmbeddedKafka
from tests.integration.tracking.stage import TrackerStage


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[str]:
    broker = EmbeddedKafka(tmp_path / "kafka")
    try:
        broker.start()
        yield broker.bootstrap_servers
    finally:
        broker.stop()


@pytest.fixture
async def stage(own_broker: str, tmp_path: Path) -> AsyncIterator[TrackerStage]:
    stage = TrackerStage(own_broker, tmp_path)
    await stage.open()
    try:
        yield stage
    finally:
        await stage.close()
