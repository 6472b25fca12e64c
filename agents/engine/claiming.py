"""Taking partitions with state: fence, restore, and find out where to read on.

Must never read a changelog before its writers are fenced, nor ask for committed offsets before: only the fence makes
both final.

Theory of operation: InitProducerId for `{app id}-{partition}` returns after a former owner's open transaction has
been aborted and its markers written, so the changelog's end and the group's offsets read afterwards are of one moment.
States in memory are kept over a rebalance and brought up to date, unless a generation was missed: then somebody else
may have owned the partition, and compaction may have removed the tombstones that we would need.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic

from aiokafka import TopicPartition

from agents.engine.bookmark import Facts, positions
from agents.engine.cluster import Cluster
from agents.engine.config import EngineConfig
from agents.engine.header import Header
from agents.engine.logic import Logic, R, Rules, S
from agents.engine.observer import Observer
from agents.engine.ownership import Claim, Token
from agents.engine.restore import restore
from agents.engine.stateful import Stateful
from agents.engine.store import PartitionStates, StateStore
from agents.engine.transaction import Committer


class StateClaimant(Generic[S, R]):
    """Takes partitions for an application with state.

    Args:
        config: The engine's settings.
        cluster: Answers questions about topics and offsets.
        store: Where the states of owned partitions are.
        logic: What records mean.
        rules: Returns the current snapshot of the rules.
        time_map: Maps real milliseconds to domain milliseconds.
        observer: Who watches.
    """

    def __init__(
        self,
        *,
        config: EngineConfig,
        cluster: Cluster,
        store: StateStore,
        logic: Logic[S, R],
        rules: Callable[[], Rules[R]],
        time_map: Callable[[int], int],
        observer: Observer,
    ) -> None:
        self._config = config
        self._cluster = cluster
        self._store = store
        self._logic = logic
        self._rules = rules
        self._time_map = time_map
        self._observer = observer
        self._header = Header(len(config.source_topics))
        self._committers: list[Committer] = []

    async def claim(self, partitions: frozenset[int], token: Token, *, keep: bool) -> Mapping[int, Claim]:
        """Fence and restore partitions."""
        owned = self._store.partitions
        for gone in [partition for partition in owned if partition not in partitions or not keep]:
            del owned[gone]
        committers = dict(zip(partitions, await self._fence(partitions, token), strict=True))
        for partition in partitions:
            owned.setdefault(partition, PartitionStates(self._header))
        changelog = [TopicPartition(self._config.changelog_topic, partition) for partition in partitions]
        ends = await self._cluster.stable_ends(changelog)
        await restore(self._config, {tp.partition: end for tp, end in ends.items()}, owned, self._observer)
        return await self._claims(committers)

    async def release(self) -> None:
        """Close the producers, each within a bound, even when whoever waits for it is cancelled."""
        committers, self._committers = self._committers, []
        await asyncio.shield(asyncio.gather(*(committer.close() for committer in committers)))

    async def _fence(self, partitions: frozenset[int], token: Token) -> list[Committer]:
        async def fence(partition: int) -> Committer:
            committer = Committer(self._config, partition, self._observer.sent)
            token.check()
            self._committers.append(committer)
            await committer.fence()
            return committer

        tasks = [asyncio.ensure_future(fence(partition)) for partition in partitions]
        try:
            return await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _claims(self, committers: Mapping[int, Committer]) -> dict[int, Claim]:
        topics = self._config.source_topics
        sources = [TopicPartition(topic, partition) for partition in committers for topic in topics]
        if not sources:
            return {}
        cluster = self._cluster
        ids, committed, starts, stable, high = await asyncio.gather(
            cluster.topic_ids(topics),
            cluster.committed(sources),
            cluster.starts(sources),
            cluster.stable_ends(sources),
            cluster.high_ends(sources),
        )
        claims = {}
        for partition, committer in committers.items():
            facts = Facts(
                partitions=self._config.partitions,
                topic_ids=ids,
                committed=_of(partition, committed),
                starts=_of(partition, starts),
                ends=_of(partition, high),
            )
            states = self._store.partitions[partition]
            where = positions(partition, states.bookmark, len(states.values), facts)
            ordered = {topic: where[topic] for topic in topics}
            barriers = {topic: _of(partition, stable)[topic] for topic in topics}
            claims[partition] = Claim(
                sink=self._sink(partition, states, committer, ids), positions=ordered, barriers=barriers
            )
        return claims

    def _sink(
        self, partition: int, states: PartitionStates, committer: Committer, ids: Mapping[str, str]
    ) -> Stateful[S, R]:
        return Stateful(
            config=self._config,
            partition=partition,
            logic=self._logic,
            rules=self._rules,
            time_map=self._time_map,
            topic_ids=ids,
            counts=self._cluster.counts,
            states=states,
            committer=committer,
            observer=self._observer,
        )


def _of(partition: int, offsets: Mapping[TopicPartition, int]) -> dict[str, int]:
    return {tp.topic: offset for tp, offset in offsets.items() if tp.partition == partition}
