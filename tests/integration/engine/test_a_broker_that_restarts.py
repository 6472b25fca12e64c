"""The broker goes away under load and comes back: the worker goes on by itself, and every count is right."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.ports import usable_port
from agents.engine.config import EngineConfig
from agents.engine.errors import BrokerAwayError
from agents.engine.transaction import Committer
from tests.integration.engine.stage import Stage, until

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


async def test_a_producer_that_is_abandoned_with_unsent_records_leaves_nothing_running(
    broker: EmbeddedKafka, fragile: Stage
) -> None:
    config = EngineConfig(
        app_id=fragile.name,
        bootstrap_servers=fragile.bootstrap_servers,
        source_topics=(fragile.events,),
        partitions=fragile.partitions,
        request_timeout_ms=2_000,
        commit_timeout_ms=1_000,
    )
    before = asyncio.all_tasks()
    committer = Committer(config, 0, lambda _: None)
    await committer.fence()
    written = await committer.commit({TopicPartition(fragile.milestones, 0): [(b"k", b"v", ())]}, {})
    assert written == {TopicPartition(fragile.milestones, 0): 1}
    await asyncio.to_thread(broker.stop)
    with pytest.raises(BrokerAwayError):
        await committer.commit({TopicPartition(fragile.milestones, 0): [(b"k", b"v", ())]}, {})
    await committer.close()
    await until(lambda: not asyncio.all_tasks() - before, "every task of the producer to end")
