"""Twenty thousand batches through Faust: neither time nor memory per batch grows.

A regression test for Faust's interval tree of gaps, which costs 7 ms a batch after a thousand and is never emptied.
"""

import asyncio
import time
from itertools import pairwise

import psutil

from agents.engine.batch import Batch
from agents.engine.positioned import PositionedSource
from tests.integration.engine.stage import Stage
from tests.integration.engine.test_positions_kept_elsewhere import Ledger, running

_BATCHES = 20_000
_KEYS = 500
_MEGABYTE = 1_048_576


class Counted(Ledger):
    """A ledger that only counts, so that all that could grow is the engine."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = 0

    def source(self, topic: str) -> PositionedSource:
        async def claim(topic: str, partition: int) -> int:
            return self.next[topic, partition]

        async def apply(batch: Batch) -> None:
            assert batch.start == self.next[batch.topic, batch.partition]
            self.next[batch.topic, batch.partition] = batch.end
            self.batches += 1

        return PositionedSource(topic=topic, claim=claim, apply=apply)


async def test_twenty_thousand_batches_cost_the_same_from_first_to_last(stage: Stage) -> None:
    await stage.send(_BATCHES, keys=_KEYS, topic=stage.milestones)
    ledger, marks = Counted(), []
    async with running(stage, ledger, max_batch_records=1), asyncio.timeout(120):
        for quarter in range(5):
            while ledger.batches < _BATCHES * quarter // 4:  # noqa: ASYNC110 - sampled
                await asyncio.sleep(0.01)
            marks.append((ledger.batches, time.process_time(), psutil.Process().memory_info().rss))
    costs = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(marks)]
    assert costs[3] < 3 * costs[1], costs  # the tree of gaps made it twenty times
    assert marks[4][2] - marks[1][2] < 16 * _MEGABYTE, marks
