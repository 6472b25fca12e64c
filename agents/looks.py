"""Looks: when a process looks again at files that may have changed under it."""

import asyncio
import signal
from collections.abc import AsyncGenerator

INTERVAL_SECONDS = 2.0


async def looks(interval_seconds: float = INTERVAL_SECONDS) -> AsyncGenerator[bool, None]:
    """Every few seconds, and at SIGHUP at once, until it is closed; one a process, for a signal has one handler.

    Yields:
        Whether a change is to be read only when a second look finds the same: an editor may still be writing,
        and SIGHUP says that nobody is.
    """
    hurry, loop = asyncio.Event(), asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGHUP)
    loop.add_signal_handler(signal.SIGHUP, hurry.set)
    try:
        while True:
            try:
                async with asyncio.timeout(interval_seconds):
                    await hurry.wait()
            except TimeoutError:
                yield True
            else:
                hurry.clear()
                yield False
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        signal.signal(signal.SIGHUP, before)


def ignore_hangups() -> None:
    """Let SIGHUP end this process neither before somebody looks nor after it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
