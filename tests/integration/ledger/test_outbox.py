"""The outbox on a real database and a real broker: every change reaches the topic, at least once, in its order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from agents import topics
from agents.embedded.kafka import EmbeddedKafka
from agents.engine.partitioner import partition_for
from agents.kafka import client_options
from agents.ledger.outbox import backlog, publish_waiting
from agents.outbox import BATCH_CHANGES, Outbox
from agents.settings import KafkaSettings
from schemas.change import CelebrationChanged, Change, DeliveryChanged, encode_change
from schemas.topics import CELEBRATIONS, client_key
from tests.conftest import Broker
from tests.integration.ledger.ledger_practice import Practice, first_session, planned, reached, retracted

PARTITIONS = 3
NOBODY = {"bootstrap_servers": "127.0.0.1:1"}


@pytest.fixture(scope="module")
def settings(own_kafka: Broker) -> KafkaSettings:
    return KafkaSettings(
        kafka_bootstrap_servers=own_kafka.bootstrap_servers, partitions=PARTITIONS, replication_factor=1
    )


@asynccontextmanager
async def reading(settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """A subscriber who begins with what is written from now on."""
    await topics.apply(settings, await topics.compare(settings))
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(CELEBRATIONS, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        for partition in partitions:
            await consumer.position(partition)
        yield consumer
    finally:
        await consumer.stop()


async def read(consumer: AIOKafkaConsumer, count: int) -> list[Change]:
    async with asyncio.timeout(30):
        records = [await consumer.getone() for _ in range(count)]
    for record in records:
        assert record.partition == partition_for(record.key, PARTITIONS)
    return [decoded(record.value) for record in records]


def decoded(value: bytes) -> Change:
    kind = CelebrationChanged if msgspec.json.decode(value)["type"] == "celebration.changed" else DeliveryChanged
    return msgspec.json.decode(value, type=kind)


@asynccontextmanager
async def publishing(outbox: Outbox) -> AsyncIterator[None]:
    running = asyncio.create_task(outbox.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def told(changes: Sequence[Change]) -> list[tuple[str, ...]]:
    return [
        (change.outcome,)
        if isinstance(change, CelebrationChanged)
        else (change.channel, change.state, change.reason or "")
        for change in changes
    ]


_MANY_CHANGES = 200  # a batch takes some 24 of them
_MANY = """INSERT INTO outbox (tenant, client, milestone_id, revision, celebration_id, rule, tier, delivery_id, channel,
                               state, attempts)
           SELECT tenant, client, 'm', 1, celebration_id, rule, tier, delivery_id, channel, state, number
           FROM deliveries, generate_series(0, $1 - 1) AS number WHERE channel = 'email' ORDER BY number"""


async def emptied(practice: Practice) -> None:
    async with asyncio.timeout(30):
        while (await backlog(practice.pool)).changes:  # noqa: ASYNC110 - another process would say nothing either
            await asyncio.sleep(0.05)


async def waiting(practice: Practice) -> list[Change]:
    """What stands in the outbox, without taking it."""
    found: list[Change] = []

    async def look(changes: Sequence[Change]) -> None:
        found.extend(changes)
        raise KafkaConnectionError

    if (await backlog(practice.pool)).changes:
        with pytest.raises(KafkaConnectionError):
            await publish_waiting(practice.pool, look, limit=BATCH_CHANGES)
    return found


async def test_every_state_of_a_delivery_reaches_the_topic_in_its_order(
    practice: Practice, settings: KafkaSettings
) -> None:
    async with reading(settings) as consumer, publishing(Outbox(practice.pool, client_options(settings))):
        await planned(practice)
        assert sorted(told(await read(consumer, 3))) == [("email", "pending", ""), ("in_app", "sent", ""), ("send",)]
        await practice.send()
        sending, sent = await read(consumer, 2)
        assert told([sending, sent]) == [("email", "sending", ""), ("email", "sent", "")]
        assert isinstance(sent, DeliveryChanged)
        assert (sent.tenant, sent.client, sent.rule, sent.attempts) == ("northstar", "ana", "iron-streak", 1)
        assert sent.milestone_id == reached().milestone_id
        assert sending.changed_at < sent.changed_at


async def test_more_than_a_batch_of_one_clients_changes_arrives_whole_and_in_order(
    practice: Practice, settings: KafkaSettings
) -> None:
    await planned(practice)
    await practice.pool.execute("DELETE FROM outbox")
    await practice.pool.execute(_MANY, _MANY_CHANGES)
    async with reading(settings) as consumer, publishing(Outbox(practice.pool, client_options(settings))):
        found = await read(consumer, _MANY_CHANGES)
    assert [change.attempts for change in found if isinstance(change, DeliveryChanged)] == list(range(_MANY_CHANGES))


async def test_a_withdrawal_is_told_of_the_celebration_and_of_each_part_that_waits(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(reached("thirty-six", "major", "count", threshold=36))
    before = len(await waiting(practice))
    await practice.hear(retracted(reached("thirty-six", "major", "count", threshold=36)))
    changes = (await waiting(practice))[before:]
    assert ("withdrawn",) in told(changes)
    assert ("email", "skipped", "retracted") in told(changes)


async def test_a_claim_is_no_change_and_nor_is_what_is_planned_as_it_was(practice: Practice) -> None:
    await planned(practice)
    before = told(await waiting(practice))
    await practice.pool.execute("UPDATE deliveries SET fence = fence + 1, lease_until = now(), state = state")
    await practice.pool.execute("UPDATE celebrations SET celebrated_at = now(), outcome = outcome")
    assert told(await waiting(practice)) == before


async def test_no_name_and_no_address_gets_into_the_outbox(practice: Practice) -> None:
    await practice.meet(phone="+436601234567")
    await practice.hear(reached(), first_session())
    await practice.send()
    await practice.erase()
    text = b"".join(encode_change(change)[0] for change in await waiting(practice))
    assert b"ana" in text, "the pseudonymous id"
    for private in (b"Ana", b"@", b"4366", b"Morning run"):
        assert private not in text


async def test_while_kafka_is_away_delivery_goes_on_and_what_waits_is_seen_and_told_later(
    practice: Practice, settings: KafkaSettings
) -> None:
    async with reading(settings) as consumer:
        async with publishing(Outbox(practice.pool, NOBODY, kafka_seconds=1)):
            await planned(practice)
            await practice.send()
            assert (await practice.states())["email"] == "sent"
            waits = await backlog(practice.pool)
            assert waits.changes == 5
            assert waits.oldest_at is not None
        async with publishing(Outbox(practice.pool, client_options(settings))):
            assert len(await read(consumer, 5)) == 5
            await emptied(practice)


async def test_what_was_written_before_a_crash_comes_again_under_the_same_id(
    practice: Practice, settings: KafkaSettings
) -> None:
    await planned(practice)
    async with reading(settings) as consumer:
        producer = AIOKafkaProducer(**client_options(settings), acks="all", enable_idempotence=True)
        await producer.start()

        async def publish_and_crash(changes: Sequence[Change]) -> None:
            for change in changes:
                value, headers = encode_change(change)
                key = client_key(change.tenant, change.client)
                await producer.send_and_wait(CELEBRATIONS, value=value, key=key, headers=list(headers))
            raise KafkaConnectionError

        with pytest.raises(KafkaConnectionError):
            await publish_waiting(practice.pool, publish_and_crash, limit=BATCH_CHANGES)
        await producer.stop()
        async with publishing(Outbox(practice.pool, client_options(settings))):
            changes = await read(consumer, 6)
    assert changes[:3] == changes[3:]
    assert len({change.change_id for change in changes}) == 3


async def test_one_process_publishes_at_a_time_and_the_other_leaves_it_alone(practice: Practice) -> None:
    await planned(practice)
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slowly(_changes: Sequence[Change]) -> None:
        began.set()
        await may_end.wait()

    async def at_once(_changes: Sequence[Change]) -> None:
        return

    first = asyncio.create_task(publish_waiting(practice.pool, slowly, limit=2))
    await began.wait()
    assert await publish_waiting(practice.pool, at_once, limit=BATCH_CHANGES) == 0
    may_end.set()
    assert await first == 2
    assert await publish_waiting(practice.pool, at_once, limit=BATCH_CHANGES) == 1
    assert (await backlog(practice.pool)).changes == 0


async def test_a_topic_that_is_missing_is_not_made_but_waited_for(
    practice: Practice, tmp_path_factory: pytest.TempPathFactory
) -> None:
    broker = EmbeddedKafka(tmp_path_factory.mktemp("bare"))
    try:
        broker.start()
        bare = KafkaSettings(kafka_bootstrap_servers=broker.bootstrap_servers, partitions=3, replication_factor=1)
        await planned(practice)
        async with publishing(Outbox(practice.pool, client_options(bare), kafka_seconds=5)):
            await asyncio.sleep(1)
            assert all(difference.is_missing for difference in await topics.compare(bare))
            assert (await backlog(practice.pool)).changes == 3
            await topics.apply(bare, await topics.compare(bare))
            await emptied(practice)
    finally:
        broker.stop()
