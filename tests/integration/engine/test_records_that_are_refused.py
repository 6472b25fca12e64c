"""Poison, wrong partitioners and broken sources: the next record goes on, and nothing is drained into dead letters."""

from collections import Counter

from aiokafka import AIOKafkaProducer

from agents.engine.partitioner import partition_for
from tests.integration.engine.stage import Stage, Worker, until


async def test_poison_goes_to_the_dead_letters_unchanged_and_the_next_record_goes_on(stage: Stage) -> None:
    await stage.send(100)
    headers = [("trace", b"abc")]
    wrong = (partition_for(b"t/1", stage.partitions) + 1) % stage.partitions
    await stage.producer.send(stage.events, key=b"t/1", value=b"boom", headers=headers)
    await stage.producer.send(stage.events, key=b"t/2", value=b"bad")
    await stage.producer.send(stage.events, key=b"t/new", value=b"x", partition=wrong)
    await stage.producer.send(stage.events, key=None, value=b"x")
    await stage.producer.send(stage.events, key=b"\0cairn.bookmark", value=b"x")
    await stage.send(100)
    worker = await stage.worker()
    await stage.caught_up()
    assert await worker.stop() == 0, worker.text
    await stage.assert_exact()
    letters = await stage.read(stage.dead_letters)
    reasons = Counter(dict(letter.headers)["cairn-dead-letter-reason"] for letter in letters)
    misplaced = 1 if partition_for(b"t/new", stage.partitions) != wrong else 0
    assert reasons == {b"fold_error": 1, b"bad": 1, b"no_key": 2, b"wrong_partition": misplaced}
    boom = next(letter for letter in letters if letter.value == b"boom")
    told = dict(boom.headers)
    assert (boom.key, told["trace"]) == (b"t/1", b"abc")
    assert told["cairn-dead-letter-topic"] == stage.events.encode()
    assert int(told["cairn-dead-letter-offset"]) >= 0


async def test_a_source_that_sends_only_poison_pauses_its_partition_and_no_other(stage: Stage) -> None:
    broken = partition_for(b"t/0", stage.partitions)
    await stage.send(200)
    for _ in range(300):
        await stage.producer.send(stage.events, key=b"t/0", value=b"bad")
    await stage.producer.flush()
    worker = await stage.worker(config={"breaker_limit": 20})
    await worker.until("tripped")
    assert {step["partition"] for step in worker.said("tripped")} == {broken}
    healthy = next(
        b"t/%d" % number for number in range(50) if partition_for(b"t/%d" % number, stage.partitions) != broken
    )
    for _ in range(10):
        await stage.producer.send(stage.events, key=healthy, value=b"x")
        stage.expected[healthy] += 1
    await stage.producer.flush()
    assert await worker.stop() == 0, worker.text
    assert len(await stage.read(stage.dead_letters)) == 20
    second = await stage.worker(config={"breaker_limit": 20})
    await second.until("tripped")
    await second.stop()
    assert len(await stage.read(stage.dead_letters)) == 20
    third = await stage.worker(config={"breaker_limit": 1_000})
    await stage.caught_up()
    assert await third.stop() == 0, third.text
    assert len(await stage.read(stage.dead_letters)) == 300
    await stage.assert_exact()


async def test_a_refused_record_that_only_compression_made_small_is_set_aside_like_any_other(stage: Stage) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=stage.bootstrap_servers, compression_type="gzip", max_request_size=5_000_000
    )
    await producer.start()
    where = await producer.send_and_wait(stage.events, key=b"t/1", value=b"bad" + b" " * 3_000_000)
    await producer.stop()
    await stage.send(100)
    worker = await stage.worker()
    await stage.caught_up()
    assert await worker.stop() == 0, worker.text
    await stage.assert_exact()
    (letter,) = await stage.read(stage.dead_letters)
    told = dict(letter.headers)
    assert (letter.key, letter.value) == (b"t/1", None)
    assert int(told["cairn-dead-letter-offset"]) == where.offset


async def test_states_that_cannot_be_handled_are_set_aside_and_the_worker_goes_on_until_they_can(stage: Stage) -> None:
    flawed = (b"t/1", b"t/2", b"t/3")
    await stage.send(100)
    worker = await stage.worker(config={"idle_check_ms": 50})
    await stage.caught_up()
    for key, function in zip(flawed, ("decode", "tick", "encode"), strict=True):
        await stage.producer.send(stage.events, key=key, value=f"flaw:{function}".encode())
    await stage.producer.flush()
    await until(lambda: keys(worker, "parked") == 2, "the keys to be parked")
    await stage.send(100)
    await stage.caught_up()
    assert await worker.stop() == 0, worker.text
    reasons = Counter(
        (letter.key, letter.value, dict(letter.headers)["cairn-dead-letter-reason"])
        for letter in await stage.read(stage.dead_letters)
    )
    assert set(reasons.values()) == {1}
    assert reasons.keys() == {
        (b"t/1", b"x", b"state_error"),
        (b"t/2", b"x", b"state_error"),
        (b"t/3", b"flaw:encode", b"state_error"),
    }
    assert keys(worker, "parked") == 2  # and asked for no more
    heir = await stage.worker(config={"idle_check_ms": 50}, mended=True)
    await until(lambda: keys(heir, "ticked") == 2, "what was parked to be ticked")
    assert await heir.stop() == 0, heir.text
    await stage.assert_exact()  # the flaw counted for one, as the record did that was set aside after it
    states = await stage.counters()
    assert [states[key]["ticks"] for key in flawed] == [1, 1, 0]


def keys(worker: Worker, step: str) -> int:
    return sum(said["keys"] for said in worker.said(step))
