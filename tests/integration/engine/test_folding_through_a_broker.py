import json

from tests.integration.engine.stage import Stage


async def test_records_fold_through_a_real_broker_exactly_once_and_a_stop_is_orderly(stage: Stage) -> None:
    await stage.send(3_000)
    worker = await stage.worker()
    await stage.caught_up()
    await stage.send(1_000)
    await stage.caught_up()
    assert await worker.stop() == 0, worker.text
    await stage.assert_exact()


async def test_a_restart_goes_on_from_the_restored_state(stage: Stage) -> None:
    await stage.send(1_000)
    first = await stage.worker()
    await stage.caught_up()
    assert await first.stop() == 0, first.text
    await stage.send(1_003)
    second = await stage.worker()
    await stage.caught_up()
    assert sum(step["records"] for step in second.said("restored")) >= 100
    assert await second.stop() == 0, second.text
    await stage.assert_exact()


async def test_profiles_are_folded_up_to_their_end_before_the_first_event(stage: Stage) -> None:
    await stage.send(100, topic=stage.clients)
    for number in reversed(range(100)):  # the first event is of a client whose profile comes last
        await stage.producer.send(stage.events, key=b"t/%d" % number, value=b"x")
    await stage.send(1_000)
    worker = await stage.worker(config={"max_batch_records": 10})
    await stage.caught_up()
    assert await worker.stop() == 0, worker.text
    first_seen: dict[bytes, int] = {}
    for record in await stage.read(stage.changelog):
        if not record.key.startswith(b"\0"):
            first_seen.setdefault(record.key, json.loads(record.value[25:])["count"])
    assert all(count >= 1_000_000 for count in first_seen.values())
