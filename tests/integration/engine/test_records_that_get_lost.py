"""Holes, overlaps, rewinds, refused writes and lost answers."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.integration.engine.kafka_proxy import KafkaProxy
from tests.integration.engine.stage import Stage


async def test_lost_batches_are_read_again_and_overlaps_are_dropped_record_by_record(stage: Stage) -> None:
    await stage.send(100, topic=stage.clients)
    await stage.send(5_000)
    worker = await stage.worker(shake=5)
    await stage.caught_up()
    assert len(worker.said("reread")) > 5
    assert await worker.stop() == 0, worker.text
    await stage.assert_exact()


async def test_rewinding_the_groups_offsets_counts_nothing_twice(stage: Stage) -> None:
    await stage.send(1_000)
    await stage.send(20, value=b"bad")
    for key in list(stage.expected):
        stage.expected[key] = 10
    first = await stage.worker()
    await stage.caught_up()
    assert await first.stop() == 0, first.text
    await _commit(stage, 0)
    second = await stage.worker()
    await stage.send(500)
    await stage.caught_up()
    assert sum(step["records"] for step in second.said("replayed")) == 1_020
    assert await second.stop() == 0, second.text
    await stage.assert_exact()
    assert len(await stage.read(stage.dead_letters)) == 20


async def test_a_refused_write_commits_nothing_and_ends_the_worker_with_advice(stage: Stage) -> None:
    await _set(stage, stage.changelog, "1000")
    await stage.send(2_000)
    worker = await stage.worker(padding=100)
    assert await worker.ended() == 1
    assert "max.message.bytes" in worker.text
    assert await stage.read(stage.milestones) == []
    assert await stage.counters() == {}
    await _set(stage, stage.changelog, "1000000")
    second = await stage.worker(padding=100)
    await stage.caught_up()
    assert await second.stop() == 0, second.text
    await stage.assert_exact()


async def test_a_commit_whose_answer_is_lost_is_neither_lost_nor_repeated(stage: Stage) -> None:
    async with KafkaProxy(stage.bootstrap_servers) as proxy:
        await stage.send(3_000)
        proxy.swallow_commit_answers(after=3, count=2)
        worker = await stage.worker(proxy_port=proxy.port, config={"commit_timeout_ms": 3_000})
        await stage.caught_up()
        assert proxy.swallowed == 2
        assert worker.said("retried"), worker.text
        await stage.send(500)
        await stage.caught_up()
        await worker.stop()
    await stage.assert_exact()


async def _commit(stage: Stage, offset: int) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=stage.bootstrap_servers, group_id=stage.name, enable_auto_commit=False
    )
    await consumer.start()
    tps = [TopicPartition(stage.events, number) for number in range(stage.partitions)]
    consumer.assign(tps)
    await consumer.commit(dict.fromkeys(tps, offset))
    await consumer.stop()


async def _set(stage: Stage, topic: str, max_message_bytes: str) -> None:
    settings = {"max.message.bytes": max_message_bytes, "cleanup.policy": "compact"}
    await stage.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])
