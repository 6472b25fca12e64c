"""Questions to the broker: which topics there are, where partitions begin and end, what the group has committed.

Must never answer from a cache: each answer is compared with state, and a stale one would hide what went wrong.

Theory of operation: two bare consumers outside the group, one per isolation level (`stable` ends are what a
read_committed reader can reach, `high` ends include transactions still open), and an admin client.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from agents.engine.config import EngineConfig
from agents.engine.errors import BrokerAwayError, SetupError
from agents.engine.topic_ids import read_topic_ids

log = structlog.get_logger(__name__)

T = TypeVar("T")
_RETRY_SECONDS = 1.0


class Cluster:
    """A few connections that only ask.

    Args:
        config: The engine's settings.
    """

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._stable: AIOKafkaConsumer | None = None
        self._high: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self.counts: Mapping[str, int] = {}

    async def wait(self) -> None:
        """Wait for the broker and for every topic, visibly and for ever; then check the partition counts.

        Raises:
            SetupError: A topic has another partition count than the settings say.
        """
        config = self._config
        needed = {*config.source_topics, *config.output_topics}
        needed |= {topic for topic in (config.changelog_topic, config.dead_letter_topic) if topic}
        while True:
            try:
                await self._open()
                counts = await self._counts(needed)
            except KafkaError as error:
                log.warning("engine.waiting_for_broker", bootstrap_servers=config.bootstrap_servers, error=repr(error))
                await self.close()
            else:
                if not (missing := sorted(needed - counts.keys())):
                    break
                log.warning("engine.waiting_for_topics", missing=missing, advice="create them: cairn topics apply")
            await asyncio.sleep(_RETRY_SECONDS)
        self.counts = counts
        for topic in (*config.source_topics, *filter(None, [config.changelog_topic])):
            if counts[topic] != config.partitions:
                raise SetupError(f"topic {topic} has {counts[topic]} partitions, the settings say {config.partitions}")

    async def stable_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where a read_committed reader can get to."""
        return await self._ask(self._stable.end_offsets(list(partitions)))  # type: ignore[union-attr] # open since wait()

    async def high_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offsets after the last records, those of open transactions included."""
        return await self._ask(self._high.end_offsets(list(partitions)))  # type: ignore[union-attr] # open since wait()

    async def source_ends(self, numbers: Iterable[int]) -> dict[int, dict[str, int]]:
        """Return the high ends of every source topic by partition number."""
        topics = self._config.source_topics
        ends = await self.high_ends(TopicPartition(topic, number) for number in numbers for topic in topics)
        return {number: {topic: ends[TopicPartition(topic, number)] for topic in topics} for number in numbers}

    async def starts(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the first offsets still kept."""
        return await self._ask(self._stable.beginning_offsets(list(partitions)))  # type: ignore[union-attr] # open since wait()

    async def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the group's committed offsets; partitions without one are absent."""
        admin = self._admin
        assert admin is not None, "wait first"  # noqa: S101 - a caller's mistake, not an input
        asked = list(partitions)
        found = await self._ask(admin.list_consumer_group_offsets(self._config.app_id, partitions=asked))
        if not found.keys() >= set(asked):
            # aiokafka ignores the answer's own error: a coordinator that is still loading names no partition at all,
            # which must not be read as a group without offsets.
            raise BrokerAwayError("the group's coordinator is not ready to tell committed offsets")
        return {tp: position.offset for tp, position in found.items() if position.offset >= 0}

    async def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """Return Kafka's own id of each topic."""
        assert self._admin is not None, "wait first"  # noqa: S101 - a caller's mistake, not an input
        return await self._ask(read_topic_ids(self._admin, tuple(topics)))

    async def close(self) -> None:
        """Close the connections."""
        clients = (self._stable, self._high)
        self._stable = self._high = None
        for consumer in filter(None, clients):
            await consumer.stop()
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()

    async def _open(self) -> None:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(**self._config.client)
            self._stable = AIOKafkaConsumer(**self._config.client, isolation_level="read_committed")
            self._high = AIOKafkaConsumer(**self._config.client, isolation_level="read_uncommitted")
            await self._admin.start()
            await self._stable.start()
            await self._high.start()

    async def _counts(self, topics: Iterable[str]) -> dict[str, int]:
        assert self._admin is not None  # noqa: S101 - opened by the caller
        described = await self._admin.describe_topics(sorted(topics))
        return {found["topic"]: len(found["partitions"]) for found in described if not found["error_code"]}

    async def _ask(self, question: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(2 * self._config.request_timeout_ms / 1_000):
                return await question
        except (TimeoutError, KafkaError) as error:
            raise BrokerAwayError(f"the broker did not answer a question about offsets or topics: {error!r}") from error
