"""Positioned consumption: a store of positions that fences by epoch, in memory here as a database is elsewhere."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from agents.engine.app import EngineApp, positioned_app
from agents.engine.batch import Batch
from agents.engine.config import EngineConfig
from agents.engine.errors import ReseekError
from agents.engine.positioned import PositionedSource
from agents.engine.serving import serve
from tests.integration.engine.stage import Stage


class Ledger:
    """Positions and results that change together."""

    def __init__(self) -> None:
        self.next: dict[tuple[str, int], int] = defaultdict(int)
        self.epochs: dict[tuple[str, int], int] = defaultdict(int)
        self.rows: list[tuple[str, int, int]] = []
        self.turned_away = 0

    def source(self, topic: str) -> PositionedSource:
        mine: dict[tuple[str, int], int] = {}

        async def claim(topic: str, partition: int) -> int:
            self.epochs[topic, partition] += 1
            mine[topic, partition] = self.epochs[topic, partition]
            return self.next[topic, partition]

        async def apply(batch: Batch) -> None:
            await asyncio.sleep(0)
            at = (batch.topic, batch.partition)
            if mine[at] != self.epochs[at]:
                self.turned_away += 1
                raise ReseekError(self.next[at])
            if batch.start != self.next[at]:
                raise ReseekError(self.next[at])
            self.rows += [(batch.topic, batch.partition, record.offset) for record in batch.records]
            self.next[at] = batch.end

        return PositionedSource(topic=topic, claim=claim, apply=apply)


@asynccontextmanager
async def running(stage: Stage, ledger: Ledger, max_batch_records: int = 100) -> AsyncIterator[EngineApp]:
    config = EngineConfig(
        app_id=f"{stage.name}-positioned",
        bootstrap_servers=stage.bootstrap_servers,
        source_topics=(stage.clients, stage.milestones),
        partitions=stage.partitions,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=500,
        max_batch_records=max_batch_records,
    )
    app = positioned_app(config, tuple(ledger.source(topic) for topic in config.source_topics))
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(app, stop))
    try:
        yield app
    finally:
        stop.set()
        assert await serving == 0


async def _rows(ledger: Ledger, count: int) -> None:
    async with asyncio.timeout(30):
        while len(ledger.rows) < count:  # noqa: ASYNC110 - sampled
            await asyncio.sleep(0.02)


async def test_committed_milestones_arrive_once_after_the_profiles(stage: Stage) -> None:
    await stage.send(2_000)
    worker = await stage.worker()
    await stage.caught_up()
    await stage.send(300, topic=stage.clients)
    ledger = Ledger()
    async with running(stage, ledger):
        await _rows(ledger, 500)
        await stage.send(1_000)
        await _rows(ledger, 600)
    await worker.stop()
    assert len(ledger.rows) == len(set(ledger.rows)) == 600
    for number in range(stage.partitions):
        topics = [topic for topic, partition, _ in ledger.rows if partition == number]
        profiles = topics.count(stage.clients)
        assert topics[:profiles] == [stage.clients] * profiles


async def test_a_position_changed_by_somebody_else_is_followed(stage: Stage) -> None:
    await stage.send(400, topic=stage.milestones)
    ledger = Ledger()
    async with running(stage, ledger):
        await _rows(ledger, 400)
        for at in [at for at in ledger.next if at[0] == stage.milestones]:
            ledger.next[at] = 0
        ledger.rows.clear()
        await stage.send(400, topic=stage.milestones)
        await _rows(ledger, 800)
    assert len(ledger.rows) == len(set(ledger.rows)) == 800


async def test_aborted_records_are_never_seen_and_leave_no_hole(stage: Stage) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=stage.bootstrap_servers, transactional_id=stage.name)
    await producer.start()
    for number in range(6):
        await producer.begin_transaction()
        for key in (b"a", b"b", b"c"):
            await producer.send_and_wait(stage.milestones, key=key, value=b"%d" % number)
        await (producer.commit_transaction() if number % 2 else producer.abort_transaction())
    await producer.stop()
    ledger = Ledger()
    async with running(stage, ledger) as app:
        await _rows(ledger, 9)
        await asyncio.sleep(2.5)
        assert not any(partition.lag_records for partition in app.watch.status().partitions)
    assert len(ledger.rows) == len(set(ledger.rows)) == 9


async def test_an_idle_member_is_never_taken_for_one_that_has_stopped_reading(stage: Stage) -> None:
    async with running(stage, Ledger()) as app:
        async with asyncio.timeout(30):
            while not app.ownership.ready:  # noqa: ASYNC110 - sampled
                await asyncio.sleep(0.02)
        await asyncio.sleep(2.5)
        assert app.consumer.thread._consumer._subscription.fetcher_idle_time < 1.5
        assert app.watch.status().live
        assert app.watch.status().connected


async def test_a_partition_never_read_begins_where_its_log_begins_when_retention_came_first(stage: Stage) -> None:
    await stage.send(400, topic=stage.milestones)
    await stage.admin.delete_records(
        {TopicPartition(stage.milestones, number): RecordsToDelete(before_offset=20) for number in range(4)}
    )
    ledger = Ledger()
    async with running(stage, ledger):
        await _rows(ledger, 320)
    assert len(ledger.rows) == len(set(ledger.rows)) == 320
