"""The thread in which aiokafka's consumer lives, handing out whole chunks with their exact offset range.

Must never read a position with an await between it and the chunk it belongs to, take from a partition whose pipe has
no room, or read what is not committed.

Theory of operation: chunks are taken from aiokafka's fetch buffers in this thread, the position read before and after;
records stay what the C reader yields. Seeks run here in one step too, and only while the generation lasts that they
were meant for.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.engine.batch import Batch
from agents.engine.config import EngineConfig
from agents.engine.errors import RecordsLostError
from agents.engine.raw_records import leave_raw

log = structlog.get_logger(__name__)

_STOP_POLL_SECONDS = 0.1
_NO_TIMEOUT_MS = 86_400_000  # progress is watched by /livez, not by aiokafka's idle timer


class BatchThread(driver.AIOKafkaConsumerThread):
    """The thread in which aiokafka's consumer lives."""

    consumer: Any

    def __post_init__(self) -> None:
        """Called by Faust's service constructor."""
        super().__post_init__()
        self._room = asyncio.Event()  # a pipe has room again; belongs to the thread's loop

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the main loop retire pipes; once the process stops, nobody there would answer."""
        await self._unless_stopping(super().on_partitions_revoked(revoked))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Let the main loop own the assignment; once the process stops, nobody there would answer."""
        await self._unless_stopping(super().on_partitions_assigned(assigned, generation_id))

    async def _unless_stopping(self, callback: Awaitable[None]) -> None:
        answer = asyncio.ensure_future(callback)
        while not answer.done() and not self.consumer.app.stopping:
            await asyncio.wait({answer}, timeout=_STOP_POLL_SECONDS)
        if answer.done():
            answer.result()
        else:
            answer.cancel()

    def wake(self) -> None:
        """Look at the fetch buffers again; called from the main loop."""
        if not self.thread_loop.is_closed():
            self.thread_loop.call_soon_threadsafe(self._room.set)

    def member_generation(self) -> int:
        """Return the generation of the group as the member itself knows it, negative outside of one."""
        consumer = self._consumer
        return -1 if consumer is None or consumer._coordinator is None else consumer._coordinator.generation  # noqa: SLF001 - pinned

    async def seek_all(
        self, positions: Mapping[TopicPartition, int], idle: frozenset[TopicPartition], generation: int
    ) -> bool:
        """Seek, in one step and only while the generation lasts; tell whether it did.

        Args:
            positions: Where to read on.
            idle: Assigned partitions that are never read, the changelog's.
            generation: The generation whose assignment this is.
        """
        return bool(await self.call_thread(self._seek_all, positions, idle, generation))

    async def _seek_all(
        self, positions: Mapping[TopicPartition, int], idle: frozenset[TopicPartition], generation: int
    ) -> bool:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        if self.member_generation() != generation or not (positions.keys() | idle) <= assigned:
            return False
        for tp in idle:
            consumer.pause(tp)
            consumer.seek(tp, 0)
        for tp, offset in positions.items():
            consumer.seek(tp, offset)
        return True

    def positions(self) -> dict[TopicPartition, tuple[int, int | None, int | None, int | None]]:
        """Return position, last stable offset, high watermark and time of the last fetch (epoch ms) as sampled now."""
        consumer = self._consumer
        subscription = None if consumer is None else consumer._subscription.subscription  # noqa: SLF001 - pinned
        assignment = None if subscription is None else subscription.assignment
        if assignment is None:
            return {}
        states = {tp: assignment.state_value(tp) for tp in assignment.tps}
        return {
            tp: (state.position, state.lso, state.highwater, state.timestamp)
            for tp, state in states.items()
            if state.has_valid_position
        }

    def broken(self) -> str | None:
        """Tell what in this thread has ended, or None while all of it runs."""
        consumer = self._consumer
        if self._thread is not None and not self._thread.is_alive():
            return "the consumer thread ended"
        if consumer is None or consumer._coordinator is None:  # noqa: SLF001 - pinned
            return None
        parts = {
            "group coordination": consumer._coordinator._coordination_task,  # noqa: SLF001 - pinned
            "fetching": consumer._fetcher._fetch_task,  # noqa: SLF001 - pinned
        }
        for name, task in parts.items():
            if task.done():
                return f"{name} ended: {task!r}"
        pending = consumer._coordinator._pending_exception  # noqa: SLF001 - pinned
        return None if pending is None else f"the group refused us: {pending!r}"

    async def fetch(self, seconds: float) -> list[Batch]:
        """Return what has been fetched for the partitions that have room, waiting up to `seconds` for it."""
        return list(await self.call_thread(self._fetch, seconds))

    async def _fetch(self, seconds: float) -> list[Batch]:
        consumer = self._ensure_consumer()
        fetcher = consumer._fetcher  # noqa: SLF001 - pinned
        if consumer._closed or fetcher._closed:  # noqa: SLF001 - pinned
            raise ConsumerStoppedError
        self._room.clear()
        # Without this context aiokafka believes that nobody reads, and leaves the group after max_poll_interval.
        with consumer._subscription.fetch_context():  # noqa: SLF001 - pinned
            return await self._wait_and_drain(consumer, seconds)

    async def _wait_and_drain(self, consumer: AIOKafkaConsumer, seconds: float) -> list[Batch]:
        fetcher = consumer._fetcher  # noqa: SLF001 - pinned
        batches = self._drain(consumer)
        if not batches:
            waiter = fetcher._create_fetch_waiter()  # noqa: SLF001 - pinned
            room = asyncio.ensure_future(self._room.wait())
            await asyncio.wait({waiter, room}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            room.cancel()
            waiter.cancel()
            batches = self._drain(consumer)
        return batches

    def _drain(self, consumer: AIOKafkaConsumer) -> list[Batch]:
        subscriptions = consumer._subscription  # noqa: SLF001 - pinned
        if not self.consumer.flow_active or subscriptions.reassignment_in_progress:
            return []
        buffered = consumer._fetcher._records  # noqa: SLF001 - pinned
        topics = self.consumer.config.source_topics
        order = sorted((topics.index(tp.topic), tp) for tp in buffered if tp.topic in topics)
        return [
            batch
            for _, tp in order
            if self.consumer.wants(tp.topic, tp.partition) and (batch := self._take(consumer, tp))
        ]

    def _take(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> Batch | None:
        fetcher = consumer._fetcher  # noqa: SLF001 - pinned
        state = consumer._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001 - pinned
        result = fetcher._records[tp]  # noqa: SLF001 - pinned
        if type(result) is not FetchResult:
            self._drop(fetcher, tp)
            _raise(tp, result)
            return None
        if state is None or not state.has_valid_position:
            self._drop(fetcher, tp)
            return None
        leave_raw(result)
        start = state.position
        records = result.getall(self.consumer.config.max_batch_records)
        end = state.position
        if not result.has_more():
            self._drop(fetcher, tp)
        return (
            Batch(topic=tp.topic, partition=tp.partition, start=start, end=end, records=records)
            if end > start
            else None
        )

    @staticmethod
    def _drop(fetcher: Any, tp: TopicPartition) -> None:
        del fetcher._records[tp]  # noqa: SLF001 - pinned
        fetcher._notify(fetcher._wait_consume_future)  # noqa: SLF001 - pinned

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:  # noqa: ARG002 - Faust's signature
        config: EngineConfig = self.consumer.config
        self._assignor = self.app.assignor  # without a table Faust would silently take a round-robin one
        # A JoinGroup is answered when the last member has joined: it may take the whole rebalance time-out.
        patience = max(config.request_timeout_ms, config.rebalance_timeout_ms + 5_000)
        return AIOKafkaConsumer(
            **{**config.client, "request_timeout_ms": patience},
            client_id=f"{config.app_id}-consumer",
            group_id=config.app_id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_poll_interval_ms=_NO_TIMEOUT_MS,
            max_partition_fetch_bytes=config.fetch_bytes,
            fetch_max_wait_ms=config.fetch_wait_ms,
            session_timeout_ms=config.session_timeout_ms,
            heartbeat_interval_ms=config.heartbeat_interval_ms,
            rebalance_timeout_ms=config.rebalance_timeout_ms,
        )


def _raise(tp: TopicPartition, result: Any) -> None:
    try:
        result.check_raise()
    except OffsetOutOfRangeError as error:
        raise RecordsLostError(
            f"{tp.topic}/{tp.partition} does not keep the offset that comes next ({error}): retention deleted unread "
            "records, or the topic was recreated while it was read"
        ) from error
    except NoOffsetForPartitionError:
        log.info("engine.not_yet_sought", topic=tp.topic, partition=tp.partition)
