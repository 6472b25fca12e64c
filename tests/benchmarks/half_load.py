"""Latency at half of capacity: the way from append to milestone while the tracker is half busy.

The background is the bench's load at half of what one process was found to track; among it 200 first sessions a second
are timed as at a light load. Broker, database, load and reader share the machine with the tracker, so on two cores this
is half of the tracker's capacity, and nearly all of the machine's.
"""

import asyncio
import json
import sys
from pathlib import Path

from agents.embedded.child import Child
from schemas.topics import TRACKER_APP_ID
from tests.benchmarks import background, latency, load, scraping, services, tracking
from tests.benchmarks import stage as stages
from tests.benchmarks.peer import NotMeasuredError
from tests.benchmarks.stage import Stage

_ROOT = Path(__file__).parents[2]
_BEGIN_SECONDS = 180.0  # a minute of load at 30,000 a second is made before it begins
_LATE_SECONDS = 0.25
_SETTLE_SECONDS = 3.0
WARM_SECONDS, SECONDS = 20, 20


async def capacity(stage: Stage, steady_days: int) -> float:
    """Events a second of one tracker process, where no other part has found them."""
    await stages.clear(stage, groups=[TRACKER_APP_ID])
    ends = await stages.fill(stage, load.log(steady_days=steady_days, partitions=stage.partitions))
    return (await tracking.track(stage, sum(ends.values()))).events_per_second


async def measure(
    stage: Stage, rate: float, *, warm_seconds: int = WARM_SECONDS, seconds: int = SECONDS
) -> dict[str, float]:
    """The latency while so many events a second come in beside those that are timed.

    Raises:
        NotMeasuredError: the load did not leave on schedule, or an event had no answer.
    """
    await stages.clear(stage, groups=[TRACKER_APP_ID])
    lasting = warm_seconds + seconds + 2 * _SETTLE_SECONDS
    argv = (sys.executable, "-m", background.__name__, stage.kafka, str(rate), str(lasting))
    log = stage.folder / "logs" / "background.log"
    child = Child("background", argv, log=log, env={**stage.env, "PYTHONPATH": str(_ROOT)})
    async with services.running(stage, "track"):
        child.start()
        try:
            await asyncio.to_thread(child.wait_until, lambda: "ready" in child.tail(), _BEGIN_SECONDS)
            await asyncio.sleep(_SETTLE_SECONDS)
            before = scraping.scrape(stage, "track")
            found = await latency.to_milestone(stage, warm_seconds=warm_seconds, seconds=seconds)
            after = scraping.scrape(stage, "track")
            await asyncio.to_thread(child.wait, lasting)
        finally:
            await asyncio.to_thread(child.stop)
    said = json.loads(child.tail(1))
    if said["late_seconds"] > _LATE_SECONDS:
        raise NotMeasuredError(f"this machine could not send {rate:,.0f} events/s: {said['late_seconds']} s late")
    return {
        "half_load_events_per_second": rate,
        "half_load_p50_ms": latency.percentile(found, 50),
        "half_load_p99_ms": latency.percentile(found, 99),
        "half_load_records_per_batch": scraping.records_per_batch(before, after),
    }
