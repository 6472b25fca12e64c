"""What every fault test needs: topics of its own, records in, workers to hurt, and an independent checker."""

import asyncio
import json
import os
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError

WORKER = Path(__file__).with_name("worker.py")
ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 45.0
LOG_APPEND = {"message.timestamp.type": "LogAppendTime"}


@dataclass(eq=False)
class Worker:
    """A worker process, what it said so far, and its log."""

    process: asyncio.subprocess.Process
    steps: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    async def start(cls, settings: Mapping[str, Any]) -> "Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(WORKER),
            json.dumps(settings),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        worker = cls(process)
        worker._tasks = [asyncio.create_task(worker._steps()), asyncio.create_task(worker._log())]
        return worker

    async def _steps(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.steps.append(json.loads(line))

    async def _log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log.append(line.decode())

    def said(self, step: str) -> list[dict[str, Any]]:
        return [said for said in self.steps if said["step"] == step]

    async def until(self, step: str, times: int = 1) -> None:
        await until(lambda: len(self.said(step)) >= times or self.process.returncode is not None, f"{step} x{times}")
        assert len(self.said(step)) >= times, f"the worker ended without {step!r}:\n{self.text}"

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_SECONDS):
            status = await self.process.wait()
            await asyncio.gather(*self._tasks)
        return status

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()

    @property
    def text(self) -> str:
        return "".join(self.log[-40:]) + "\n".join(map(str, self.steps[-20:]))


async def until(true: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE_SECONDS} s for {what}")
        await asyncio.sleep(0.02)


class Stage:
    """Topics of one test, and everything that happens on them."""

    def __init__(self, bootstrap_servers: str, partitions: int = 4) -> None:
        self.name = f"engine-{uuid.uuid4().hex[:8]}"
        self.bootstrap_servers = bootstrap_servers
        self.partitions = partitions
        topic = f"{self.name}.".__add__
        self.events, self.clients, self.changelog = topic("events"), topic("clients"), topic("changelog")
        self.milestones, self.dead_letters = topic("milestones"), topic("dead-letters")
        self.expected: Counter[bytes] = Counter()
        self.workers: list[Worker] = []

    async def open(self) -> None:
        self.admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await self.admin.start()
        self.producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap_servers, linger_ms=2, max_batch_size=65_536)
        await self.producer.start()
        await self.create(self.events, LOG_APPEND)
        await self.create(self.clients, LOG_APPEND)
        await self.create(self.changelog, {"cleanup.policy": "compact"})
        await self.create(self.milestones, {})
        await self.create(self.dead_letters, {}, partitions=2)

    async def create(self, topic: str, settings: Mapping[str, str], partitions: int | None = None) -> None:
        count = partitions or self.partitions
        await self.admin.create_topics([NewTopic(topic, count, 1, topic_configs=dict(settings))])
        while len(await self.producer.partitions_for(topic)) < count:  # noqa: ASYNC110 - the broker gives no event
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        for worker in self.workers:
            await worker.kill()
        await self.producer.stop()
        await self.admin.close()

    async def worker(self, hurt: Mapping[str, Any] | None = None, **settings: Any) -> Worker:
        config = {
            "app_id": self.name,
            "bootstrap_servers": self.bootstrap_servers,
            "source_topics": [self.clients, self.events],
            "partitions": self.partitions,
            "changelog_topic": self.changelog,
            "dead_letter_topic": self.dead_letters,
            "output_topics": [self.milestones],
            "session_timeout_ms": 6_000,
            "heartbeat_interval_ms": 500,
            "transaction_timeout_ms": 5_000,
            "max_batch_records": 200,
            **settings.pop("config", {}),
        }
        worker = await Worker.start({"config": config, "hurt": hurt or {}, **settings})
        self.workers.append(worker)
        return worker

    async def send(self, records: int, keys: int = 100, value: bytes = b"x", topic: str | None = None) -> None:
        """Send records that count, spread over keys, and wait until the broker has them."""
        for number in range(records):
            key = b"t/%d" % (number % keys)
            await self.producer.send(topic or self.events, key=key, value=value)
            self.expected[key] += 1_000_000 if topic == self.clients else 1
        await self.producer.flush()

    async def read(self, topic: str, isolation: str = "read_committed") -> list[Any]:
        """Every record of a topic, in order per partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers, isolation_level=isolation, enable_auto_commit=False
        )
        await consumer.start()
        try:
            tps = [TopicPartition(topic, number) for number in sorted(await self.producer.partitions_for(topic))]
            ends = await consumer.end_offsets(tps)
            consumer.assign(tps)
            for tp in tps:
                consumer.seek(tp, 0)
            found = []
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found.extend(records)
            return found
        finally:
            await consumer.stop()

    async def counters(self) -> dict[bytes, dict[str, Any]]:
        """The states as the changelog says."""
        latest = {record.key: record.value for record in await self.read(self.changelog)}
        head = 1 + 8 + 2 * 8
        return {key: json.loads(value[head:]) for key, value in latest.items() if value and not key.startswith(b"\0")}

    async def caught_up(self) -> None:
        """Wait until the group has committed everything."""
        tps = [
            TopicPartition(topic, number) for topic in (self.events, self.clients) for number in range(self.partitions)
        ]
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap_servers, isolation_level="read_committed")
        await consumer.start()
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                ends = {tp: end for tp, end in (await consumer.end_offsets(tps)).items() if end}
                try:
                    committed = await self.admin.list_consumer_group_offsets(self.name, partitions=tps)
                except GroupCoordinatorNotAvailableError:  # a new broker makes its offsets topic first
                    committed = {}
                behind = {tp: end for tp, end in ends.items() if tp not in committed or committed[tp].offset < end}
                if not behind:
                    return
                if time.monotonic() > deadline:
                    raise AssertionError(
                        f"still behind: {behind}\n" + "\n".join(worker.text for worker in self.workers)
                    )
                await asyncio.sleep(0.05)
        finally:
            await consumer.stop()

    async def assert_exact(self, milestones: Sequence[Any] | None = None) -> None:
        """Compare outputs and counters with what was sent: none missing, none twice, every counter right."""
        counted = {key: state["count"] for key, state in (await self.counters()).items()}
        assert counted == dict(self.expected)
        found = Counter(
            (record.key, json.loads(record.value)["count"] % 1_000_000)
            for record in (milestones or await self.read(self.milestones))
            if record.key not in {b"lapse", b"renewed"}
        )
        wanted = Counter(
            (key, ten) for key, count in self.expected.items() for ten in range(10, count % 1_000_000 + 1, 10)
        )
        assert found == wanted
