"""Events per second of the engine alone, with logic that only counts.

`python tests/benchmarks/engine_throughput.py [EVENTS]` uses the broker of CAIRN_TEST_KAFKA,
or starts one. Ratios matter, not the absolutes.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
import uuid
from pathlib import Path
from struct import Struct
from typing import Any

import uvloop
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from agents.embedded.kafka import EmbeddedKafka
from agents.engine.app import EngineApp, tracker_app
from agents.engine.config import EngineConfig
from agents.engine.logic import Folded, Output, Record, Rules
from agents.engine.serving import serve

_PARTITIONS = 8
_CLIENTS = 10_000
_LIMIT_SECONDS = 300
_COUNT = Struct(">q")
_EVENT = (
    b'{"specversion":"1.0","type":"session.completed","source":"acuity","id":"%012d","subject":"client-%05d",'
    b'"time":"2026-05-05T09:00:00+00:00","tenantid":"studio","data":{"session_id":"acuity:1:%012d"}}'
)


class Counting:
    """Counts per key; every hundredth record is published."""

    def __init__(self, output: str) -> None:
        self._output = output

    def decode(self, key: bytes, body: bytes) -> int:  # noqa: ARG002 - the protocol's
        return int(_COUNT.unpack(body)[0])

    def encode(self, state: int) -> bytes:
        return _COUNT.pack(state)

    def fold(self, state: int | None, topic: str, record: Record, now_ms: int, rules: None) -> Folded[int]:  # noqa: ARG002 - the protocol's
        after = (state or 0) + 1
        if after % 100:
            return Folded(state=after)
        return Folded(state=after, outputs=(Output(topic=self._output, key=record.key, value=b"%d" % after),))

    def tick(self, state: int, now_ms: int, rules: None) -> tuple[int, tuple[Output, ...]]:  # noqa: ARG002 - the protocol's
        return state, ()

    def next_deadline(self, state: int) -> None:  # noqa: ARG002 - the protocol's
        return None

    def is_outdated(self, key: bytes, body: bytes, rules: None) -> bool:  # noqa: ARG002 - the protocol's
        return False


async def measure(servers: str, events: int) -> dict[str, float]:
    """Fill a topic, fold it from the start, and return the figures."""
    config = await _filled(servers, events)
    app: EngineApp = tracker_app(
        config,
        Counting(config.output_topics[0]),
        rules=lambda: Rules(versions={}, value=None),
        wall_ms=lambda: int(time.time() * 1_000),
    )
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(app, stop))
    while not app.ownership.ready:  # noqa: ASYNC110 - sampled from outside
        await asyncio.sleep(0.001)
    started, used = time.monotonic(), _cpu_seconds()
    while _done(app) < events and time.monotonic() < started + _LIMIT_SECONDS and not serving.done():  # noqa: ASYNC110 - sampled
        await asyncio.sleep(0.01)
    seconds, cpu = time.monotonic() - started, _cpu_seconds() - used
    stop.set()
    await serving
    return {"events_per_second": events / seconds, "cpu_microseconds_per_event": cpu / events * 1e6, "seconds": seconds}


def _done(app: EngineApp) -> int:
    bookmarks = (states.bookmark for states in app.tables["states"].data.partitions.values())
    return sum(bookmark.next_offsets.get(app.engine_config.source_topics[0], 0) for bookmark in bookmarks if bookmark)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _filled(servers: str, events: int) -> EngineConfig:
    name = f"throughput-{uuid.uuid4().hex[:8]}"
    topics = {kind: f"{name}.{kind}" for kind in ("events", "changelog", "milestones", "dead")}
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    settings: dict[str, Any] = {"message.timestamp.type": "LogAppendTime"}
    await admin.create_topics([NewTopic(topic, _PARTITIONS, 1, topic_configs=settings) for topic in topics.values()])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=servers, linger_ms=20, max_batch_size=500_000)
    await producer.start()
    for number in range(events):
        client = number * 7919 % _CLIENTS
        await producer.send(topics["events"], _EVENT % (number, client, number), b"studio/client-%05d" % client)
    await producer.stop()
    return EngineConfig(
        app_id=name,
        bootstrap_servers=servers,
        source_topics=(topics["events"],),
        partitions=_PARTITIONS,
        changelog_topic=topics["changelog"],
        dead_letter_topic=topics["dead"],
        output_topics=(topics["milestones"],),
    )


def main() -> None:
    """Print the figures."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        broker = None
        servers = os.environ.get("CAIRN_TEST_KAFKA", "")
        if not servers:
            broker = EmbeddedKafka(Path(folder))
            broker.start()
            servers = broker.bootstrap_servers
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                figures = runner.run(measure(servers, events))
        finally:
            if broker is not None:
                broker.stop()
    for name, figure in figures.items():
        sys.stdout.write(f"{name}: {figure:,.1f}\n")


if __name__ == "__main__":
    main()
