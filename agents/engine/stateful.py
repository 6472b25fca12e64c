"""The sink of an application with state: fold a batch, commit it, and only then change what is in memory.

Must never let memory run ahead of the log: when a commit fails or its answer is lost, this object is not used again
before the partition has been fenced and restored.

Theory of operation: the pipe's clock is the domain time of the records it reads (their append time, mapped), so what
falls due is decided by the log and not by when we happen to read it. Keys that are due before a batch's first record
are ticked in transactions of their own, a bounded number of keys each; later ones are ticked when they surface.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import Generic

import structlog
from aiokafka import TopicPartition

from agents.engine import bookmark as bookmarks
from agents.engine.batch import Batch
from agents.engine.bookmark import Bookmark
from agents.engine.config import EngineConfig
from agents.engine.errors import SetupError, TrippedError
from agents.engine.folding import Folding
from agents.engine.logic import Logic, Output, R, Record, Rules, S
from agents.engine.observer import Observer
from agents.engine.partitioner import partition_for
from agents.engine.store import PartitionStates
from agents.engine.sweep import Sweep
from agents.engine.transaction import Committer, Message

log = structlog.get_logger(__name__)

_RULES_POLL_SECONDS = 1.0
_LOG_APPEND_TIME = 1

Changes = dict[bytes, bytes | None]


class Stateful(Generic[S, R]):
    """Folds and commits one partition.

    Args:
        config: The engine's settings.
        partition: The partition number.
        logic: What records mean.
        rules: Returns the current snapshot of the rules.
        time_map: Maps real milliseconds (append times) to domain milliseconds.
        topic_ids: Kafka's ids of the source topics.
        counts: The partition count of every topic that is written.
        states: The committed states.
        committer: The partition's producer.
        observer: Who watches.
    """

    def __init__(  # noqa: PLR0913 - the collaborators of one partition
        self,
        *,
        config: EngineConfig,
        partition: int,
        logic: Logic[S, R],
        rules: Callable[[], Rules[R]],
        time_map: Callable[[int], int],
        topic_ids: Mapping[str, str],
        counts: Mapping[str, int],
        states: PartitionStates,
        committer: Committer,
        observer: Observer,
    ) -> None:
        self._config = config
        self._partition = partition
        self._logic = logic
        self._rules = rules
        self._time_map = time_map
        self._topic_ids = dict(topic_ids)
        self._counts = counts
        self._committer = committer
        self._observer = observer
        self._now_ms = 0  # as far as everything has been read
        self._clocks = dict.fromkeys(config.source_topics, (-1, 0))
        self._sweep: Sweep[R] | None = None
        self.states = states
        self.interruptible = False

    async def take(self, batch: Batch) -> None:
        """Tick what was due before the batch, fold it, and commit both."""
        first = batch.records[0]
        if first.timestamp_type != _LOG_APPEND_TIME:
            raise SetupError(
                f"topic {batch.topic} must have message.timestamp.type=LogAppendTime: time is when we heard of it"
            )
        rules = await self._current_rules()
        if batch.topic == self._config.source_topics[-1]:
            await self._tick(self._time(batch.topic, first), rules)
        clock, started = self._clocks[batch.topic], monotonic()

        def fold(folding: Folding[S, R]) -> None:
            self._clocks[batch.topic] = clock
            folding.fold(batch, partial(self._time, batch.topic))

        folding, changes = self._work(rules, fold)
        replayed, refused = folding.replayed, folding.refused
        self._observer.folded(batch.topic, folding.records, replayed, refused, monotonic() - started)
        if folding.end > batch.start:
            await self._commit(folding, changes, rules, {batch.topic: folding.end}, first.timestamp)
        if folding.tripped:
            self._observer.tripped(self._partition)
            raise TrippedError(
                f"more than {self._config.breaker_limit} of the last {self._config.breaker_window} records of "
                f"{batch.topic}/{self._partition} were refused, the next at offset {folding.end}: repair the source or "
                "raise the limit, then start again"
            )

    async def tick(self, now_ms: int) -> None:
        """Tick everything due at `now_ms`, which no unread record precedes."""
        self._now_ms = max(self._now_ms, now_ms, *(clock for _, clock in self._clocks.values()))
        if self.states.deadlines.next_ms() is not None:
            await self._tick(self._now_ms, await self._current_rules())

    @property
    def wants_sweep(self) -> bool:
        """Whether the rules have changed since the last whole pass, or there was none since the partition was taken."""
        rules, sweep = self._rules(), self._sweep
        return not rules.behind(self._used) and (sweep is None or not sweep.done or sweep.rules != rules)

    async def sweep(self, now_ms: int) -> None:
        """Tick the next keys that older rules have left, in one transaction if there are any.

        Its time fires nothing that the next batch would not have to fire before its first record.
        """
        rules = self._rules()
        if rules.behind(self._used):
            return
        if self._sweep is None or self._sweep.rules != rules:
            self._sweep = Sweep(self.states, self._logic, rules)
        self._now_ms = max(self._now_ms, now_ms, *(clock for _, clock in self._clocks.values()))
        if keys := self._sweep.find(self._config.tick_limit):
            _, renewed = await self._pass_time(rules, lambda folding: folding.renew(keys, self._now_ms))
            self._observer.swept(self._partition, renewed)

    async def _tick(self, now_ms: int, rules: Rules[R]) -> None:
        while keys := self.states.deadlines.due(now_ms, self._config.tick_limit):
            parked, ticked = await self._pass_time(rules, partial(Folding.tick, keys=keys, now_ms=now_ms))
            if parked:
                self.states.deadlines.park(parked)
            self._observer.ticked(self._partition, ticked)

    async def _pass_time(self, rules: Rules[R], work: Callable[[Folding[S, R]], None]) -> tuple[frozenset[bytes], int]:
        """Commit what time does to some keys; tell which of them are parked, and how many have changed."""
        folding, changes = self._work(rules, work)
        if folding.parked:
            self._observer.parked(self._partition, len(folding.parked))
        if changes:
            await self._commit(folding, changes, rules, {})
        return frozenset(folding.parked), len(changes)

    def _work(self, rules: Rules[R], work: Callable[[Folding[S, R]], None]) -> tuple[Folding[S, R], Changes]:
        """Work in memory; singly, if a state that came of it cannot be encoded."""
        folding = self._folding(rules)
        work(folding)
        try:
            return folding, folding.changes()
        except Exception:  # noqa: BLE001 - parked: the key at fault, by the same work done singly
            folding = self._folding(rules, singly=True)
            work(folding)
            return folding, folding.changes()

    async def _commit(
        self,
        folding: Folding[S, R],
        changes: Changes,
        rules: Rules[R],
        ends: Mapping[str, int],
        oldest_ms: int | None = None,
    ) -> None:
        started = monotonic()
        bookmark = self._bookmark(folding, rules, ends)
        changelog = TopicPartition(self._config.changelog_topic, self._partition)
        writes = self._writes(folding.outputs)
        writes[changelog] = [(key, value, ()) for key, value in changes.items()]
        writes[changelog].append((bookmarks.KEY, bookmark.encode(), ()))
        offsets = {TopicPartition(topic, self._partition): end for topic, end in ends.items()}
        written = await self._committer.commit(writes, offsets)
        self.states.changed(changes, bookmark, written[changelog])
        outputs = Counter(output.topic for output in folding.outputs)
        self._observer.committed(self._partition, folding.records, outputs, monotonic() - started, oldest_ms)

    def _bookmark(self, folding: Folding[S, R], rules: Rules[R], ends: Mapping[str, int]) -> Bookmark:
        before = self.states.bookmark
        following, used = (dict(before.next_offsets), before.rules_versions) if before else ({}, {})
        for topic, end in ends.items():
            following[topic] = max(end, following.get(topic, 0))
        return Bookmark(
            partitions=self._config.partitions,
            topic_ids=self._topic_ids,
            next_offsets=following,
            rules_versions=used | {name: version for name, version in rules.versions.items() if version > 1},
            seen=folding.breaker.seen,
            refused=folding.breaker.refused,
        )

    def _writes(self, outputs: list[Output]) -> dict[TopicPartition, list[Message]]:
        writes: dict[TopicPartition, list[Message]] = {}
        for output in outputs:
            count = self._counts[output.topic]
            partition = self._partition % count if output.key is None else partition_for(output.key, count)
            tp = TopicPartition(output.topic, partition)
            writes.setdefault(tp, []).append((output.key, output.value, output.headers))
        return writes

    def _folding(self, rules: Rules[R], *, singly: bool = False) -> Folding[S, R]:
        config, bookmark = self._config, self.states.bookmark or Bookmark(partitions=self._config.partitions)
        return Folding(
            partition=self._partition,
            partitions=config.partitions,
            topics=config.source_topics,
            states=self.states,
            logic=self._logic,
            rules=rules.value,
            breaker=bookmark.breaker(config.breaker_window, config.breaker_limit),
            dead_letter_topic=config.dead_letter_topic or "",
            private_topics=config.private_topics,
            singly=singly,
        )

    async def _current_rules(self) -> Rules[R]:
        used = self._used
        rules = self._rules()
        self.interruptible = True
        while old := rules.behind(used):
            self._observer.waiting_for_rules(self._partition)
            have = " ".join(f"{name}:{rules.versions[name]}" for name in old)
            wanted = " ".join(f"{name}:{used[name]}" for name in old)
            log.warning("engine.rules_too_old", partition=self._partition, have=have, used=wanted)
            await asyncio.sleep(_RULES_POLL_SECONDS)
            rules = self._rules()
        self.interruptible = False
        return rules

    @property
    def _used(self) -> Mapping[str, int]:
        return self.states.bookmark.rules_versions if self.states.bookmark else {}

    def _time(self, topic: str, record: Record) -> int:
        """The domain time of a record: no topic's clock runs back, nor waits for another's.

        An earlier topic is folded first after a downtime, up to its end: its clock must not make the unread records
        of a later one late.
        """
        appended, (mapped, now_ms) = record.timestamp, self._clocks[topic]
        if appended != mapped:  # a producer's batch shares one append time
            now_ms = max(now_ms, self._now_ms, self._time_map(appended))
            self._clocks[topic] = (appended, now_ms)
        return now_ms
