"""The bookkeeper: applies a topic's batches to Postgres, each with its position in one transaction.

It must never let one bad record stop the ones behind it, never skip one without a trace, and
never write for a partition that somebody else has claimed.

Theory of operation: `claim` raises the partition's epoch; `apply` locks the position, checks
epoch and offset, lets `write` do its work, and moves the position. When the database is away
the batch waits, visibly, for as long as it takes: nothing else could be done with it. When a
record makes `write` fail, the batch is applied record by record and the culprit is parked. A
table or a right that is missing is no record's fault: parking would set aside all that come, so
it ends the process.
A lost answer to COMMIT shows as a wrong position on the next try, and the topic is read again
from where Postgres stands.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import asyncpg
import structlog

from agents.engine.batch import Batch
from agents.engine.errors import FencedError, ReseekError
from agents.engine.logic import Record
from agents.ledger.away import AWAY
from agents.ledger.parked import Refusal, park_records
from agents.ledger.pool import Connection, Pool
from agents.ledger.positions import StaleEpoch, WrongPosition, advance_position, claim_position, lock_position
from agents.metrics import DEAD_LETTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of records: those that were refused, and what to count once it is committed."""

    refusals: Sequence[Refusal]
    count: Callable[[], None]


Write = Callable[[Connection, Sequence[Record]], Awaitable[Written]]
"""Applies records inside the transaction that it is given."""

NOT_THE_RECORDS: Final = (asyncpg.SyntaxOrAccessError,)
_UNUSABLE: Final = "unusable"
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 5.0
_log = structlog.get_logger()


class Bookkeeper:
    """Applies one topic.

    Args:
        pool: the ledger.
        write: what the records mean.
        keep_values: whether a parked record keeps its value; False where it may hold contact data.
    """

    def __init__(self, pool: Pool, write: Write, *, keep_values: bool) -> None:
        self._pool = pool
        self._write = write
        self._keep_values = keep_values
        self._epochs: dict[tuple[str, int], int] = {}

    async def claim(self, topic: str, partition: int) -> int:
        """Take a partition over from its former owner, and return its next offset."""
        wait_seconds = _FIRST_WAIT_SECONDS
        while True:
            try:
                epoch, next_offset = await claim_position(self._pool, topic, partition)
            except AWAY as error:
                wait_seconds = await _wait(error, wait_seconds, topic=topic, partition=partition)
            else:
                self._epochs[topic, partition] = epoch
                return next_offset

    async def apply(self, batch: Batch) -> None:
        """Make a batch durable, once.

        Raises:
            ReseekError: the position is elsewhere; read on from there.
            FencedError: another process has claimed the partition.
            asyncpg.SyntaxOrAccessError: the schema or our rights do not fit; nothing was applied or parked.
        """
        wait_seconds = _FIRST_WAIT_SECONDS
        while True:
            try:
                await self._apply_or_park(batch)
            except AWAY as error:
                wait_seconds = await _wait(
                    error, wait_seconds, topic=batch.topic, partition=batch.partition, offset=batch.start
                )
            except WrongPosition as error:
                raise ReseekError(error.expected_offset) from error
            except StaleEpoch as error:
                raise FencedError(str(error)) from error
            else:
                return

    async def _apply_or_park(self, batch: Batch) -> None:
        try:
            await self._apply_whole(batch)
        except (*AWAY, *NOT_THE_RECORDS, WrongPosition, StaleEpoch):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a record can provoke: it is found and parked below
            where = {"topic": batch.topic, "partition": batch.partition, "offset": batch.start}
            _log.warning("batch.retried_singly", error_type=type(error).__name__, **where)
            for single in _singles(batch):
                await self._apply_single(single)

    async def _apply_single(self, single: Batch) -> None:
        try:
            await self._apply_whole(single)
        except (*AWAY, *NOT_THE_RECORDS, WrongPosition, StaleEpoch):
            raise
        except Exception as error:  # noqa: BLE001 - parked with its reason, so that the next record goes on
            where = {"topic": single.topic, "partition": single.partition, "offset": single.start}
            _log.error("record.parked", error_type=type(error).__name__, **where)
            await self._park(single, error)

    async def _apply_whole(self, batch: Batch) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await self._lock(connection, batch)
            written = await self._write(connection, batch.records)
            await self._close(connection, batch, written.refusals)
        written.count()
        for refusal in written.refusals:
            DEAD_LETTERS.labels(refusal.reason).inc()

    async def _park(self, single: Batch, error: Exception) -> None:
        refusals = [unusable(record, error) for record in single.records]
        async with self._pool.acquire() as connection, connection.transaction():
            await self._lock(connection, single)
            await self._close(connection, single, refusals)
        DEAD_LETTERS.labels(_UNUSABLE).inc(len(refusals))

    async def _lock(self, connection: Connection, batch: Batch) -> None:
        epoch = self._epochs.get((batch.topic, batch.partition), 0)
        await lock_position(connection, batch.topic, batch.partition, epoch, batch.start)

    async def _close(self, connection: Connection, batch: Batch, refusals: Sequence[Refusal]) -> None:
        kept = refusals if self._keep_values else [replace(refusal, value=None, headers=()) for refusal in refusals]
        await park_records(connection, batch.topic, batch.partition, kept)
        await advance_position(connection, batch.topic, batch.partition, batch.end)


def refused(record: Record, reason: str, detail: str) -> Refusal:
    """The record as it is parked, with why."""
    return Refusal(
        offset=record.offset,
        reason=reason,
        detail=detail,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
        appended_ms=record.timestamp,
    )


def unusable(record: Record, error: Exception) -> Refusal:
    """The record that made applying fail; the error's text may quote it and is left out."""
    return refused(record, _UNUSABLE, f"could not be applied: {type(error).__name__}")


def _singles(batch: Batch) -> list[Batch]:
    """The batch as batches of one record, which together stand for the same range."""
    starts = [batch.start, *(record.offset for record in batch.records[1:])]
    ends = [*starts[1:], batch.end]
    return [
        replace(batch, start=start, end=end, records=(record,))
        for start, end, record in zip(starts, ends, batch.records, strict=True)
    ]


async def _wait(error: BaseException, seconds: float, **where: str | int) -> float:
    """Wait for the database, visibly; returns how long to wait next time."""
    _log.warning("ledger.away", error_type=type(error).__name__, seconds=seconds, **where)
    await asyncio.sleep(seconds)
    return min(seconds * 2, _LONGEST_WAIT_SECONDS)
