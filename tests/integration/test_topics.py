"""Topics are provisioned as code, on a real broker."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from agents import topics
from agents.dead_letters import put_back, read_dead_letters
from agents.engine.dead_letters import OMITTED, PREFIX
from agents.kafka import client_options
from agents.settings import KafkaSettings
from schemas.topics import CLIENTS, DEAD_LETTERS, EVENTS, STATE_CHANGELOG
from tests.conftest import Broker


@pytest.fixture(scope="module")
def settings(own_kafka: Broker) -> KafkaSettings:
    return KafkaSettings(kafka_bootstrap_servers=own_kafka.bootstrap_servers, partitions=3, replication_factor=1)


async def test_applying_creates_what_is_missing_and_twice_changes_nothing(settings: KafkaSettings) -> None:
    before = await topics.compare(settings)
    await topics.apply(settings, before)
    after = await topics.compare(settings)
    assert [d.topic.name for d in after if not d.is_empty] == []
    await topics.apply(settings, after)


async def test_another_partition_count_is_refused_with_what_to_do(settings: KafkaSettings) -> None:
    await topics.apply(settings, await topics.compare(settings))
    more = settings.model_copy(update={"partitions": 5})
    differences = await topics.compare(more)
    assert {d.partitions for d in differences} == {3}
    with pytest.raises(topics.TopicsRefusedError, match="set CAIRN_PARTITIONS to the broker's count"):
        await topics.apply(more, differences)


async def test_a_changed_setting_is_shown_and_mended_and_others_are_left_alone(
    settings: KafkaSettings,
) -> None:
    await topics.apply(settings, await topics.compare(settings))
    await _set(settings, STATE_CHANGELOG, {"segment.ms": "777", "max.message.bytes": "2000000"})
    changelog = next(d for d in await topics.compare(settings) if d.topic.name == STATE_CHANGELOG)
    assert ("segment.ms", "777", "3600000") in changelog.changes
    await topics.apply(settings, (changelog,))
    assert all(d.is_empty for d in await topics.compare(settings))
    assert (await topics.overrides(settings, STATE_CHANGELOG))["max.message.bytes"] == "2000000"


async def _set(settings: KafkaSettings, topic: str, config: dict[str, str]) -> None:
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        present = await topics.overrides(settings, topic)
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={**present, **config})])
        for _ in range(600):  # a broker shows a change a moment after it has taken it
            if config.items() <= (await topics.overrides(settings, topic)).items():
                break
            await asyncio.sleep(0.1)
    finally:
        await admin.close()


async def test_a_dead_letter_goes_back_unchanged_to_where_it_came_from(settings: KafkaSettings) -> None:
    await topics.apply(settings, await topics.compare(settings))
    options = client_options(settings)
    producer = AIOKafkaProducer(**options)
    await producer.start()
    added = [
        (PREFIX + "topic", EVENTS.encode()),
        (PREFIX + "reason", b"not_json"),
        (PREFIX + "detail", b"at 0"),
    ]
    for value in (b"\x00broken", b"other"):
        await producer.send_and_wait(DEAD_LETTERS, value=value, key=b"t/c", headers=[("own", b"1"), *added])
    await producer.stop()

    letters = [letter async for letter in read_dead_letters(options)]
    assert {(d.value, d.reason, d.source, d.headers) for d in letters} == {
        (b"\x00broken", "not_json", EVENTS, (("own", b"1"),)),
        (b"other", "not_json", EVENTS, (("own", b"1"),)),
    }
    await put_back(options, letters)
    assert sorted(await _values(options, EVENTS)) == [b"\x00broken", b"other"]


async def test_a_dead_letter_without_its_value_never_goes_back_as_a_tombstone(settings: KafkaSettings) -> None:
    await topics.apply(settings, await topics.compare(settings))
    options = client_options(settings)
    producer = AIOKafkaProducer(**options)
    await producer.start()
    told = [(PREFIX + "topic", CLIENTS.encode()), (PREFIX + "reason", b"too_large"), (OMITTED, b"2000000 bytes")]
    where = await producer.send_and_wait(DEAD_LETTERS, value=None, key=b"t/c", headers=told)
    await producer.stop()
    at = (where.partition, where.offset)
    letters = [letter async for letter in read_dead_letters(options) if (letter.partition, letter.offset) == at]
    assert [letter.is_replayable for letter in letters] == [False]
    with pytest.raises(ValueError, match="whole"):
        await put_back(options, letters)


async def _values(options: dict[str, Any], topic: str) -> list[bytes]:
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(topic, **options, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found: list[bytes] = []
        while len(found) < 2:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                found += [record.value for record in records]
        return found
    finally:
        await consumer.stop()
