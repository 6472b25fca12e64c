"""Looks at the running engine once a second: losses, due keys, dead parts; and answers whether it lives.

Must never let something be only logged: a part that ended while the application runs ends the process.

Theory of operation: the wall clock decides only where nothing is left to read. It is read first, then the end offsets
of the idle partitions with due keys; a pipe that has taken everything up to those ends has seen every record appended
before that moment. A backlog therefore never lapses what its unread records would have saved.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

import structlog
from aiokafka import TopicPartition

from agents.engine.config import EngineConfig
from agents.engine.errors import BrokerAwayError, EngineError
from agents.engine.store import PartitionStates
from agents.engine.turns import Turns

log = structlog.get_logger(__name__)

_STALL_SECONDS = 60.0
_CONNECTED_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionStatus:
    """A source partition, sampled.

    Args:
        lag_records: Committed records that a reader could have and we have not taken.
        open_records: Records beyond them that belong to transactions still open.
        paused: Whether too many refusals have stopped it.
    """

    topic: str
    partition: int
    lag_records: int
    open_records: int
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What can be sampled, for probes and metrics.

    Args:
        assigned: Partition numbers that the group gave us.
        ready: All of them are restored and being read.
        connected: The broker has answered a fetch lately, or there is nothing to fetch.
        states: How many keys have a state.
        state_bytes: How many bytes they take.
        stalled_seconds: How long there has been lag without progress, 0 while there is progress or nothing to do.
        partitions: Every source partition owned.
    """

    assigned: int
    ready: bool
    connected: bool
    states: int
    state_bytes: int
    stalled_seconds: float
    partitions: tuple[PartitionStatus, ...]

    @property
    def live(self) -> bool:
        """Whether restarting the process could not help: false only when it has work, a broker, and no progress."""
        return not (self.ready and self.connected) or self.stalled_seconds < _STALL_SECONDS


class Watch:
    """The engine's eye on itself.

    Args:
        app: The Faust application.
        config: The engine's settings.
        states: The states by partition; empty for an application without.
        domain_now: The wall clock in domain milliseconds; None for an application without deadlines.
    """

    def __init__(
        self,
        app: Any,
        config: EngineConfig,
        states: Mapping[int, PartitionStates],
        domain_now: Callable[[], int] | None,
    ) -> None:
        self._app = app
        self._config = config
        self._states = states
        self._domain_now = domain_now
        self._turns = None if domain_now is None else Turns(app, domain_now)
        self._done: dict[int, tuple[int, ...]] = {}
        self._progress_at = monotonic()

    def status(self) -> Status:
        """Sample everything."""
        app = self._app
        sampled = app.consumer.thread.positions() if app.started else {}
        partitions = tuple(
            PartitionStatus(
                topic=topic,
                partition=number,
                lag_records=max(0, (sampled[tp][1] or 0) - taken),
                open_records=max(0, (sampled[tp][2] or 0) - (sampled[tp][1] or 0)),
                paused=pipe.paused,
            )
            for number, pipe in app.ownership.pipes.items()
            for topic, taken in pipe.taken.items()
            if (tp := TopicPartition(topic, number)) in sampled
        )
        newest = max((at for *_, at in sampled.values() if at is not None), default=0)
        return Status(
            assigned=app.ownership.assigned,
            ready=app.ownership.ready,
            connected=not sampled or time() - newest / 1_000 < _CONNECTED_SECONDS,
            states=sum(len(states.values) for states in self._states.values()),
            state_bytes=sum(states.bytes for states in self._states.values()),
            stalled_seconds=monotonic() - self._progress_at,
            partitions=partitions,
        )

    async def run(self) -> None:
        """Look once a second until cancelled; an error ends the process."""
        looks = [self._look] if self._turns is None else [self._look, self._turns.look]
        await asyncio.gather(*map(self._repeat, looks))

    async def _repeat(self, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(self._config.idle_check_ms / 1_000)
            try:
                await look()
            except BrokerAwayError as error:
                log.warning("engine.waiting_for_broker", error=str(error))
            except Exception as error:  # noqa: BLE001 - ends the process
                self._app.fatal(error)

    async def _look(self) -> None:
        app = self._app
        if broken := app.consumer.thread.broken():
            raise EngineError(f"{broken}: the process ends, because it would heartbeat and do nothing")
        if not app.ownership.ready:
            self._progress_at = monotonic()
            return
        positions = app.consumer.thread.positions()
        for number, pipe in app.ownership.pipes.items():
            read = {tp.topic: sample[0] for tp, sample in positions.items() if tp.partition == number}
            pipe.look_for_losses(read)
        self._look_for_progress()
        await self._look_for_due()

    def _look_for_progress(self) -> None:
        pipes = self._app.ownership.pipes
        done = {number: (pipe.steps, *pipe.taken.values()) for number, pipe in pipes.items()}
        behind = any(status.lag_records and not status.paused for status in self.status().partitions)
        busy = any(not pipe.idle for pipe in pipes.values())
        if done != self._done or not (behind or busy):
            self._done = done
            self._progress_at = monotonic()

    async def _look_for_due(self) -> None:
        if self._domain_now is None:
            return
        now_ms = self._domain_now()
        due = {}
        for number, pipe in self._app.ownership.pipes.items():
            states = self._states.get(number)
            next_ms = None if states is None else states.deadlines.next_ms()
            if next_ms is not None and next_ms <= now_ms and pipe.idle and not pipe.paused:
                due[number] = pipe
        if due:
            ends = await self._app.cluster.source_ends(due)
            for number, pipe in due.items():
                pipe.tick_at(now_ms, ends[number])
