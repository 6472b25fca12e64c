"""Partitions per worker: what 8, 24 and 64 of them in one process cost, with the same events in each.

Every partition has a producer, a pipe and a transaction of its own, so many of them make smaller batches; the size of
the batches is taken beside the speed. The worker has all partitions, as it has after the others were lost.
"""

from schemas.topics import TRACKER_APP_ID
from tests.benchmarks import load, tracking
from tests.benchmarks import stage as stages
from tests.benchmarks.stage import PARTITIONS, Stage

COUNTS = (PARTITIONS, 24, 64)


async def measure(stage: Stage, partitions: int, steady_days: int) -> dict[str, float]:
    """Track the bench's load over so many partitions."""
    wider = stage.of(partitions)
    await stages.clear(wider, groups=[TRACKER_APP_ID])
    ends = await stages.fill(wider, load.log(steady_days=steady_days, partitions=partitions))
    return (await tracking.track(wider, sum(ends.values()))).figures(f"partitions_{partitions}")
