"""The broker goes away under load and comes back: the worker goes on by itself, and every count is right."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.ports import usable_port
from tests.integration.engine.stage import Stage

_AWAY_SECONDS = 6
BRISK = {"request_timeout_ms": 6_000, "commit_timeout_ms": 4_000}


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedKafka]:
    """A broker of this test's own, which keeps its port."""
    broker = EmbeddedKafka(tmp_path, port=usable_port())
    await asyncio.to_thread(broker.start)
    try:
        yield broker
    finally:
        await asyncio.to_thread(broker.stop)


@pytest.fixture
async def fragile(broker: EmbeddedKafka) -> AsyncIterator[Stage]:
    stage = Stage(broker.bootstrap_servers, partitions=8)
    await stage.open()
    try:
        yield stage
    finally:
        await stage.close()


async def test_a_broker_that_restarts_under_load_costs_neither_records_nor_the_worker(
    broker: EmbeddedKafka, fragile: Stage
) -> None:
    await fragile.send(20_000)
    worker = await fragile.worker(config={**BRISK, "max_batch_records": 50})
    await worker.until("committed", 20)
    await asyncio.to_thread(broker.stop)
    await worker.until("retried")
    await asyncio.sleep(_AWAY_SECONDS)
    await asyncio.to_thread(broker.start)
    await fragile.send(500)
    await fragile.caught_up()
    assert len(worker.said("retried")) == 1, "eight partitions that meet one outage are one failure"
    assert await worker.stop() == 0, worker.text
    await fragile.assert_exact()
