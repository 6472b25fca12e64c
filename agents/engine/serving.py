"""Run an application until it is told to stop or cannot go on.

Must never take longer to stop than the settings allow, nor return zero after a failure.

Theory of operation: the broker and the topics are waited for, visibly and for ever. Then Faust starts everything. On a
signal the pipes finish what they are applying, Faust leaves the group and closes; a timer in a thread of its own ends
the process should any of that hang, or fail and leave something behind that does.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import structlog
import uvloop

from agents.engine.app import EngineApp
from agents.engine.errors import EngineError

log = structlog.get_logger(__name__)

_FAILED = 1
_RETIRE_SHARE = 0.4
Beside = Callable[[EngineApp], AbstractAsyncContextManager[Any]]


def run(build: Callable[[], EngineApp], beside: Beside | None = None) -> int:
    """Build an application inside a fresh uvloop, serve it until SIGTERM or SIGINT, and return the exit status.

    Args:
        build: Makes the application.
        beside: What runs next to it for as long as it does: probes, metrics, senders.
    """

    async def main() -> int:
        stop = stop_signal()
        app = build()
        async with _nothing() if beside is None else beside(app):
            return await serve(app, stop)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(main())
        if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
            sys.stdout.flush()
            os._exit(status)  # the consumer's thread hangs in a rebalance; nothing of ours is left to do
    return status


def stop_signal() -> asyncio.Event:
    """Return an event of the running loop that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def serve(app: EngineApp, stop: asyncio.Event) -> int:
    """Serve an application in the running loop until `stop` is set or it fails; return the exit status."""
    starting = asyncio.ensure_future(_start(app))
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, app.failed)]
    crashed = asyncio.ensure_future(_crashed(app))
    watching = asyncio.ensure_future(_watch(app, starting))
    await asyncio.wait({*waits, crashed}, return_when=asyncio.FIRST_COMPLETED)
    last_resort = threading.Timer(app.engine_config.stop_timeout_ms / 1_000, _end)
    last_resort.daemon = True
    last_resort.start()
    for task in (*waits, crashed, watching):
        task.cancel()
    await _stop(app, starting)  # should this raise, the last resort stays: what is left behind may never end
    last_resort.cancel()
    log.info("engine.stopped", failed=app.failure is not None)
    return 0 if app.failure is None else _FAILED


async def _start(app: EngineApp) -> None:
    try:
        await app.cluster.wait()
        app.in_worker = True
        await app.start()
    except Exception as error:  # noqa: BLE001 - ends the process
        app.fatal(error)


async def _crashed(app: EngineApp) -> None:
    await app._crashed.wait()  # noqa: SLF001 - pinned; set when any of Faust's services ended with an error
    reason = app.crash_reason
    app.fatal(reason if reason is not None else EngineError("a Faust service ended without saying why"))


async def _watch(app: EngineApp, starting: asyncio.Future[None]) -> None:
    await asyncio.wait({starting})
    if app.failure is None:
        await app.watch.run()


async def _stop(app: EngineApp, starting: asyncio.Future[None]) -> None:
    seconds = app.engine_config.stop_timeout_ms / 1_000
    if app.started:
        app.consumer.stop_flow()
        await app.ownership.retire(seconds * _RETIRE_SHARE)
    app.stopping = True
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    if app.started:
        # Not `wait_for`: Faust's services swallow the cancellation and stop on.
        _, late = await asyncio.wait({asyncio.ensure_future(app.stop())}, timeout=seconds * _RETIRE_SHARE)
        if late:
            log.warning("engine.left_without_goodbye", advice="the group notices at the session time-out")
    await app.cluster.close()


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


def _end() -> None:
    log.critical("engine.stop_timed_out", advice="the process ends now; the next owner takes over from the last commit")
    os._exit(_FAILED)
