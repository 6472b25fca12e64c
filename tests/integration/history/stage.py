"""What the tests of a history's commands share: the topics, events in, and the command as a process."""

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from agents import topics
from agents.embedded.ports import usable_port
from agents.kafka import client_options
from agents.settings import KafkaSettings
from agents.stored_state import read_stored
from agents.topic_reader import PlacedRecord, open_reader
from schemas.milestone import Milestone
from schemas.milestone_codec import decode_milestone
from schemas.topics import CLIENTS, EVENTS, MILESTONES, STATE_CHANGELOG

CAIRN = Path(sys.executable).with_name("cairn")
PARTITIONS = 3
TENANT = (
    "{name: Practice, timezone: UTC, sender: {from_name: P, from_address: hello@practice.example.org}, sources: []}"
)
COACHES = "coaches: [{id: mara, name: Mara Lind, email: mara@example.org}]"
STRUCTURED = (("content-type", b"application/cloudevents+json"),)


class Said(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def habit(client: str, day: int, *, tenant: str, **more: Any) -> dict[str, Any]:
    """A habit that was checked on a day of May 2026."""
    return {
        "specversion": "1.0", "id": f"{client}-{day}", "source": "app", "type": "habit.checked", "subject": client,
        "tenantid": tenant, "time": f"2026-05-{day:02}T07:00:00Z", "data": {"habit_id": "run"}, **more,
    }  # fmt: skip


class Stage:
    """The topics, a tenant of this test alone, and what happens on them."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.settings = KafkaSettings(
            kafka_bootstrap_servers=bootstrap_servers, partitions=PARTITIONS, replication_factor=1
        )
        self.options = client_options(self.settings)
        self.tenant = f"t-{uuid.uuid4().hex[:8]}"

    async def open(self) -> None:
        await topics.apply(self.settings, await topics.compare(self.settings))
        self.producer = AIOKafkaProducer(**self.options)
        await self.producer.start()

    async def close(self) -> None:
        await self.producer.stop()

    async def send(self, topic: str, key: str, value: bytes | None, headers: Any = ()) -> None:
        await self.producer.send_and_wait(topic, key=key.encode(), value=value, headers=list(headers))

    async def event(self, event: dict[str, Any]) -> None:
        key = f"{event['tenantid']}/{event['subject']}"
        await self.send(EVENTS, key, json.dumps(event).encode(), STRUCTURED)

    async def profile(self, client: str, profile: dict[str, Any] | None) -> None:
        value = None if profile is None else json.dumps(profile).encode()
        await self.send(CLIENTS, f"{self.tenant}/{client}", value)

    async def records(self, topic: str) -> list[PlacedRecord]:
        """What stands in a topic about this test's tenant."""
        async with open_reader(self.options) as reader:
            found = [record async for record in reader.records(await reader.spans(topic))]
        return [record for record in found if (record.key or b"").startswith(f"{self.tenant}/".encode())]

    async def start(self, *arguments: object, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            str(CAIRN),
            *map(str, arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # who runs tests behind & has it ignored
            env={
                **os.environ,
                "CAIRN_KAFKA_BOOTSTRAP_SERVERS": self.settings.kafka_bootstrap_servers,
                **environment,
            },
        )

    @asynccontextmanager
    async def tracker(self, tenants: Path, rulebook: str | None = None) -> AsyncIterator[None]:
        """`cairn track`, while the block runs; `rulebook` is the tenant's own."""
        folder = tenants / self.tenant
        folder.mkdir()
        (folder / "tenant.yaml").write_text(TENANT)
        (folder / "coaches.yaml").write_text(COACHES)
        if rulebook is not None:
            (folder / "rulebook.yaml").write_text(rulebook)
        environment = {
            "CAIRN_PARTITIONS": str(PARTITIONS),
            "CAIRN_TENANTS_DIR": str(tenants),
            "CAIRN_SECRETS_DIR": str(tenants),
            "CAIRN_TRACK_PROBE_PORT": str(usable_port()),
        }
        process = await self.start("track", **environment)
        try:
            yield
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()

    async def milestones(self) -> list[Milestone]:
        """What subscribers have heard of this test's tenant."""
        return [decode_milestone(record.headers, record.value or b"") for record in await self.records(MILESTONES)]

    async def told(self, rule: str, kind: str) -> Milestone:
        """Wait for the first milestone of a rule and type."""
        async with asyncio.timeout(60):
            while True:
                for milestone in await self.milestones():
                    if (milestone.rule, milestone.type) == (rule, kind):
                        return milestone
                await asyncio.sleep(0.2)

    async def tracked(self, client: str, events: int) -> None:
        """Wait until the tracker has applied so many events of a client."""
        key = f"{self.tenant}/{client}".encode()
        async with asyncio.timeout(60):
            while True:
                sent = sum(record.key == key for record in await self.records(EVENTS))
                states = [record.value for record in await self.records(STATE_CHANGELOG) if record.key == key]
                last = max((r.offset for r in await self.records(EVENTS) if r.key == key), default=-1)
                if sent >= events and states and read_stored(key, states[-1]).applied[EVENTS] >= last:
                    return
                await asyncio.sleep(0.2)

    async def cairn(self, *arguments: object, **environment: str) -> Said:
        """Run a command to its end."""
        process = await self.start(*arguments, **environment)
        out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode(), err.decode())
