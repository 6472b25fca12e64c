"""Cairn's own processes, started as an operator starts them and ended when they are no longer measured."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from agents.embedded.child import Child
from agents.embedded.ports import LOOPBACK
from agents.stack import CAIRN
from tests.benchmarks.peer import NotMeasuredError
from tests.benchmarks.stage import Stage

_READY_SECONDS = 180.0
_GRACE_SECONDS = 25.0


@asynccontextmanager
async def running(stage: Stage, *names: str) -> AsyncIterator[tuple[Child, ...]]:
    """Run `cairn NAME` for each name, ready from the first moment of the block to its last.

    Raises:
        ChildFailedError: one was not ready within three minutes; the text quotes its log.
        NotMeasuredError: of the block, with what the processes logged last.
    """
    children: list[Child] = []
    async with AsyncExitStack() as stack:
        for name in names:
            log = stage.folder / "logs" / f"cairn-{name}.log"
            child = Child(name, (CAIRN, name), log=log, env=stage.env, grace_seconds=_GRACE_SECONDS)
            stack.push_async_callback(asyncio.to_thread, child.stop)
            child.start()
            url = f"http://{LOOPBACK}:{stage.env[f'CAIRN_{name.upper()}_PROBE_PORT']}/readyz"
            await asyncio.to_thread(child.wait_until, partial(is_ready, url), _READY_SECONDS)
            children.append(child)
        try:
            yield tuple(children)
        except NotMeasuredError as error:
            logs = "\n".join(f"{child.name} said at last:\n{child.tail(5)}" for child in children)
            raise NotMeasuredError(f"{error}\n{logs}") from None


def is_ready(url: str) -> bool:
    """Whether a probe answers that all is well; one that takes hooks without Kafka is not what is measured."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - an address of this machine
            return set(json.load(answer)["checks"].values()) <= {"ok"}
    except (urllib.error.URLError, OSError):
        return False
