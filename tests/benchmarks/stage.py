"""The stage: the servers that every figure is measured on, and its topics as a round begins with them.

Broker, database and mail sink are started as `cairn up` starts them, in a folder of their own. A round of
the tracker begins with an empty changelog, empty milestones and no committed offsets, over the same events.
"""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupIdNotFound,
    NoError,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.protocol.admin import DeleteGroupsRequest
from rich.console import Console

from agents import topics, up
from agents.embedded.ports import usable_port
from agents.settings import KafkaSettings
from agents.stack import Stack
from agents.startup_view import StartupView
from schemas.codec import STRUCTURED_CONTENT_TYPE
from schemas.topics import EVENTS, TOPICS
from tests.benchmarks.load import RULEBOOK, TENANT, Sent

PARTITIONS = 8
HEADERS = [("content-type", STRUCTURED_CONTENT_TYPE)]  # a list: aiokafka takes nothing else
_BATCH_BYTES = 256 * 1024
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running servers.

    Attributes:
        kafka: the broker's address.
        postgres: the database's.
        folder: where logs may be written.
        env: the environment that Cairn's processes get here.
        partitions: of each topic from the next `clear` on.
    """

    kafka: str
    postgres: str
    folder: Path
    env: Mapping[str, str]
    partitions: int = PARTITIONS

    @property
    def settings(self) -> KafkaSettings:
        """Kafka's settings as every process of Cairn gets them here."""
        return KafkaSettings(
            kafka_bootstrap_servers=self.kafka,
            partitions=self.partitions,
            replication_factor=1,
            min_insync_replicas=1,
        )

    def of(self, partitions: int) -> "Stage":
        """The same servers, with topics of another partition count from the next `clear` on."""
        return replace(self, partitions=partitions, env={**self.env, "CAIRN_PARTITIONS": str(partitions)})


@contextmanager
def servers(folder: Path, console: Console) -> Iterator[Stage]:
    """Start broker, database and mail sink with topics and schema, as `cairn up` does; stop them at the end."""
    view = StartupView(console)
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    probes = {f"CAIRN_{name}_PROBE_PORT": str(usable_port()) for name in ("TRACK", "DELIVER", "SERVE")}
    settings = {**foreign, **up.defaults(folder), **probes}  # another `cairn up` may want the ports that people expect
    with Stack(folder, view=view) as stack:
        with view:
            stack.start_servers(lambda: {**settings, **up.addresses(stack)})
        shutil.copy(RULEBOOK, folder / "tenants" / TENANT / "rulebook.yaml")
        yield Stage(
            kafka=stack.kafka.bootstrap_servers,
            postgres=stack.postgres.dsn,
            folder=folder,
            env={**settings, **up.addresses(stack)},
        )


async def fill(stage: Stage, log: Iterable[Sent], topic: str = EVENTS) -> dict[int, int]:
    """Append the log to an empty topic, that of events by default.

    Returns:
        The end offset of each partition.
    """
    producer = AIOKafkaProducer(bootstrap_servers=stage.kafka, max_batch_size=_BATCH_BYTES, enable_idempotence=True)
    await producer.start()
    try:
        return await _append(producer, log, topic, stage.partitions)
    finally:
        await producer.stop()


async def _append(producer: AIOKafkaProducer, log: Iterable[Sent], topic: str, partitions: int) -> dict[int, int]:
    batches = {partition: producer.create_batch() for partition in range(partitions)}
    ends = dict.fromkeys(batches, 0)

    async def send(partition: int) -> None:
        batch = batches[partition]
        batches[partition] = producer.create_batch()
        await producer.send_batch(batch, topic, partition=partition)

    for sent in log:
        record: dict[str, Any] = {"key": sent.key, "value": sent.value, "timestamp": None, "headers": HEADERS}
        if batches[sent.partition].append(**record) is None:
            await send(sent.partition)
            batches[sent.partition].append(**record)
        ends[sent.partition] += 1
    for partition in batches:
        await send(partition)
    await producer.flush()
    return ends


async def clear(stage: Stage, *, groups: Iterable[str], keep: Iterable[str] = ()) -> None:
    """Delete and create anew Cairn's topics, but for those to keep, and forget the groups' offsets."""
    kept = set(keep)
    admin = await _admin(stage)
    deleted = [topic.name for topic in TOPICS if topic.name not in kept]

    async def is_gone() -> bool:
        return set(deleted).isdisjoint(await admin.list_topics())

    try:
        for group in groups:
            await until_done(partial(_forget, admin, group))
        await admin.delete_topics(deleted)
        await until_done(is_gone)  # a busy broker goes on showing them, and they would be missing later
    finally:
        await admin.close()

    async def is_provisioned() -> bool:
        differences = await topics.compare(stage.settings)
        try:
            await topics.apply(stage.settings, differences)
        except topics.TopicsRefusedError:  # the broker still deletes the topic of that name
            return False
        return all(difference.is_empty for difference in differences)  # looked at once more after they were created

    await until_done(is_provisioned)


async def create(stage: Stage, *names: str) -> None:
    """Create topics that belong to a peer."""
    admin = await _admin(stage)
    try:
        answer = await admin.create_topics(
            [NewTopic(name=name, num_partitions=stage.partitions, replication_factor=1) for name in names]
        )
    finally:
        await admin.close()
    for _, code, *_ in answer.topic_errors:
        if for_code(code) not in (NoError, TopicAlreadyExistsError):
            raise for_code(code)


async def forget(stage: Stage, part: str) -> None:
    """Delete the topics with a word in their name: a peer's and its changelog, which nobody shall compact later."""
    admin = await _admin(stage)
    try:
        await admin.delete_topics([name for name in await admin.list_topics() if part in name])
    finally:
        await admin.close()


async def read_all(stage: Stage, topic: str) -> list[Any]:
    """Every committed record of a topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=stage.kafka, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(stage.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[Any] = []
        for partition in partitions:
            consumer.seek(partition, 0)
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for chunk in (await consumer.getmany(timeout_ms=200)).values():
                records += chunk
        return records
    finally:
        await consumer.stop()


async def _admin(stage: Stage) -> AIOKafkaAdminClient:
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.kafka)
    await admin.start()
    return admin


async def _forget(admin: AIOKafkaAdminClient, group: str) -> bool:
    """Delete a group, once its last member has left; aiokafka's client has no method for it."""
    try:
        coordinator = await admin.find_coordinator(group)
    except GroupCoordinatorNotAvailableError:  # the first group of a broker waits for its topic
        return False
    answer = await admin._send_request(DeleteGroupsRequest([group]), coordinator)
    return for_code(answer.results[0][1]) in (NoError, GroupIdNotFound)


async def until_done(step: Callable[[], Awaitable[bool]]) -> None:
    """Repeat a step of which nobody gives notice when it is complete.

    Raises:
        TimeoutError: it was not complete after 30 s.
    """
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await step():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.2)
