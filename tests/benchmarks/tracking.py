"""One run of the tracker alone over a topic that is filled already, and what it says of itself at the end.

`cairn track` is started as an operator starts it. What is measured begins when it is ready, its states restored, and
ends when all that the topic holds is committed: CPU time over all events, so no half-done batch counts at either end.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient

from schemas.topics import TRACKER_APP_ID
from tests.benchmarks import scraping, services
from tests.benchmarks.peer import NotMeasuredError, committed_by
from tests.benchmarks.processes import cpu_seconds, peak_megabytes, process_of
from tests.benchmarks.stage import Stage

_LOOK_SECONDS = 0.1
_STALL_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What a run of the tracker measured, and the metrics that it showed before it was stopped."""

    events_per_second: float
    cpu_us_per_event: float
    peak_mb: float
    metrics: Mapping[str, float]

    def figures(self, name: str) -> dict[str, float]:
        """What was measured under a name of its own."""
        return {
            f"{name}_events_per_second": self.events_per_second,
            f"{name}_cpu_us_per_event": self.cpu_us_per_event,
            f"{name}_peak_mb": self.peak_mb,
            f"{name}_records_per_batch": scraping.records_per_batch({}, self.metrics),
        }


async def track(stage: Stage, events: int) -> Tracked:
    """Track everything that the topic holds.

    Args:
        stage: the running servers.
        events: how many those are.

    Raises:
        ChildFailedError: the tracker was not ready in time.
        NotMeasuredError: it stood still.
    """
    async with services.running(stage, "track") as (child,):
        process = process_of(child)
        began_at, used = time.monotonic(), cpu_seconds(process)
        await _until_committed(stage, events)
        seconds, used = time.monotonic() - began_at, cpu_seconds(process) - used
        return Tracked(
            events_per_second=events / seconds,
            cpu_us_per_event=used / events * 1e6,
            peak_mb=peak_megabytes(process),
            metrics=await asyncio.to_thread(scraping.scrape, stage, "track"),
        )


async def _until_committed(stage: Stage, events: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.kafka)
    await admin.start()
    try:
        done, moved_at = 0, time.monotonic()
        while done < events:
            await asyncio.sleep(_LOOK_SECONDS)
            before, done = done, sum((await committed_by(admin, TRACKER_APP_ID)).values())
            moved_at = time.monotonic() if done > before else moved_at
            if time.monotonic() - moved_at > _STALL_SECONDS:
                raise NotMeasuredError(f"the tracker stands still after {done} of {events} events")
    finally:
        await admin.close()
