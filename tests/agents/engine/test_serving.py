"""An end comes in time, also where the way to it fails."""

import asyncio
import os
import signal
import sys
from pathlib import Path

_PROGRAM = """
import asyncio, contextlib
from types import SimpleNamespace
from agents.engine.serving import run

async def wait():
    print("waiting", flush=True)
    await asyncio.Event().wait()

async def close():
    raise RuntimeError("the handler is closed")

async def cling():
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)

def build():
    return SimpleNamespace(
        cluster=SimpleNamespace(wait=wait, close=close), engine_config=SimpleNamespace(stop_timeout_ms=1_000),
        failed=asyncio.Event(), _crashed=asyncio.Event(), failure=None, started=False,
    )

@contextlib.asynccontextmanager
async def beside(_app):
    clinging = asyncio.create_task(cling())
    yield clinging

raise SystemExit(run(build, beside))
"""
_ROOT = Path(__file__).parents[3]
_PATIENCE_SECONDS = 60


async def test_a_stop_that_fails_half_way_still_ends_the_process() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(_ROOT)}
    )
    assert process.stdout is not None
    try:
        assert b"waiting" in await process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            assert await process.wait() == 1
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
