"""The process that sends the load, at its pace, until it is asked to stop; then it says what was acknowledged.

    python -m tests.chaos.producer '{"kafka": ..., "rate": ..., "told": ..., "shape": {...}}'

Events leave on schedule whether or not anybody keeps up, and what a broker that was away has missed is sent when
it is back. Nothing is given up: a record that was not acknowledged in three minutes ends the process with an error.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from tests.chaos.load import Said, Shape, stream

_EVENTS, _CLIENTS = "coaching.events.v1", "coaching.clients.v1"
_STRUCTURED = [("content-type", b"application/cloudevents+json")]
_TICK_SECONDS = 0.05
_BATCH_BYTES = 128 * 1024
_PATIENCE_MS = 180_000
_MOST_WAITING = 2_000
_MOST_BEHIND = 4_000  # records that are caught up in one tick


class Producer:
    """Sends a stream.

    Args:
        producer: started.
        partitions: of the events topic.
        rate: events a second.
        said: what to send.
    """

    def __init__(self, producer: AIOKafkaProducer, partitions: int, rate: float, said: Iterator[Said]) -> None:
        self._producer = producer
        self._rate = rate
        self._said = said
        self._waiting: set[asyncio.Task[None]] = set()
        self._batches: dict[int, Any] = {}
        self._partition_of = lru_cache(10_000)(lambda key: int(murmur2(key) & 0x7FFFFFFF) % partitions)
        self.acknowledged = 0
        self.seconds = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set and everything is acknowledged."""
        began_at, sent = time.monotonic(), 0
        while not stop.is_set():
            due = min(int((time.monotonic() - began_at + 2 * _TICK_SECONDS) * self._rate) - sent, _MOST_BEHIND)
            for _ in range(due):
                await self._put(next(self._said))
            sent += max(due, 0)
            await self._send_all()
            await asyncio.sleep(_TICK_SECONDS)
        self.seconds = time.monotonic() - began_at
        await asyncio.gather(*self._waiting)

    async def _put(self, said: Said) -> None:
        if said.profile:  # known before the client's first event
            await self._producer.send_and_wait(_CLIENTS, key=said.key, value=said.value)
            return
        partition = self._partition_of(said.key)
        record: dict[str, Any] = {"key": said.key, "value": said.value, "timestamp": None, "headers": _STRUCTURED}
        batch = self._batches.setdefault(partition, self._producer.create_batch())
        if batch.append(**record) is None:
            await self._send(partition)
            self._batches[partition] = self._producer.create_batch()
            self._batches[partition].append(**record)

    async def _send_all(self) -> None:
        for partition in tuple(self._batches):
            await self._send(partition)

    async def _send(self, partition: int) -> None:
        batch = self._batches.pop(partition)
        future = await self._producer.send_batch(batch, _EVENTS, partition=partition)
        task = asyncio.create_task(self._acknowledged(batch.record_count(), future))
        self._waiting.add(task)
        if len(self._waiting) > _MOST_WAITING:
            await asyncio.wait(self._waiting, return_when=asyncio.FIRST_COMPLETED)
        self._reap()

    def _reap(self) -> None:
        for task in [task for task in self._waiting if task.done()]:
            self._waiting.discard(task)
            task.result()  # what was not acknowledged ends the process

    async def _acknowledged(self, records: int, future: asyncio.Future[Any]) -> None:
        await future
        self.acknowledged += records


async def main(settings: dict[str, Any]) -> dict[str, float]:
    """Send until SIGTERM; returns how many records were acknowledged, and for how long they were sent."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    kafka = AIOKafkaProducer(
        bootstrap_servers=settings["kafka"],
        enable_idempotence=True,
        max_batch_size=_BATCH_BYTES,
        request_timeout_ms=_PATIENCE_MS,
    )
    async with kafka:
        partitions = len(await kafka.partitions_for(_EVENTS))
        sending = Producer(kafka, partitions, settings["rate"], stream(Shape(**settings["shape"])))
        await sending.run(stop)
    return {"acknowledged": sending.acknowledged, "seconds": sending.seconds}


if __name__ == "__main__":
    said = json.loads(sys.argv[1])
    Path(said["told"]).write_text(json.dumps(asyncio.run(main(said))))
