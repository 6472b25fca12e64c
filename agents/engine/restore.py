"""Read the changelog of partitions into their states.

Must never decode a state's body, and never read on into what another owner writes: the end is fixed after fencing.

Theory of operation: a bare consumer, outside the group, read_committed, one explicit `seek` per partition
(`seek_to_beginning` after `assign` races with the default reset and reads nothing). Records are handed on as the C
reader yields them. A restore may take as long as it needs, but not stand still.
"""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.engine import bookmark as bookmarks
from agents.engine.bookmark import Bookmark
from agents.engine.config import EngineConfig
from agents.engine.errors import BrokerAwayError
from agents.engine.observer import Observer
from agents.engine.raw_records import leave_raw
from agents.engine.store import PartitionStates

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.2


async def restore(
    config: EngineConfig, ends: Mapping[int, int], states: Mapping[int, PartitionStates], observer: Observer
) -> None:
    """Bring the states of the given partitions up to their changelog's end.

    Args:
        config: The engine's settings.
        ends: Where each partition's changelog ends, read after fencing.
        states: What is known already, by partition; changed in place.
        observer: Who watches.

    Raises:
        BrokerAwayError: No record arrived for too long.
    """
    behind = {TopicPartition(config.changelog_topic, partition): end for partition, end in ends.items()}
    behind = {tp: end for tp, end in behind.items() if states[tp.partition].changelog_offset < end}
    started, counts = monotonic(), dict.fromkeys(ends, 0)
    if behind:
        consumer = AIOKafkaConsumer(
            **config.client,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_partition_fetch_bytes=4 * config.fetch_bytes,
            fetch_max_wait_ms=config.fetch_wait_ms,
        )
        try:
            await consumer.start()
            await _read(consumer, config, behind, states, counts)
        except KafkaError as error:
            raise BrokerAwayError(f"the changelog could not be read: {error!r}") from error
        finally:
            await consumer.stop()
    for partition, end in ends.items():
        states[partition].settle(max(end, states[partition].changelog_offset))
        observer.restored(partition, counts[partition], monotonic() - started)


async def _read(
    consumer: AIOKafkaConsumer,
    config: EngineConfig,
    ends: dict[TopicPartition, int],
    states: Mapping[int, PartitionStates],
    counts: dict[int, int],
) -> None:
    consumer.assign(list(ends))
    for tp in ends:
        consumer.seek(tp, states[tp.partition].changelog_offset)
    reading, progress_at = set(ends), monotonic()
    while reading:
        for tp, records in (await _fetched(consumer)).items():
            changes: dict[bytes, bytes | None] = {record.key: record.value for record in records}
            states[tp.partition].restored(changes, _bookmark(changes))
            counts[tp.partition] += len(records)
            progress_at = monotonic()
        for tp in tuple(reading):
            if await consumer.position(tp) >= ends[tp]:
                reading.discard(tp)
                consumer.pause(tp)
        if monotonic() - progress_at > config.restore_timeout_ms / 1_000:
            raise BrokerAwayError(
                f"no changelog record for {config.restore_timeout_ms} ms; waiting for {sorted(reading)}"
            )


async def _fetched(consumer: AIOKafkaConsumer) -> dict[TopicPartition, list[Any]]:
    """What has been fetched, as the C reader yields it; waits a moment when nothing has."""
    fetcher = consumer._fetcher  # noqa: SLF001 - pinned
    if not fetcher._records:  # noqa: SLF001 - pinned
        waiter = fetcher._create_fetch_waiter()  # noqa: SLF001 - pinned
        await asyncio.wait({waiter}, timeout=_POLL_SECONDS)
        waiter.cancel()
    for fetched in fetcher._records.values():  # noqa: SLF001 - pinned
        leave_raw(fetched)
    arrived: dict[TopicPartition, list[Any]] = await consumer.getmany(timeout_ms=0)
    return arrived


def _bookmark(changes: dict[bytes, bytes | None]) -> Bookmark | None:
    value = changes.pop(bookmarks.KEY, None)
    return None if value is None else bookmarks.decode(value)
