"""The background: the bench's load at a steady rate, from a process of its own.

    python -m tests.benchmarks.background KAFKA RATE SECONDS

Batches are made before the first leaves, so that what is timed does not wait for Python; then one a partition leaves
every few milliseconds, on schedule whether or not anything answers. "ready" on standard output says that it begins.
At the end it says how many events left, and by how much the last was late.
"""

import asyncio
import itertools
import json
import sys
import time
from typing import Any

from aiokafka import AIOKafkaProducer

from schemas.topics import EVENTS
from tests.benchmarks import load
from tests.benchmarks.stage import HEADERS, PARTITIONS

_STEP_SECONDS = 0.02
_STEADY_DAYS = 365
_GROWTH_EVENTS = 140_000  # the log's first weeks, in which the platform is still small

Step = dict[int, Any]
"""What leaves at one moment: a batch a partition."""


async def run(kafka: str, rate: float, seconds: float) -> tuple[int, float]:
    """Send; returns how many events left, and how many seconds the last step was late."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, max_batch_size=256 * 1024)
    async with producer:
        steps = _steps(producer, rate, seconds)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        began_at, late = time.monotonic(), 0.0
        for number, step in enumerate(steps):
            wait = began_at + number * _STEP_SECONDS - time.monotonic()
            late = max(0.0, -wait)
            await asyncio.sleep(wait)
            for partition, batch in step.items():
                await producer.send_batch(batch, EVENTS, partition=partition)
        await producer.flush()
    return sum(batch.record_count() for step in steps for batch in step.values()), late


def _steps(producer: AIOKafkaProducer, rate: float, seconds: float) -> list[Step]:
    log = load.log(steady_days=_STEADY_DAYS, partitions=PARTITIONS)
    said = itertools.islice(log, _GROWTH_EVENTS, None)
    steps: list[Step] = []
    for _ in range(round(seconds / _STEP_SECONDS)):
        step: Step = {}
        for sent in itertools.islice(said, round(rate * _STEP_SECONDS)):
            batch = step.setdefault(sent.partition, producer.create_batch())
            batch.append(key=sent.key, value=sent.value, timestamp=None, headers=HEADERS)
        steps.append(step)
    return steps


if __name__ == "__main__":
    events, late_seconds = asyncio.run(run(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))
    sys.stdout.write(json.dumps({"events": events, "late_seconds": round(late_seconds, 3)}) + "\n")
