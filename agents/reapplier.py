"""The reapplier: applies parked records again when somebody asked for it, as if they came now.

It must never celebrate twice, never produce to a topic, and never move a position: subscribers of
`coaching.milestones.v1` see each milestone once, and the batches that follow see nothing of this.

Theory of operation: asking sets a mark in the ledger. What is marked goes through the very
`write` that the bookkeeper's batches go through, a partition's records together and in their
order, so that a retraction that is parked behind its milestone is known before anything is sent.
The partition's position is locked meanwhile: whoever owns the partition plans before or after, never
beside. The record leaves the parked ones in the transaction that holds what came of it; refused
again it stays, with its new reason and without the mark. A profile is parked without its content,
so it is read again from its topic, at its offset; one that a newer profile replaced there is done with.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby

import structlog
from aiokafka.errors import KafkaError

from agents.bookkeeper import NOT_THE_RECORDS, Write, refused, unusable
from agents.engine.logic import Record
from agents.ledger.away import AWAY
from agents.ledger.clients import has_moved_on
from agents.ledger.parked import Parked, asked_for, park_again, still_asked_for, unpark
from agents.ledger.pool import Connection, Pool
from agents.ledger.positions import hold_position
from schemas.topics import CLIENTS, split_key

INTERVAL_SECONDS = 2.0
_GONE = "its topic holds it no more, and it was parked without its content: publish the profile again"
_log = structlog.get_logger()

ReadBack = Callable[[str, int, int], Awaitable[Record | None]]
"""The record at a topic's partition and offset; None when it is not there any more."""


class Reapplier:
    """Applies what was asked for.

    Args:
        pool: the ledger.
        writes: by topic, what its records mean.
        read_back: reads a record again.
        interval_seconds: real time between looks.
    """

    def __init__(
        self,
        pool: Pool,
        writes: Mapping[str, Write],
        read_back: ReadBack,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._pool = pool
        self._writes = writes
        self._read_back = read_back
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except (*AWAY, KafkaError) as error:
                _log.warning("reapplying_waited", error_type=type(error).__name__)
            await asyncio.sleep(self._interval_seconds)

    async def look(self) -> None:
        """Apply what is asked for now.

        Raises:
            asyncpg.SyntaxOrAccessError: the schema or our rights do not fit; what was asked for stays so.
        """
        asked = await asked_for(self._pool)
        for (topic, partition), found in groupby(asked, key=lambda parked: (parked.topic, parked.partition)):
            records = await self._records(tuple(found))
            try:
                await self._apply(topic, partition, records)
            except (*AWAY, *NOT_THE_RECORDS):
                raise
            except Exception:  # noqa: BLE001 - each is tried alone below, and parked again if it is the culprit
                for record in records:
                    await self._apply_single(topic, partition, record)

    async def _records(self, asked: Sequence[Parked]) -> list[Record]:
        """What can be applied of one partition."""
        records: list[Record] = []
        for parked in asked:
            if parked.topic != CLIENTS:
                records.append(parked)
            elif record := await self._read_back(parked.topic, parked.partition, parked.offset):
                records.append(record)
            else:
                await self._give_up(parked)
        return records

    async def _give_up(self, parked: Parked) -> None:
        """A profile that cannot be read again is replaced, or somebody has to publish it again."""
        async with self._pool.acquire() as connection, connection.transaction():
            if await _is_replaced(connection, parked):
                await unpark(connection, parked.topic, parked.partition, (parked.offset,))
            else:
                gone = refused(parked, parked.reason, _GONE)
                await park_again(connection, parked.topic, parked.partition, (gone,))

    async def _apply(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await hold_position(connection, topic, partition)
            offsets = [record.offset for record in records]
            still = await still_asked_for(connection, topic, partition, offsets)
            ours = [record for record in records if record.offset in still]
            written = await self._writes[topic](connection, ours)
            again = {refusal.offset for refusal in written.refusals}
            await park_again(connection, topic, partition, written.refusals)
            await unpark(connection, topic, partition, sorted(still - again))
        written.count()
        _log.info("parked.applied", topic=topic, partition=partition, records=len(still), failed=len(again))

    async def _apply_single(self, topic: str, partition: int, record: Record) -> None:
        try:
            await self._apply(topic, partition, (record,))
        except (*AWAY, *NOT_THE_RECORDS):
            raise
        except Exception as error:  # noqa: BLE001 - parked again with its reason, so that the next record goes on
            _log.error("parked.refused_again", topic=topic, partition=partition, error_type=type(error).__name__)
            async with self._pool.acquire() as connection:
                await park_again(connection, topic, partition, (unusable(record, error),))


async def _is_replaced(connection: Connection, parked: Parked) -> bool:
    try:
        tenant, client = split_key(parked.key or b"")
    except ValueError:
        return False
    return await has_moved_on(connection, tenant, client, parked.offset)
