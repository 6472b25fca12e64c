"""Rows whose fault is in the records, or in what is decided about them."""

import asyncio
import re
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.stack import CAIRN
from tests.chaos.checker import DEAD_LETTERS, EVENTS
from tests.chaos.load import CROWD, FEW, FLOOD
from tests.chaos.row import Row
from tests.chaos.scene import Scene
from tests.chaos.topics_read import TopicsRead

_FLOW_SECONDS = 12.0
_REPLAYED_LETTERS = 60  # below what a partition bears among its last thousand
_FLOODED, _FLOOD, _BORNE = 0, 400, 100  # the partition, the broken records, and how many of them it bears
_NEVER_REACHED = "[14, 30, 300]"


async def flow(scene: Scene) -> None:
    """Nothing but the load itself."""
    await asyncio.sleep(_FLOW_SECONDS * scene.cycles)


async def replay_topic(scene: Scene) -> None:
    """Everything that is on the topic comes once more."""
    await asyncio.sleep(_FLOW_SECONDS)
    kafka = scene.world.kafka
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, max_batch_size=512 * 1024)
    consumer = AIOKafkaConsumer(EVENTS, bootstrap_servers=kafka, enable_auto_commit=False)
    mark = f"/{scene.row}-".encode()
    async with producer, consumer:
        consumer.unsubscribe()
        partitions = [TopicPartition(EVENTS, number) for number in await producer.partitions_for(EVENTS)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                old = [r for r in records if r.offset < ends[partition] and mark in r.key]
                await _send_again(producer, partition.partition, old)
                scene.more_records += len(old)


async def _send_again(producer: AIOKafkaProducer, partition: int, records: list) -> None:
    sent = [await producer.send(EVENTS, r.value, r.key, partition=partition, headers=list(r.headers)) for r in records]
    await asyncio.gather(*sent)


async def rewind(scene: Scene) -> None:
    """The group's offsets are set back to the beginning while nobody tracks."""
    async for _ in scene.each_cycle():
        await asyncio.gather(*(scene.trackers.terminate(member) for member in tuple(scene.trackers.members)))
        await scene.positions.move(dict.fromkeys(await scene.tracked(), 0))
        at = time.monotonic()
        for _ in range(2):
            scene.trackers.start()
        await scene.tracker_back(at)


async def flood(scene: Scene) -> None:
    """Nothing but broken records in one partition: it pauses, the others go on, and a hand skips the flood."""
    await asyncio.sleep(_FLOW_SECONDS / 2)
    before = await _flood_of(scene)
    async with AIOKafkaProducer(bootstrap_servers=scene.world.kafka, enable_idempotence=True) as producer:
        batch = producer.create_batch()
        for number in range(_FLOOD):
            batch.append(key=b"crowd/flood-0", value=FLOOD + b" %d" % number, timestamp=None)
        written = await (await producer.send_batch(batch, EVENTS, partition=_FLOODED))
    first, beyond = written.offset, written.offset + _FLOOD
    while (await scene.tracked())[_FLOODED] < first + _BORNE:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.2)
    await asyncio.sleep(_FLOW_SECONDS / 2)
    then = await scene.tracked()
    await asyncio.sleep(1)
    now = await scene.tracked()
    scene.expect(now[_FLOODED] == first + _BORNE, f"the partition stands at {now[_FLOODED] - first} of the flood")
    scene.expect(all(now[n] > then[n] for n in now if n != _FLOODED), "another partition stands still")
    scene.expect(await _flood_of(scene) - before == _BORNE, "other than 100 of the flood were set aside")
    await asyncio.gather(*(scene.trackers.terminate(member) for member in tuple(scene.trackers.members)))
    await scene.positions.move({_FLOODED: beyond})
    at = time.monotonic()
    for _ in range(2):
        scene.trackers.start()
    await scene.tracker_back(at)


async def _flood_of(scene: Scene) -> int:
    letters = [record.value async for record in TopicsRead(scene.world.kafka, [DEAD_LETTERS]).new()]
    return sum(value.startswith(FLOOD) for value in letters)


async def change_rules(scene: Scene) -> None:
    """A new rulebook comes into force mid-stream, and a tracker is killed while it does."""
    async for cycle in scene.each_cycle():
        streaks = _NEVER_REACHED if cycle % 2 == 0 else "[14, 30]"
        for tenant in (CROWD, FEW):
            scene.world.write_rulebook(tenant, version=cycle + 2, streaks=streaks)
        await asyncio.sleep(scene.rng.uniform(2, 5))
        at = await scene.trackers.kill(scene.any_tracker())
        await scene.tracker_back(at)


async def replay_letters(scene: Scene) -> None:
    """`cairn dlq replay`, and the same again; the oldest go back, whichever row they are of."""
    await asyncio.sleep(_FLOW_SECONDS)
    async for _ in scene.each_cycle():
        letters = [record async for record in TopicsRead(scene.world.kafka, [DEAD_LETTERS]).new()]
        oldest = sorted(letters, key=lambda letter: letter.timestamp)[:_REPLAYED_LETTERS]
        scene.more_records += sum(f"/{scene.row}-".encode() in letter.key for letter in oldest)
        command = (CAIRN, "dlq", "replay", "--yes", "--limit", str(_REPLAYED_LETTERS))
        process = await asyncio.create_subprocess_exec(
            *command, env=dict(scene.world.env), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        put = re.search(rb"(\d+) put back", said)
        scene.expect(put is not None and int(put[1]) > 0, f"cairn dlq replay said {said.decode()[-200:]!r}")


ROWS = (
    Row(name="duplicates", injects="every record comes ten times", play=flow, load={"copies": 10}),
    Row(name="out-of-order", injects="the days of every client arrive shuffled", play=flow, load={"shuffled": True}),
    Row(
        name="poison",
        injects="one record in twenty is no event",
        expects="each stands among the dead letters once, byte for byte",
        play=flow,
        load={"poison_share": 0.05},
    ),
    Row(
        name="poison-flood",
        injects="400 broken records running in one partition",
        expects="it pauses after 100, the others go on; it goes on when a hand has skipped the flood",
        play=flood,
        load={"poison_share": 0.0},
    ),
    Row(name="topic-replay", injects="every record of the row is produced once more", play=replay_topic),
    Row(name="rewind", injects="the group's offsets are set to 0", play=rewind),
    Row(
        name="rule-change",
        injects="new rulebooks mid-stream, and a kill while they are taken up",
        play=change_rules,
    ),
    Row(name="dead-letters-twice", injects="`cairn dlq replay`, twice", play=replay_letters, cycles=2),
)
