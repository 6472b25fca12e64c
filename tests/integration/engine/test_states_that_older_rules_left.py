"""Rules change: states of silent keys are renewed too, once, in bounded steps, at a time that nothing contradicts."""

import asyncio
import json
import signal
import time
from typing import Any

from tests.integration.engine.stage import Stage, Worker, until

QUICK = {"tick_limit": 10, "idle_check_ms": 50}


async def test_a_running_worker_renews_every_silent_key_once_and_in_bounded_steps(stage: Stage) -> None:
    await stage.send(200)
    worker = await stage.worker(config=QUICK)
    await stage.caught_up()
    worker.send(signal.SIGUSR1)
    await until(lambda: swept(worker) >= 100, "every key to be renewed")
    assert all(said["keys"] <= 10 for said in worker.said("swept"))
    assert await worker.stop() == 0, worker.text
    assert {state["rules"] for state in (await stage.counters()).values()} == {2}
    assert len(await told(stage, "renewed")) == 100
    await stage.assert_exact()


async def test_a_taken_partition_is_swept_and_a_crash_in_the_middle_leaves_the_rest_to_the_heir(stage: Stage) -> None:
    await stage.send(200)
    first = await stage.worker()
    await stage.caught_up()
    assert await first.stop() == 0, first.text
    for point in ("sent", "swept"):
        victim = await stage.worker({"point": point, "call": 3, "action": "SIGKILL"}, config=QUICK, rules=2)
        assert await victim.ended() == -signal.SIGKILL
    heir = await stage.worker(config=QUICK, rules=2)
    await until(lambda: swept(heir) >= 50, "the heir to renew the rest")
    await heir.until("ready")
    assert await heir.stop() == 0, heir.text
    assert swept(heir) == 50
    assert {state["rules"] for state in (await stage.counters()).values()} == {2}
    assert len(await told(stage, "renewed")) == 100
    await stage.assert_exact()


async def test_a_sweep_never_lapses_what_unread_records_save(stage: Stage) -> None:
    await stage.send(80, keys=80)
    first = await stage.worker()
    await stage.caught_up()
    due_at = time.monotonic() + 6
    await stage.send(50, keys=50, value=b"due:6000")
    await stage.caught_up()
    assert await first.stop() == 0, first.text
    await stage.send(40, keys=40, value=b"due:1000000")
    await asyncio.sleep(due_at + 0.5 - time.monotonic())
    slow = {"point": "sent", "action": "sleep", "seconds": 0.02}
    second = await stage.worker(slow, config={"max_batch_records": 1, "idle_check_ms": 5}, rules=2)
    await stage.caught_up()
    await all_renewed(stage)
    assert await second.stop() == 0, second.text
    lapses = await told(stage, "lapsed")
    assert [lapse["late"] for lapse in lapses] == [False] * 10
    states = (await stage.counters()).values()
    assert sorted(state["ticks"] for state in states) == [0] * 70 + [1] * 10
    assert {state["rules"] for state in states} == {2}


async def test_silent_keys_are_renewed_while_others_keep_sending(stage: Stage) -> None:
    await stage.send(2_000, keys=1_000)
    worker = await stage.worker(config=QUICK)
    await stage.caught_up()
    done = asyncio.Event()

    async def load() -> None:
        while not done.is_set():
            await stage.send(20, keys=20)
            await asyncio.sleep(0.1)  # a load that a slow machine keeps up with: batches go before a sweep

    loading = asyncio.create_task(load())
    worker.send(signal.SIGUSR1)
    await until(lambda: swept(worker) >= 980, "the silent keys to be renewed")
    done.set()
    await loading
    await stage.caught_up()
    assert await worker.stop() == 0, worker.text
    assert {state["rules"] for state in (await stage.counters()).values()} == {2}
    await stage.assert_exact()


async def all_renewed(stage: Stage) -> None:
    """Wait for the sweep to have come by every key: a tick or an unread record renews some of them before it."""
    for _ in range(600):
        if all(state["rules"] == 2 for state in (await stage.counters()).values()):
            return
        await asyncio.sleep(0.1)


def swept(worker: Worker) -> int:
    return sum(said["keys"] for said in worker.said("swept"))


async def told(stage: Stage, kind: str) -> list[dict[str, Any]]:
    values = [json.loads(record.value) for record in await stage.read(stage.milestones)]
    return [value for value in values if kind in value]
