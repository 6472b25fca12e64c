"""Where tracker and delivery stand: the offsets that the group committed, the positions that the ledger holds."""

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from tests.chaos.checker import EVENTS, MILESTONES

TRACKER_GROUP = "cairn-tracker"
Positions = dict[int, int]
_AWAY = (KafkaError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class GroupPositions:
    """Asks broker and ledger; one that does not answer is asked again later.

    Args:
        kafka: the broker's address.
        dsn: the ledger's; None where nobody delivers.
        group: the group that tracks.
    """

    def __init__(self, kafka: str, dsn: str | None, group: str = TRACKER_GROUP) -> None:
        self._kafka = kafka
        self._dsn = dsn
        self._group = group
        self._admin: AIOKafkaAdminClient | None = None

    async def close(self) -> None:
        """Let go of the broker."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()

    async def tracked(self) -> Positions | None:
        """The next offset of the events topic, by partition; None when nobody answers."""
        try:
            if self._admin is None:
                self._admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka, request_timeout_ms=5_000)
                await self._admin.start()
            offsets = await self._admin.list_consumer_group_offsets(self._group)
        except _AWAY:
            await self.close()
            return None
        return {one.partition: position.offset for one, position in offsets.items() if one.topic == EVENTS}

    async def delivered(self) -> Positions | None:
        """The next offset of the milestones topic, by partition; None when nobody answers."""
        assert self._dsn is not None
        try:
            connection = await asyncpg.connect(self._dsn, timeout=5)
            try:
                rows = await connection.fetch(
                    "SELECT partition, next_offset FROM positions WHERE topic = $1", MILESTONES
                )
            finally:
                await connection.close()
        except _AWAY:
            return None
        return {row["partition"]: row["next_offset"] for row in rows}

    async def move(self, positions: Positions) -> None:
        """Move the group's offsets of the events topic, as an operator does while nobody tracks."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, group_id=self._group, enable_auto_commit=False)
        await consumer.start()
        try:
            partitions = {TopicPartition(EVENTS, number): offset for number, offset in positions.items()}
            consumer.assign(list(partitions))
            await consumer.commit({one: OffsetAndMetadata(offset, "") for one, offset in partitions.items()})
        finally:
            await consumer.stop()
