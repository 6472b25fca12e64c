"""Kafka goes away and comes back; a broker of this module's own is stopped and started."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.ports import usable_port
from agents.intake.outgoing import Outgoing
from agents.intake.producer import Producer
from agents.intake.spool import Spool, SpoolDamaged, SpoolFull
from demo.vendors.habits import signed_webhook
from schemas.topics import EVENTS
from tests.integration.intake.stage import (
    WEBHOOK_SECRET,
    Stage,
    booking,
    checked,
    open_stage,
    provision,
    read_all,
    until,
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    broker = EmbeddedKafka(tmp_path_factory.mktemp("kafka"), port=usable_port())
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture
async def stage(broker: EmbeddedKafka, database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(
        broker.bootstrap_servers, database, tmp_path, spool_max_bytes=8_192, produce_seconds=1.0
    ) as stage:
        yield stage


@asynccontextmanager
async def running(producer: Producer) -> AsyncIterator[None]:
    await producer.open()
    task = asyncio.create_task(producer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        producer.close()


async def test_hooks_are_taken_while_kafka_is_away_until_the_spool_is_full_and_none_is_lost(
    stage: Stage, broker: EmbeddedKafka
) -> None:
    stage.acuity.book(booking())
    await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), "scheduled", 54321)
    await until(lambda: stage.intake.producer.is_live)
    await asyncio.to_thread(broker.stop)
    answers, number = [202], 0
    try:
        while answers[-1] == 202:
            number += 1
            body, headers = signed_webhook(WEBHOOK_SECRET, f"m{number}", checked(f"u-{number}"))
            async with stage.session.post(stage.hook_url("tracker"), data=body, headers=headers) as answer:
                answers.append(answer.status)
                retry_after = answer.headers.get("Retry-After")
    finally:
        await asyncio.to_thread(broker.start)
    assert (answers[-1], retry_after) == (503, "30")
    assert number > 5
    await until(lambda: stage.intake.producer.is_live)
    accepted = {f"tracker:m{n}" for n in range(1, number)}
    assert {event.id for event in await stage.events() if event.type == "habit.checked"} == accepted


async def test_profiles_of_a_client_stay_in_order_through_an_outage(stage: Stage, broker: EmbeddedKafka) -> None:
    await until(lambda: stage.intake.producer.is_live)
    await asyncio.to_thread(broker.stop)
    try:
        for number in range(3):
            client = {"id": "u-1", "name": f"Ana {number}"}
            body, headers = signed_webhook(WEBHOOK_SECRET, f"m{number}", checked(client))
            assert await stage.post("tracker", body, headers) == 202
    finally:
        await asyncio.to_thread(broker.start)
    body, headers = signed_webhook(WEBHOOK_SECRET, "m3", checked({"id": "u-1", "name": "Ana 3"}))
    assert await stage.post("tracker", body, headers) == 202
    await until(lambda: stage.intake.producer.is_live)
    names = [profile.name for _, profile in await stage.profiles() if profile]
    assert names == sorted(names)
    assert names[-1] == "Ana 3"


async def test_what_a_dead_process_had_spooled_is_sent_by_the_next_one(broker: EmbeddedKafka, tmp_path: Path) -> None:
    await provision(broker.bootstrap_servers)
    spool = Spool(tmp_path, max_bytes=1 << 20)
    spool.open()
    records = [Outgoing(topic=EVENTS, key=f"{tmp_path.name}/{n}".encode(), value=b"{}") for n in range(2_000)]
    await spool.append(records)
    spool.close()
    producer = Producer({"bootstrap_servers": broker.bootstrap_servers}, Spool(tmp_path, max_bytes=1 << 20))
    async with running(producer):
        await until(lambda: producer.is_live)
    sent = await read_all(broker.bootstrap_servers, EVENTS, f"{tmp_path.name}/".encode())
    assert {record.key for record in sent} == {record.key for record in records}


async def test_a_spool_that_cannot_be_read_ends_the_process_and_the_next_one_sends_every_whole_record(
    broker: EmbeddedKafka, tmp_path: Path
) -> None:
    await provision(broker.bootstrap_servers)
    options, path = {"bootstrap_servers": broker.bootstrap_servers}, tmp_path / "intake.spool"
    producer = Producer(options, Spool(tmp_path, max_bytes=1 << 20))
    await producer.open()
    await producer.deliver(
        [Outgoing(topic=EVENTS, key=f"{tmp_path.name}/c".encode(), value=b"value-%d" % n) for n in range(3)]
    )
    path.write_bytes(path.read_bytes().replace(b"value-1", b"value-9"))
    with pytest.raises(SpoolDamaged):
        await producer.run()
    producer.close()
    successor = Producer(options, Spool(tmp_path, max_bytes=1 << 20))
    async with running(successor):
        await until(lambda: successor.is_live)
    sent = await read_all(broker.bootstrap_servers, EVENTS, f"{tmp_path.name}/".encode())
    assert {record.value for record in sent} == {b"value-0", b"value-2"}


async def test_a_process_starts_and_takes_records_before_kafka_is_there(tmp_path: Path) -> None:
    producer = Producer(
        {"bootstrap_servers": f"127.0.0.1:{usable_port()}"},
        Spool(tmp_path, max_bytes=200),
        produce_seconds=0.2,
    )
    async with running(producer):
        await producer.deliver([Outgoing(topic=EVENTS, key=b"t/c", value=b"{}")])
        assert producer.spooled_bytes
        with pytest.raises(SpoolFull):
            await producer.deliver([Outgoing(topic=EVENTS, key=b"t/c", value=b"x" * 200)])


async def test_what_waits_on_a_connection_that_has_failed_is_spooled_with_the_first(
    broker: EmbeddedKafka, tmp_path: Path
) -> None:
    await provision(broker.bootstrap_servers)
    producer = Producer({"bootstrap_servers": broker.bootstrap_servers}, Spool(tmp_path, max_bytes=1 << 20))
    key = f"{tmp_path.name}/c".encode()
    async with running(producer):
        await until(lambda: producer.is_live)
        await asyncio.to_thread(broker.stop)
        try:
            producer._produce_seconds = 3_600.0
            patient = asyncio.create_task(producer.deliver([Outgoing(topic=EVENTS, key=key, value=b"1")]))
            await asyncio.sleep(0)
            producer._produce_seconds = 0.2
            await producer.deliver([Outgoing(topic=EVENTS, key=key, value=b"2")])
            await patient
        finally:
            await asyncio.to_thread(broker.start)
        producer._produce_seconds = 30.0
        await until(lambda: producer.is_live)
    assert {record.value for record in await read_all(broker.bootstrap_servers, EVENTS, key)} == {b"1", b"2"}


async def test_the_spool_is_left_behind_although_its_writers_never_pause(broker: EmbeddedKafka, tmp_path: Path) -> None:
    await provision(broker.bootstrap_servers)
    await asyncio.to_thread(broker.stop)
    producer = Producer({"bootstrap_servers": broker.bootstrap_servers}, Spool(tmp_path, max_bytes=1 << 28))
    taken = [0] * 8
    ended = asyncio.Event()

    async def write(writer: int) -> None:
        key = f"{tmp_path.name}/{writer}".encode()
        while not ended.is_set():
            await producer.deliver([Outgoing(topic=EVENTS, key=key, value=str(taken[writer]).encode())])
            taken[writer] += 1

    async with running(producer):
        writers = [asyncio.create_task(write(writer)) for writer in range(len(taken))]
        try:
            await until(lambda: min(taken) >= 5)
            await asyncio.to_thread(broker.start)
            await until(lambda: producer.is_live)
            spooled = sum(taken)
            await until(lambda: sum(taken) > spooled + 1_000)
            assert producer.is_live
            assert (tmp_path / "intake.spool").stat().st_size == 0
        finally:
            ended.set()
            await asyncio.gather(*writers)
    sent = await read_all(broker.bootstrap_servers, EVENTS, f"{tmp_path.name}/".encode())
    for writer, count in enumerate(taken):
        key = f"{tmp_path.name}/{writer}".encode()
        assert [int(record.value) for record in sent if record.key == key] == list(range(count))
