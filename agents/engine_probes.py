"""The probes' questions to a running engine: does it make progress, and is it at work."""

import asyncio
from dataclasses import dataclass

from agents.engine.app import EngineApp
from agents.web.probes import Check

_TURN_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChecks:
    """What `/livez` and `/readyz` ask."""

    live: dict[str, Check]
    ready: dict[str, Check]


def engine_checks(app: EngineApp) -> EngineChecks:
    """The checks of one engine; none of them asks a dependency."""

    async def progress() -> str | None:
        status = app.watch.status()
        if status.live:
            return None
        return f"behind, connected, and nothing committed for {status.stalled_seconds:.0f} s"

    async def joined() -> str | None:
        status = app.watch.status()
        if not status.ready:
            return "joining the group or restoring state"
        return None if status.connected else "the broker has not answered lately"

    return EngineChecks(live={"loop": _loop_turns, "progress": progress}, ready={"engine": joined})


async def _loop_turns() -> str | None:
    async with asyncio.timeout(_TURN_SECONDS):
        await asyncio.sleep(0)
    return None
