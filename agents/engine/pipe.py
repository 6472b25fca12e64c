"""The way of one partition number through this process: a bounded queue, a task, and exact positions.

Must never take a batch that leaves a hole behind it, wait for another partition, or outlive its retirement.

Theory of operation: fetched batches of every source topic of this partition number are offered here. A batch that
begins where the last one ended, or before, is queued (what was seen already is cut off); one that begins later is a
hole, and the reader is sent back. Batches get lost on Faust's way for several reasons, and a pipe does not need to know
them: it compares offsets. Its task feeds the sink one batch at a time, and the sink makes it durable.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import structlog

from agents.engine.batch import Batch, Misfit, fit
from agents.engine.errors import ReseekError, TrippedError

log = structlog.get_logger(__name__)

_HARD_LIMIT = 16  # batches; what arrives beyond is dropped and fetched again


class Sink(Protocol):
    """What makes batches durable.

    Attributes:
        interruptible: Whether it waits for something else before it has begun, and may be abandoned at no cost.
        wants_sweep: Whether there may be states that older rules have left.
    """

    interruptible: bool

    @property
    def wants_sweep(self) -> bool: ...  # noqa: D102 - described above

    async def take(self, batch: Batch) -> None:
        """Apply a batch; returning means that it is durable.

        Raises:
            TrippedError: The partition has to pause.
            ReseekError: The batch does not start where the store of positions stands.
        """
        ...

    async def tick(self, now_ms: int) -> None:
        """Do what has fallen due by `now_ms`; every record appended before is in."""
        ...

    async def sweep(self, now_ms: int) -> None:
        """Bring a bounded part of the states up to the rules at `now_ms`; every record appended before is in."""
        ...


class Control(Protocol):
    """What a pipe asks of its surroundings; none of the calls waits."""

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Read this source partition again from `offset`."""
        ...

    def wake(self) -> None:
        """There is room in a queue again."""
        ...

    def failed(self, partition: int, error: Exception) -> None:
        """The pipe has stopped for a reason other than its retirement."""
        ...


class Pipe:
    """One partition number.

    Args:
        partition: The partition number.
        positions: Where each source topic, in fold order, is read from.
        barriers: How far each topic has to be taken before a later one may begin.
        sink: What makes batches durable.
        control: The surroundings.
        max_queued: How many batches may wait.
    """

    def __init__(
        self,
        *,
        partition: int,
        positions: Mapping[str, int],
        barriers: Mapping[str, int],
        sink: Sink,
        control: Control,
        max_queued: int,
    ) -> None:
        self.partition = partition
        self.paused = False
        self.steps = 0  # batches, ticks and sweeps that have ended
        self._taken = dict(positions)
        self._queued = dict(positions)
        self._applied = dict(positions)
        self._barriers = dict(barriers)
        self._sink = sink
        self._control = control
        self._max_queued = max_queued
        self._queue: deque[Batch] = deque()
        self._tick: tuple[int, Mapping[str, int]] | None = None
        self._turn: tuple[int, asyncio.Future[bool]] | None = None
        self._arrived = asyncio.Event()
        self._closed = False
        self._busy = False
        self._suspects: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to feed the sink."""
        self._task = asyncio.create_task(self._run(), name=f"pipe-{self.partition}")

    def wants(self, topic: str) -> bool:
        """Tell whether a batch of this topic would be taken now; may be called from the fetching thread."""
        if self._closed or self.paused or len(self._queue) >= self._max_queued:
            return False
        for earlier, barrier in self._barriers.items():
            if earlier == topic:
                return True
            if self._taken[earlier] < barrier:
                return False
        return False

    def offer(self, batch: Batch) -> None:
        """Queue what is new in a batch, or send the reader back when something before it is missing."""
        if self._closed or self.paused:
            return
        topic = batch.topic
        fitted = fit(batch, self._taken[topic])
        if fitted is Misfit.HOLE or len(self._queue) >= _HARD_LIMIT:
            self._control.seek(topic, self.partition, self._taken[topic])
        elif isinstance(fitted, Batch):
            self._taken[topic] = fitted.end
            if fitted.records:  # control records alone only widen the next batch
                self._queue.append(replace(fitted, start=self._queued[topic]))
                self._queued[topic] = fitted.end
                self._arrived.set()

    def look_for_losses(self, read_up_to: Mapping[str, int]) -> None:
        """Send the reader back where it is ahead of us twice in a row although nothing waits here."""
        if self._closed or self.paused or not self.idle:
            self._suspects.clear()
            return
        for topic, taken in self._taken.items():
            if read_up_to.get(topic, 0) <= taken:
                self._suspects.pop(topic, None)
            elif self._suspects.get(topic) == taken:
                self._control.seek(topic, self.partition, taken)
            else:
                self._suspects[topic] = taken

    def tick_at(self, now_ms: int, ends: Mapping[str, int]) -> None:
        """Tick when every record before `ends` has been applied and nothing else waits."""
        self._tick = (now_ms, ends)
        self._arrived.set()

    async def sweep(self, now_ms: int, ends: Mapping[str, int]) -> bool:
        """Sweep once if every record before `ends` has been applied and nothing else waits; tell whether that was so.

        Waits for the sweep to end, or for the batch that came before it.
        """
        if not self.wants_turn or not self._has_taken(ends):
            return False
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._turn = (now_ms, ended)
        self._arrived.set()
        return await ended

    @property
    def wants_turn(self) -> bool:
        """Whether it could sweep now, and has reason to."""
        return not (self._closed or self.paused) and self.idle and self._sink.wants_sweep

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being applied."""
        return not self._queue and not self._busy

    @property
    def taken(self) -> Mapping[str, int]:
        """The first offset of each topic that has not been taken."""
        return self._taken

    def has_caught_up(self, topic: str) -> bool:
        """Whether everything of a topic that was there when the partition was claimed has been applied."""
        applied, barrier = self._applied[topic], self._barriers[topic]
        return applied >= barrier or (self._taken[topic] >= barrier and applied >= self._queued[topic])

    def close(self) -> None:
        """Take nothing more and drop what waits; the batch being applied goes on."""
        self._closed = True
        self._queue.clear()
        self._tick = None
        self._end_turn(swept=False)
        self._arrived.set()

    async def retire(self, timeout_seconds: float) -> None:
        """Close, wait for the batch being applied at most that long, then abandon it; at once when cancelled."""
        self.close()
        if self._task is not None:
            bound = 0.0 if self._sink.interruptible else timeout_seconds
            try:
                await asyncio.wait({self._task}, timeout=bound)
            finally:
                late = self._task.cancel()
            if late:
                log.warning("engine.batch_abandoned", partition=self.partition)
                with suppress(asyncio.CancelledError):
                    await self._task

    async def _run(self) -> None:
        try:
            while not self._closed:
                await self._step()
        except TrippedError as trip:
            self.paused = True
            self._queue.clear()
            log.error("engine.partition_paused", partition=self.partition, reason=str(trip))  # noqa: TRY400 - no stack: the text says it
        except Exception as error:  # noqa: BLE001 - handed on: the owner retries or ends the process
            if self._closed:
                log.info("engine.retired_pipe_failed", partition=self.partition, error=repr(error))
            else:
                self.close()
                self._control.failed(self.partition, error)

    async def _step(self) -> None:
        self._busy, swept = True, False
        try:
            if self._queue:
                batch = self._queue.popleft()
                self._control.wake()
                await self._take(batch)
                self.steps += 1
            elif self._tick is not None:
                (now_ms, ends), self._tick = self._tick, None
                if self._has_taken(ends):
                    await self._sink.tick(now_ms)
                    self.steps += 1
            elif self._turn is not None:
                await self._sink.sweep(self._turn[0])
                self.steps += 1
                swept = True
        finally:
            self._busy = False
            self._end_turn(swept=swept)
        if not self._queue and self._tick is None and self._turn is None and not self._closed:
            self._arrived.clear()
            await self._arrived.wait()

    def _end_turn(self, *, swept: bool) -> None:
        turn, self._turn = self._turn, None
        if turn is not None and not turn[1].done():
            turn[1].set_result(swept)

    def _has_taken(self, ends: Mapping[str, int]) -> bool:
        return all(self._taken[topic] >= end for topic, end in ends.items())

    async def _take(self, batch: Batch) -> None:
        try:
            await self._sink.take(batch)
            self._applied[batch.topic] = batch.end
        except ReseekError as reseek:
            self._queue = deque(waiting for waiting in self._queue if waiting.topic != batch.topic)
            for positions in (self._taken, self._queued, self._applied):
                positions[batch.topic] = reseek.expected_offset
            self._control.seek(batch.topic, self.partition, reseek.expected_offset)
