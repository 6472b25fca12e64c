"""The embedded broker is a Kafka that keeps what it acknowledged, whatever end it met."""

import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.ports import PortTakenError

pytestmark = pytest.mark.broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    broker = EmbeddedKafka(tmp_path / "kafka", heap_mib=256)
    broker.start()
    yield broker
    broker.stop()


def processes_of(broker: EmbeddedKafka) -> list[psutil.Process]:
    mark = str(broker._folder)
    return [process for process in psutil.process_iter() if any(mark in word for word in cmdline(process))]


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def write(broker: EmbeddedKafka, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait("notes", value)
    finally:
        await producer.stop()


async def read(broker: EmbeddedKafka, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        "notes", bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest", group_id="readers"
    )
    await consumer.start()
    try:
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_records_survive_a_broker_that_is_killed_and_started_again(broker: EmbeddedKafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    assert await admin.list_topics() == [], "nothing is created by itself"
    await admin.create_topics([NewTopic("notes", num_partitions=1, replication_factor=1)])
    await admin.close()
    await write(broker, b"before")
    for process in processes_of(broker):
        process.kill()
    broker.stop()
    broker.start()
    await write(broker, b"after")
    assert await read(broker, 2) == [b"before", b"after"]
    broker.stop()
    assert not processes_of(broker)


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        broker = EmbeddedKafka(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(PortTakenError, match=r"is taken .* choose another"):
            broker.start()
