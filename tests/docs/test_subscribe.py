"""The guide's examples run as their reader runs them, against a real broker, and meet on one partition."""

import asyncio
import json
import shutil
import sys
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.partitioner import murmur2
from confluent_kafka import Producer

from agents import topics
from agents.settings import KafkaSettings
from schemas.codec import decode_event
from schemas.contracts import examples
from schemas.milestone import REACHED, RETRACTED
from schemas.topics import EVENTS, MILESTONES, client_key
from tests.conftest import Broker
from tests.toolchains import compile_java, java, node, node_modules

pytestmark = pytest.mark.broker

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = ("python", "node", "java")
KEY = client_key(examples.TENANT, examples.CLIENT)
PARTITIONS = 24
RIGHT_PARTITION = (murmur2(KEY) & 0x7FFFFFFF) % PARTITIONS
_PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody who copied the examples: where they lie, and which broker they try them on."""

    folder: Path
    servers: str

    def command(self, language: str, what: str) -> list[str]:
        program = {
            "python": lambda: [sys.executable, f"{what}.py"],
            "node": lambda: [str(node()), f"{what}.js"],
            "java": lambda: [*java(classes=self.folder / "java"), what.capitalize()],
        }[language]()
        return [*program, self.servers]

    async def start(self, language: str, what: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *self.command(language, what), cwd=self.folder / language, stdout=pipe, stderr=pipe
        )


@pytest.fixture(scope="module")
def settings(own_kafka: Broker) -> KafkaSettings:
    return KafkaSettings(
        kafka_bootstrap_servers=own_kafka.bootstrap_servers, partitions=PARTITIONS, replication_factor=1
    )


@pytest.fixture(scope="module")
async def reader(settings: KafkaSettings, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    await topics.apply(settings, await topics.compare(settings))
    folder = tmp_path_factory.mktemp("reader") / "examples"
    shutil.copytree(DOCS / "examples", folder)
    (folder / "node" / "node_modules").symlink_to(node_modules(DOCS / "examples" / "node"))
    compile_java(sorted((folder / "java").glob("*.java")), folder / "java")
    return Reader(folder=folder, servers=settings.kafka_bootstrap_servers)


@pytest.fixture(scope="module")
async def end_of_milestones(reader: Reader) -> int:
    """A milestone reached and withdrawn, and between them one whose transaction was aborted: the offset behind them."""
    producer = AIOKafkaProducer(bootstrap_servers=reader.servers, transactional_id="stand-in-for-the-tracker")
    async with producer:
        for type_, revision, commits in ((REACHED, 1, True), (REACHED, 2, False), (RETRACTED, 1, True)):
            headers, value = examples.milestone(type_)
            await producer.begin_transaction()
            sent = await producer.send_and_wait(
                MILESTONES,
                key=KEY,
                value=json.dumps({**value, "revision": revision}).encode(),
                headers=[(name, text.encode()) for name, text in headers.items()],
            )
            await (producer.commit_transaction() if commits else producer.abort_transaction())
    return int(sent.offset) + 1


async def test_producers_of_all_languages_meet_on_the_right_partition_and_decode(reader: Reader) -> None:
    for language in LANGUAGES:
        producing = await reader.start(language, "produce")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            printed, complaint = await producing.communicate()
        assert (producing.returncode, printed.decode()) == (0, f"partition {RIGHT_PARTITION}\n"), complaint.decode()

    records = [record async for record in records_of(reader.servers, EVENTS, count=len(LANGUAGES))]
    events = [decode_event(record.headers, record.value) for record in records]
    assert {(record.key, record.partition) for record in records} == {(KEY, RIGHT_PARTITION)}
    assert [event.source for event in events] == [f"my-{language}-app" for language in LANGUAGES]
    assert {(event.tenant, event.client, event.type, event.dropped) for event in events} == {
        (examples.TENANT, examples.CLIENT, "habit.checked", ())
    }
    assert len({(event.id, event.data) for event in events}) == 1


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_consumer_shows_what_was_committed_and_remembers_it(
    language: str, reader: Reader, end_of_milestones: int
) -> None:
    consuming = await reader.start(language, "consume")
    assert consuming.stdout is not None
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            shown = [(await consuming.stdout.readline()).decode().strip() for _ in range(2)]
            await until_committed(reader.servers, f"my-{language}-subscriber", end_of_milestones)
    finally:
        if consuming.returncode is None:
            consuming.terminate()
        rest, complaint = await consuming.communicate()
    _, milestone = examples.milestone(REACHED)
    what = f"{KEY.decode()} {milestone['name']} {milestone['milestone_id']} 1"
    assert shown == [f"{REACHED} {what}", f"{RETRACTED} {what}"], complaint.decode()
    assert rest == b""


def test_the_key_of_the_examples_tells_partitioners_apart() -> None:
    """Else the test of the producers could not fail: the sign bit kept, and librdkafka's CRC32."""
    others = {murmur2(KEY) % 2**32 % PARTITIONS, zlib.crc32(KEY) % PARTITIONS}
    assert murmur2(KEY) & 0x80000000
    assert RIGHT_PARTITION not in others
    assert len(others) == 2


@pytest.mark.parametrize(
    ("partitioner", "is_right"), [("murmur2_random", True), ("consistent_random", False), (None, False)]
)
def test_librdkafka_needs_to_be_told_the_partitioner(reader: Reader, partitioner: str | None, is_right: bool) -> None:
    told = {} if partitioner is None else {"partitioner": partitioner}
    found: list[Any] = []
    producer = Producer({"bootstrap.servers": reader.servers, "client.id": "other", **told})
    # A topic that no other test reads: what lands on a wrong partition would be refused.
    producer.produce("coaching.dead-letters.v1", key=KEY, value=b"", on_delivery=lambda *said: found.append(said))
    producer.flush(_PATIENCE_SECONDS)
    ((error, message),) = found
    assert error is None
    assert (message.partition() == RIGHT_PARTITION) is is_right


async def records_of(servers: str, topic: str, *, count: int) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(_PATIENCE_SECONDS):
        for _ in range(count):
            yield await consumer.getone()


async def until_committed(servers: str, group: str, end: int) -> None:
    """Return when a group has handled the milestones of the examples' client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        while True:
            offsets = await admin.list_consumer_group_offsets(group)
            found = offsets.get(TopicPartition(MILESTONES, RIGHT_PARTITION))
            if found is not None and found.offset >= end:
                return
            await asyncio.sleep(0.1)
    finally:
        await admin.close()
