"""Twenty thousand transactions through Faust: neither time nor memory per batch grows.

A regression test for Faust's interval tree of gaps, which costs 7 ms a batch after a thousand and is never emptied.
"""

from itertools import pairwise

import psutil

from tests.integration.engine.stage import Stage, until

_BATCHES = 20_000
_KEYS = 400
_MEGABYTE = 1_048_576


async def test_twenty_thousand_transactions_cost_the_same_from_first_to_last(stage: Stage) -> None:
    await stage.send(_BATCHES * 2, keys=_KEYS)
    worker = await stage.worker(config={"max_batch_records": 2})  # of one, no batch would leave a gap
    process = psutil.Process(worker.process.pid)
    marks = []
    for part in range(1, 11):
        wanted = _BATCHES * part // 10
        await until(lambda wanted=wanted: len(worker.steps) >= wanted, f"{wanted} batches")
        times = process.cpu_times()
        marks.append((len(worker.steps), times.user + times.system, process.memory_info().rss))
    await stage.caught_up()
    assert len(worker.said("committed")) >= _BATCHES
    costs = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(marks)]
    assert max(costs[-3:]) < 3 * min(costs), costs  # the tree of gaps made it twenty times
    assert marks[-1][2] - marks[1][2] < 16 * _MEGABYTE, marks
    assert await worker.stop() == 0, worker.text
    await stage.assert_exact()
