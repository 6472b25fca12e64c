"""One partition's transactional producer: fence, write, commit.

Must never commit after a refused batch and never retry a commit from memory: after any failure the producer is done,
and whoever owns the partition fences, restores and fetches again.

Theory of operation: one transactional id per partition number, so that the next owner's InitProducerId aborts a dead
owner's open transaction and fences a paused one (aiokafka sends no group metadata with transactional offsets, so
nothing else would). `commit_transaction` succeeds even when a record batch was refused: every batch is awaited before.
Brokers 4.x answer the first write of a transaction to a partition NOT_ENOUGH_REPLICAS once, to clients of our age:
harmless, but at the default back-off it costs 100 ms, hence `retry_backoff_ms`. A transaction that begins while the
markers of the one before are being written is told to come again, which takes the broker a few milliseconds and not
aiokafka's 20, hence `BACKOFF_OVERRIDE`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    BrokerResponseError,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)
from aiokafka.producer import sender
from aiokafka.structs import OffsetAndMetadata

from agents.engine.config import EngineConfig
from agents.engine.errors import BrokerAwayError, EngineError, FencedError, RefusedWriteError, UnsettledError

log = structlog.get_logger(__name__)

Message = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]
Writes = Mapping[TopicPartition, Sequence[Message]]
_STOP_SECONDS = 2.0
_ABANDON_SECONDS = 0.1
_FENCED = (ProducerFenced, InvalidProducerEpoch)
_MENDED_BY_A_FENCE = (
    *_FENCED,
    OutOfOrderSequenceNumber,
    UnknownProducerId,
    InvalidProducerIdMapping,
    InvalidTxnState,
)
_MARKERS_SECONDS = 0.004
T = TypeVar("T")

sender.BACKOFF_OVERRIDE = _MARKERS_SECONDS


class Committer:
    """Writes batches of records, and the source offsets they stand for, all or nothing.

    Args:
        config: The engine's settings.
        partition: The partition number whose owner this is.
        sent: Called when all records are acknowledged and the commit is next.
    """

    def __init__(self, config: EngineConfig, partition: int, sent: Callable[[int], None]) -> None:
        self._config = config
        self._partition = partition
        self._sent = sent
        self._id = f"{config.app_id}-{partition}"
        self._producer: AIOKafkaProducer | None = None

    async def fence(self) -> None:
        """Start a producer anew: aborts what a former owner left open and locks it out.

        Raises:
            BrokerAwayError: The broker did not answer within the bound.
        """
        producer = self._producer = AIOKafkaProducer(
            **self._config.client,
            transactional_id=self._id,
            transaction_timeout_ms=self._config.transaction_timeout_ms,
            acks="all",
            enable_idempotence=True,
            retry_backoff_ms=5,
            max_batch_size=self._config.write_batch_bytes,
            max_request_size=2 * self._config.write_batch_bytes,
        )
        try:
            async with asyncio.timeout(self._config.fence_timeout_ms / 1_000):
                await producer.start()
        except (TimeoutError, KafkaError) as error:
            await self.close()
            raise BrokerAwayError(f"no producer id for {self._id}: {error!r}") from error
        except BaseException:
            await self.close()
            raise

    async def commit(self, writes: Writes, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Write records and source offsets in one transaction; return the end offset of each partition written.

        Raises:
            RefusedWriteError: A record or batch was refused; nothing was committed.
            FencedError: Another owner has taken over; nothing was committed.
            UnsettledError: The answer to the commit did not arrive.
            BrokerAwayError: Something before the commit failed; nothing was committed.
        """
        producer = self._producer
        assert producer is not None, "fence first"  # noqa: S101 - a caller's mistake, not an input
        try:
            async with asyncio.timeout(self._config.commit_timeout_ms / 1_000):
                await producer.begin_transaction()
                positions = {tp: OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
                # Both round trips at once; a refused record aborts the offsets with it.
                ends = await _both(self._write(producer, writes), self._send_offsets(producer, positions))
        except RefusedWriteError:
            # politeness: an open transaction would hold up readers
            with suppress(TimeoutError, KafkaError, AssertionError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await producer.abort_transaction()
            raise
        except (TimeoutError, KafkaError, AssertionError) as error:
            raise self._explain(error, BrokerAwayError) from error
        self._sent(self._partition)
        try:
            async with asyncio.timeout(self._config.commit_timeout_ms / 1_000):
                await producer.commit_transaction()
        except (TimeoutError, KafkaError, AssertionError) as error:
            raise self._explain(error, UnsettledError) from error
        return ends

    async def close(self) -> None:
        """Let go of the producer without touching its transaction, within a bound."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await producer.stop()
                return
            log.warning("engine.producer_abandoned", transactional_id=self._id)
            await _abandon(producer)
            with suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await producer.client.close()

    async def _write(self, producer: AIOKafkaProducer, writes: Writes) -> dict[TopicPartition, int]:
        pending = [(tp, *batch) for tp, messages in writes.items() for batch in await _send(producer, tp, messages)]
        answers = await asyncio.gather(*(future for _, _, future in pending), return_exceptions=True)
        ends: dict[TopicPartition, int] = {}
        for (tp, count, _), answer in zip(pending, answers, strict=True):
            if isinstance(answer, BaseException):
                if _is_refusal(answer):
                    raise RefusedWriteError(_refusal(tp, repr(answer))) from answer
                raise answer
            ends[tp] = answer.offset + count
        return ends

    async def _send_offsets(
        self, producer: AIOKafkaProducer, positions: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> None:
        if positions:
            await producer.send_offsets_to_transaction(positions, self._config.app_id)

    def _explain(self, error: BaseException, otherwise: type[BrokerAwayError]) -> EngineError:
        if isinstance(error, _FENCED) or isinstance(error.__cause__, _FENCED):
            return FencedError(
                f"the producer {self._id} was fenced: another process owns partition {self._partition} now, or this "
                f"one was stopped for longer than the transaction time-out of {self._config.transaction_timeout_ms} ms"
            )
        return otherwise(f"a transaction of {self._id} failed: {error!r}")


async def _abandon(producer: AIOKafkaProducer) -> None:
    """End its tasks: left alone they wait for a broker, and then for work, as long as the process lives."""
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001 - pinned
    sender_task = producer._sender.sender_task  # noqa: SLF001 - pinned
    for _ in range(2):  # told once, it waits for its request in flight; told twice, it ends that too
        if sender_task is not None and not sender_task.done():
            sender_task.cancel()
            await asyncio.wait({sender_task}, timeout=_ABANDON_SECONDS)


async def _both(writing: Awaitable[T], sending: Awaitable[None]) -> T:
    """Await both to their ends, so that nothing goes on behind an abort; the writing's error counts first."""
    written, sent = await asyncio.gather(writing, sending, return_exceptions=True)
    if isinstance(written, BaseException):
        raise written
    if isinstance(sent, BaseException):
        raise sent
    return written


async def _send(
    producer: AIOKafkaProducer, tp: TopicPartition, messages: Sequence[Message]
) -> list[tuple[int, Awaitable[Any]]]:
    sent: list[tuple[int, Awaitable[Any]]] = []
    builder = producer.create_batch()
    for key, value, headers in messages:
        if builder.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
            sent.append((builder.record_count(), await producer.send_batch(builder, tp.topic, partition=tp.partition)))
            builder = producer.create_batch()
            if builder.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
                raise RefusedWriteError(_refusal(tp, f"one record of {len(value or b'')} bytes"))
    if builder.record_count():
        builder.close()
        sent.append((builder.record_count(), await producer.send_batch(builder, tp.topic, partition=tp.partition)))
    return sent


def _is_refusal(error: BaseException) -> bool:
    """Whether the broker said no for good; a sender that died of a closed connection fails its batches as well."""
    return isinstance(error, BrokerResponseError) and not error.retriable and not isinstance(error, _MENDED_BY_A_FENCE)


def _refusal(tp: TopicPartition, why: str) -> str:
    return (
        f"{tp.topic}/{tp.partition} refused a write ({why}); nothing was committed: raise the topic's "
        "max.message.bytes, or lower what is written at once"
    )
