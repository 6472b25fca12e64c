"""Which partitions are ours, and the steps by which they become so and cease to be.

Must never let a pipe run on a partition that was not claimed, brought up to date and sought within one generation of
the group, and never leave behind what a cancelled attempt has opened.

Theory of operation: the group assigns partitions of every source topic; equal numbers belong together. An attempt
first retires all pipes, then asks the `Claimant` to take the partitions (fence and restore, or claim a row in a
database), seeks every source partition explicitly, and starts the pipes. A rebalance that begins meanwhile makes the
attempt's token stale, which is asked again right before each fence. A failure of the broker leads here again, a bounded
number of times; everything else that fails ends the process.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import structlog
from aiokafka import TopicPartition

from agents.engine import collector
from agents.engine.batch import Batch
from agents.engine.config import EngineConfig
from agents.engine.errors import BrokerAwayError, SetupError, SupersededError
from agents.engine.observer import Observer
from agents.engine.pipe import Pipe, Sink

log = structlog.get_logger(__name__)

_RETRY_WINDOW_SECONDS = 600.0
_RETRY_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A partition number that is ours: its sink, where to read, and how far earlier topics go first."""

    sink: Sink
    positions: Mapping[str, int]
    barriers: Mapping[str, int]


class Token(Protocol):
    """The generation of the group in which an attempt was begun."""

    def check(self) -> None:
        """Raise `SupersededError` when it has passed."""
        ...


class Claimant(Protocol):
    """Takes partitions away from whoever had them before, and lets go of them."""

    async def claim(self, partitions: frozenset[int], token: Token, *, keep: bool) -> Mapping[int, Claim]:
        """Make partitions ours; `keep` allows what is in memory to be brought up to date instead of read anew."""
        ...

    async def release(self) -> None:
        """Let go of what the pipes used; states may stay in memory."""
        ...


class _Generation:
    """A token over Faust's and the group's view."""

    def __init__(self, app: Any, generation: int) -> None:
        self._app = app
        self._generation = generation
        self._rebalances = app.rebalancing_count

    def check(self) -> None:
        app, known = self._app, self._app.consumer.thread.member_generation()
        if (app.consumer_generation_id, known, app.rebalancing_count) != (
            self._generation,
            self._generation,
            self._rebalances,
        ):
            raise SupersededError(f"generation {self._generation} has passed")


class Ownership:
    """The pipes of this process.

    Args:
        app: The Faust application.
        config: The engine's settings.
        claimant: Takes partitions and lets go of them.
        observer: Who watches.
    """

    def __init__(self, app: Any, config: EngineConfig, claimant: Claimant, observer: Observer) -> None:
        self._app = app
        self._config = config
        self._claimant = claimant
        self._observer = observer
        self._generation = -1
        self._retries: deque[float] = deque()
        self._seeks: set[asyncio.Future[Any]] = set()
        self._lock = asyncio.Lock()
        self.pipes: dict[int, Pipe] = {}
        self.assigned = 0
        self.ready = False

    async def own(self, generation: int) -> None:
        """Make the present assignment ours.

        Raises:
            SupersededError: Another rebalance began.
            SetupError: Topics, offsets or state contradict each other.
        """
        async with self._lock:
            await self._retire(self._config.rebalance_timeout_ms / 2_000)
            token = _Generation(self._app, generation)
            partitions = self._numbers(self._app.consumer.assignment())
            self._observer.rebalanced(len(partitions))
            self.assigned = len(partitions)
            keep = 0 <= generation - self._generation <= 1
            collector.hold_back()
            while True:
                try:
                    claims = await self._claimant.claim(partitions, token, keep=keep)
                    await self._begin(claims, token, generation)
                    break
                except BrokerAwayError as error:
                    await self._claimant.release()
                    log.warning("engine.waiting_for_broker", error=str(error))
                    await asyncio.sleep(_RETRY_PAUSE_SECONDS)
                    token.check()
                except BaseException:
                    await self._claimant.release()
                    raise

    async def retire(self, timeout_seconds: float) -> None:
        """Stop all pipes: nothing new, what waits is dropped, what is being applied may finish."""
        for pipe in self.pipes.values():
            pipe.close()
        if not self._lock.locked():
            async with self._lock:
                await self._retire(timeout_seconds)

    def offer(self, batch: Batch) -> None:
        """Hand a fetched batch to its pipe; without a live pipe it is dropped."""
        pipe = self.pipes.get(batch.partition)
        if pipe is not None:
            pipe.offer(batch)

    def wants(self, topic: str, partition: int) -> bool:
        """Tell whether a batch would be taken now."""
        pipe = self.pipes.get(partition)
        return pipe is not None and pipe.wants(topic)

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Read a source partition again from `offset`."""
        self._observer.reread(topic, partition)
        seeking = self._app.consumer.thread.seek_all(
            {TopicPartition(topic, partition): offset}, frozenset(), self._generation
        )
        task = asyncio.ensure_future(seeking)
        self._seeks.add(task)
        task.add_done_callback(self._sought)

    def wake(self) -> None:
        """A pipe has room again."""
        self._app.consumer.thread.wake()

    def failed(self, partition: int, error: Exception) -> None:
        """Take all partitions again when the broker failed us, up to a limit; else end the process."""
        if isinstance(error, BrokerAwayError) and not self.ready:
            log.info("engine.taken_again_already", partition=partition, error=repr(error))
            return  # another pipe has met the same outage, and all are about to be retired
        now = monotonic()
        while self._retries and self._retries[0] < now - _RETRY_WINDOW_SECONDS:
            self._retries.popleft()
        if not isinstance(error, BrokerAwayError) or len(self._retries) >= self._config.retry_limit:
            self._app.fatal(error)
            return
        self._retries.append(now)
        log.warning("engine.taking_partitions_again", partition=partition, error=str(error))
        self._observer.retried(type(error).__name__)
        self.ready = False
        self._app.tables.recovery.signal_recovery_start.set()

    def _sought(self, task: asyncio.Future[Any]) -> None:
        self._seeks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._app.fatal(error)

    def _numbers(self, assignment: Iterable[TopicPartition]) -> frozenset[int]:
        by_topic = {
            topic: frozenset(tp.partition for tp in assignment if tp.topic == topic)
            for topic in self._config.source_topics
        }
        numbers = next(iter(by_topic.values()))
        if any(other != numbers for other in by_topic.values()):
            raise SetupError(f"the group did not assign equal partition numbers of every topic: {by_topic}")
        return numbers

    async def _retire(self, timeout_seconds: float) -> None:
        self.ready = False
        pipes, self.pipes = self.pipes, {}
        await asyncio.gather(*(pipe.retire(timeout_seconds) for pipe in pipes.values()))
        await self._claimant.release()

    async def _begin(self, claims: Mapping[int, Claim], token: Token, generation: int) -> None:
        positions = {
            TopicPartition(topic, partition): offset
            for partition, claim in claims.items()
            for topic, offset in claim.positions.items()
        }
        assigned = self._app.consumer.assignment()
        idle = frozenset(TopicPartition(*tp) for tp in assigned if tp.topic not in self._config.source_topics)
        collector.settle()
        token.check()
        if not await self._app.consumer.thread.seek_all(positions, idle, generation):
            raise SupersededError(f"generation {generation} has passed")
        token.check()
        self._generation = generation
        self.pipes = {partition: self._pipe(partition, claim) for partition, claim in claims.items()}
        for pipe in self.pipes.values():
            pipe.start()
        self.ready = True
        log.info("engine.partitions_owned", generation=generation, partitions=sorted(claims))

    def _pipe(self, partition: int, claim: Claim) -> Pipe:
        return Pipe(
            partition=partition,
            positions=claim.positions,
            barriers=claim.barriers,
            sink=claim.sink,
            control=self,
            max_queued=self._config.max_queued_batches,
        )
