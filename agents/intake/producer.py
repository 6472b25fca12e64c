"""The producer: every record of the intake is acknowledged by Kafka, or by the spool's disk.

It must never say done before one of the two has the record, nor let a new record overtake a
spooled one: a client's newest profile wins, so order is part of being right.

Theory of operation: records go straight to Kafka (acks=all, idempotent, murmur2 as the Java
client has it) while a connection lives and the spool is empty; otherwise to the spool. One task
connects, empties the spool in order, and does so again whenever a send has failed or the spool
has filled. Under load there is always one more record in the spool: each batch leaves less in it,
until it leaves what came in meanwhile. Then new records wait while the rest is sent, and go
straight to Kafka behind it. If that takes longer than they would wait for Kafka, they go to the
spool again, and wait again after a batch: whoever fills it faster than Kafka reads is slowed down.
When one delivery has waited too long, all that wait on the connection give it up
with it, for each of them holds up a hook. A failed connection is thrown away whole: the batches
that it still held stand in the spool, and a new one starts with a clean sequence.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from agents.intake.outgoing import Outgoing
from agents.intake.spool import Spool, SpoolDamaged

_FIRST_BACKOFF_SECONDS = 0.1
_LAST_BACKOFF_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_CONNECT_SECONDS = 6.0
_DRAIN_SECONDS = 30.0  # nobody waits for it, and a megabyte is many requests
_DAMAGED = "look after the disk; the next start sets the spool's file aside and sends every record in it that is whole"

PRODUCE_SECONDS = 1.5
"""Much longer than an acknowledgement takes, and short beside the time for which a vendor waits."""

_log = structlog.get_logger()


class Producer:
    """Delivers records to Kafka or, while it is away, to the spool.

    Args:
        options: how to reach Kafka, as `agents.kafka.client_options` gives it.
        spool: opened and closed by this object.
        produce_seconds: how long one delivery waits for Kafka before it takes the spool.
    """

    def __init__(self, options: Mapping[str, Any], spool: Spool, *, produce_seconds: float = PRODUCE_SECONDS) -> None:
        self._options = options
        self._spool = spool
        self._produce_seconds = produce_seconds
        self._live: AIOKafkaProducer | None = None
        self._waiting: set[asyncio.Timeout] = set()
        self._attention = asyncio.Event()
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def is_live(self) -> bool:
        """Records go straight to Kafka."""
        return self._live is not None and self._spool.is_empty

    @property
    def can_take(self) -> bool:
        """Records are taken: by Kafka, or by a spool that has room."""
        return self.is_live or self._spool.has_room

    @property
    def spooled_bytes(self) -> int:
        """How much waits on the disk."""
        return self._spool.size_bytes

    async def open(self) -> None:
        """Open the spool; from here on records are taken.

        Raises:
            spool_file.SpoolInUse: another process has the spool's folder.
        """
        await asyncio.to_thread(self._spool.open)

    def close(self) -> None:
        """Close the spool; what stands in it is sent after the next start."""
        self._spool.close()

    async def run(self) -> None:
        """Connect and empty the spool, for ever: a broker that is away is waited for.

        Raises:
            SpoolDamaged: what stands in the spool cannot be read; the next `open` puts that right.
        """
        backoff_seconds = _FIRST_BACKOFF_SECONDS
        while True:
            producer = AIOKafkaProducer(**self._options, acks="all", enable_idempotence=True)
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await producer.start()
                await self._drain(producer)
                self._live = producer
                _log.info("kafka_connected")
                backoff_seconds = _FIRST_BACKOFF_SECONDS
                await self._attend(producer)
            except (TimeoutError, KafkaError, OSError) as error:
                _log.warning("kafka_waited_for", error_type=type(error).__name__, seconds=backoff_seconds)
            except SpoolDamaged:
                _log.error("spool_unreadable", hint=_DAMAGED)
                raise
            finally:
                self._live = None
                await _abandon(producer)
            await asyncio.sleep(backoff_seconds)
            backoff_seconds = min(2 * backoff_seconds, _LAST_BACKOFF_SECONDS)

    async def deliver(self, records: Sequence[Outgoing]) -> None:
        """Returns once Kafka, or the spool's disk, has all of the records.

        Raises:
            SpoolFull: Kafka is away and the spool has no room.
            MessageSizeTooLargeError: a record that Kafka would never take.
            OSError: Kafka is away and the disk refuses.
        """
        await self._flowing.wait()
        live = self._live
        if live is not None and self._spool.is_empty:
            try:
                await self._send(live, records, self._produce_seconds)
            except MessageSizeTooLargeError:
                raise
            except (TimeoutError, KafkaError) as error:
                _log.warning("kafka_away", error_type=type(error).__name__, hint="records go to the spool")
                if self._live is live:
                    self._live = None
                    self._give_up()
            else:
                return
        try:
            await self._spool.append(records)
        finally:
            self._attention.set()

    async def _send(self, producer: AIOKafkaProducer, records: Sequence[Outgoing], seconds: float) -> None:
        async with asyncio.timeout(seconds) as limit:
            self._waiting.add(limit)
            try:
                sent = [
                    await producer.send(record.topic, value=record.value, key=record.key, headers=list(record.headers))
                    for record in records
                ]
                await asyncio.gather(*sent)
            finally:
                self._waiting.discard(limit)

    def _give_up(self) -> None:
        now = asyncio.get_running_loop().time()
        for limit in self._waiting:
            if not limit.expired():
                limit.reschedule(now)

    async def _attend(self, producer: AIOKafkaProducer) -> None:
        """Empty the spool whenever it fills; returns when this connection has failed."""
        while True:
            await self._attention.wait()
            self._attention.clear()
            if self._live is not producer:
                return
            await self._drain(producer)

    async def _drain(self, producer: AIOKafkaProducer) -> None:
        while not self._spool.is_empty:
            await self._catch_up(producer)
            await self._hand_over(producer)

    async def _catch_up(self, producer: AIOKafkaProducer) -> None:
        """Send from the spool while new records go into it, until a batch leaves no less than it found."""
        before = math.inf
        while 0 < (left := self._spool.unread_bytes) < before:
            before = left
            await self._send_spooled(producer)

    async def _hand_over(self, producer: AIOKafkaProducer) -> None:
        """Send the rest and empty the spool while new records wait, which they do no longer than for Kafka."""
        self._flowing.clear()
        at_latest = asyncio.get_running_loop().call_later(self._produce_seconds, self._flowing.set)
        try:
            while not (self._spool.is_empty or self._flowing.is_set()):
                if self._spool.unread_bytes:
                    await self._send_spooled(producer)
                else:
                    await self._spool.clear_if_read()
        finally:
            at_latest.cancel()
            self._flowing.set()

    async def _send_spooled(self, producer: AIOKafkaProducer) -> None:
        batch = self._spool.next_batch()
        await self._send(producer, batch, _DRAIN_SECONDS)
        self._spool.advance()
        _log.info("spool_read", records=len(batch))


async def _abandon(producer: AIOKafkaProducer) -> None:
    """End a connection at once, and with it the batches that it holds.

    `AIOKafkaProducer.stop` waits for every batch, and those of an idempotent producer never
    expire: it would go on sending for ever, and out of order with the spool that has them too.
    """
    producer._closed = True  # noqa: SLF001 - there is no public way to give up; the version is pinned
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer._sender.close()  # noqa: SLF001 - as above
            await producer.client.close()
    except (TimeoutError, KafkaError, OSError) as error:
        _log.warning("kafka_not_closed", error_type=type(error).__name__)
