"""Faust's recovery service, which after a rebalance makes the assignment ours instead of replaying tables.

Must never resume the flow before every partition is fenced, restored and sought in one generation, and must never end
quietly: a recovery that stops while the application runs leaves a worker that heartbeats and does nothing.

Theory of operation: Faust signals each rebalance; the loop here runs one attempt at a time and drops it when the next
signal arrives. Faust's own loop bounds a restore with `broker_request_timeout`, resumes before it has sought, and
reads changelogs through the group's consumer; none of it is used. Changelog records that still reach Faust's queue (as
happened to a resumed zombie) are thrown away.
"""

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from faust.tables.manager import TableManager as FaustTableManager
from faust.tables.recovery import Recovery as FaustRecovery
from mode import Service

from agents.engine.errors import SupersededError

log = structlog.get_logger(__name__)


class Recovery(FaustRecovery):
    """Owns what the group assigned."""

    app: Any

    @Service.task
    async def _restart_recovery(self) -> None:
        try:
            while not self.should_stop:
                if await self.wait_for_stopped(self.signal_recovery_start):  # type: ignore[arg-type] # an Event is waited for too
                    return
                self.signal_recovery_start.clear()
                await self._attempt(self._generation_id)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - ends the process
            self.app.fatal(error)

    async def _attempt(self, generation: int) -> None:
        owning = asyncio.ensure_future(self.app.ownership.own(generation))
        signalled = asyncio.ensure_future(self.signal_recovery_start.wait())
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({owning, signalled, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not owning.done():
                owning.cancel()
            with suppress(asyncio.CancelledError, SupersededError):
                await owning
                await self._finish()
        finally:
            for waiter in (owning, signalled, stopped):
                waiter.cancel()

    async def _finish(self) -> None:
        """Let Faust go on; every source partition has been sought already."""
        app, consumer = self.app, self.app.consumer
        self._set_recovery_ended()
        consumer.resume_partitions({tp for tp in consumer.assignment() if not self._is_changelog_tp(tp)})
        self.completed.set()
        app.flow_control.resume()
        consumer.resume_flow()
        await app._fetcher.maybe_start()  # noqa: SLF001 - pinned
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        if app.rebalancing:
            app.on_rebalance_end()
        consumer.thread.wake()

    @Service.task
    async def _slurp_changelogs(self) -> None:
        while not self.should_stop:
            await self.tables.changelog_queue.get()

    @Service.task
    async def _publish_stats(self) -> None:
        """Do nothing: observers and probes tell."""


class TableManager(FaustTableManager):
    """Faust's table manager with our recovery."""

    async def on_start(self) -> None:
        """Register the table and start the recovery, without Faust's second of rest: agents have started."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> Any:
        """The recovery service, made once."""
        if self._recovery is None:
            self._recovery = Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
