"""Faust's consumer, whose messages are whole batches.

Must never hand on a record one by one, nor try to be clever about a batch that gets lost on its way.

Theory of operation: Faust's fetcher task iterates `getmany` and gives every message to the conductor, which puts it
into the agent's stream. Here a message is a whole chunk: its value is a `Batch`. Where a batch is dropped on that way
(flow suspended, generation changed, a delivery cancelled) the pipe notices, because it compares offsets.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import uvloop
from faust.serializers.schemas import Schema
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from agents.engine.batch import Batch
from agents.engine.config import EngineConfig
from agents.engine.thread import BatchThread


class _NothingRead(dict[TP, int | None]):
    """Faust's memory of what it delivered: always empty, because pipes decide what is old."""

    def __missing__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: object) -> None:
        """Forget at once."""

    def update(self, *_: Any, **__: Any) -> None:
        """Forget at once."""


class BatchConsumer(driver.Consumer):
    """Faust's consumer whose messages are batches."""

    app: Any
    _thread: BatchThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NothingRead()

    @property
    def config(self) -> EngineConfig:
        """The engine's settings."""
        return self.app.engine_config  # type: ignore[no-any-return] # Faust is untyped

    @property
    def wants(self) -> Callable[[str, int], bool]:
        """Whether a pipe has room for a batch of this topic and partition."""
        return self.app.wants  # type: ignore[no-any-return] # Faust is untyped

    @property
    def thread(self) -> BatchThread:
        """The thread in which aiokafka's consumer lives."""
        return self._thread

    def _new_consumer_thread(self) -> BatchThread:
        thread = BatchThread(self, loop=self.loop, thread_loop=uvloop.new_event_loop(), beacon=self.beacon)
        thread._close_thread_loop_on_stop = True  # noqa: SLF001 - pinned; nobody else knows this loop
        return thread

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - Faust's signature
        """Yield each fetched chunk as one message."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type] # an Event is waited for too
        for batch in await self._thread.fetch(timeout):
            if not self.flow_active or self.should_stop:
                return  # the pipe, if there is one, will miss the rest and ask again
            tp = TP(batch.topic, batch.partition)
            yield tp, _message(tp, batch, self.app.consumer_generation_id)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: pipes look for losses themselves, and /livez for progress."""


class BatchTransport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = BatchConsumer


class BatchSchema(Schema[Any, Any]):
    """Decodes nothing: a message's value is a batch already."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        """Return None: a batch has no key."""

    def loads_value(self, app: Any, message: Any, **_: Any) -> Batch:  # noqa: ARG002 - Faust's signature
        """Return the batch."""
        return message.value  # type: ignore[no-any-return] # Faust is untyped


def _message(tp: TP, batch: Batch, generation: int) -> ConsumerMessage:
    none: Any = None
    value: Any = batch
    unset = (none, none, none, none)
    return ConsumerMessage(
        tp.topic, tp.partition, batch.start, *unset, value, none, none, none, tp, generation_id=generation
    )
