"""Kills, pauses and rebalances: outputs and counters stay exact."""

import asyncio
import signal

from tests.integration.engine.stage import Stage, until

# Longer than any test: only the fence can end what a dead or paused owner left open.
PATIENT = {"transaction_timeout_ms": 60_000}


async def test_a_worker_killed_before_and_one_killed_after_its_commit_lose_and_double_nothing(stage: Stage) -> None:
    await stage.send(3_000)
    for point in ("sent", "committed"):
        victim = await stage.worker({"point": point, "call": 6, "action": "SIGKILL"}, config=PATIENT)
        assert await victim.ended() == -signal.SIGKILL
    heir = await stage.worker(config=PATIENT)
    await stage.caught_up()
    assert await heir.stop() == 0, heir.text
    await stage.assert_exact()


async def test_a_worker_paused_inside_a_transaction_beyond_its_session_is_fenced(stage: Stage) -> None:
    await stage.send(3_000)
    zombie = await stage.worker({"point": "sent", "call": 6, "action": "SIGSTOP"}, config=PATIENT)
    await zombie.until("hurt")
    second = await stage.worker(config=PATIENT)
    await stage.caught_up()
    zombie.send(signal.SIGCONT)
    await stage.send(2_000)
    await stage.caught_up()
    await stage.send(1_000)
    await stage.caught_up()
    await zombie.stop()
    assert await second.stop() == 0, second.text
    await stage.assert_exact()


async def test_partitions_move_between_workers_under_load(stage: Stage) -> None:
    done = asyncio.Event()

    async def load() -> None:
        while not done.is_set():
            await stage.send(100)
            await asyncio.sleep(0.1)

    loading = asyncio.create_task(load())
    first = await stage.worker()
    await first.until("committed")
    second = await stage.worker()
    await second.until("committed")
    third = await stage.worker()
    await third.until("committed")
    assert await first.stop() == 0, first.text
    before = len(second.said("committed"))
    await until(lambda: len(second.said("committed")) > before + 5, "the second worker to go on")
    assert await second.stop() == 0, second.text
    done.set()
    await loading
    await stage.caught_up()
    assert await third.stop() == 0, third.text
    await stage.assert_exact()


async def test_a_restore_slower_than_the_request_timeout_still_ends_in_a_working_worker(stage: Stage) -> None:
    slow = await stage.worker(
        {"point": "restored", "action": "sleep", "seconds": 1.75}, config={"request_timeout_ms": 6_000}
    )
    await stage.send(400)
    await stage.caught_up()
    assert await slow.stop() == 0, slow.text
    await stage.assert_exact()


async def test_twenty_seconds_are_never_needed_to_stop_under_load(stage: Stage) -> None:
    await stage.send(20_000)
    worker = await stage.worker()
    await worker.until("committed", 5)
    worker.send(signal.SIGTERM)
    async with asyncio.timeout(20):
        assert await worker.ended() == 0, worker.text
    second = await stage.worker()
    await stage.caught_up()
    assert await second.stop() == 0, second.text
    await stage.assert_exact()


async def test_workers_told_to_stop_while_the_group_rebalances_stop_in_order(stage: Stage) -> None:
    await stage.send(2_000)
    workers = [await stage.worker() for _ in range(3)]
    for worker in workers:
        await worker.until("ready")
    for worker in workers:
        worker.send(signal.SIGTERM)
        await asyncio.sleep(0.3)  # about when the others hear of it
    async with asyncio.timeout(20):
        assert [await worker.ended() for worker in workers] == [0, 0, 0], workers[-1].text
    heir = await stage.worker()
    await heir.until("ready")
    await stage.caught_up()
    assert await heir.stop() == 0, heir.text
    await stage.assert_exact()
