"""Rows in which people are erased between the plan of a mail and its leaving."""

import time
from collections.abc import Sequence
from functools import partial

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.chaos.checker import CLIENTS, EVENTS
from tests.chaos.load import FEW, address_of, has_ended
from tests.chaos.row import Row
from tests.chaos.scene import Scene, answered

_ENOUGH = 40
_WAITING = """
    SELECT DISTINCT client FROM deliveries
    WHERE channel = 'email' AND state IN ('pending', 'deferred') AND tenant = $1 AND starts_with(client, $2)
    ORDER BY client
"""
_NEWEST = "SELECT max(client) FROM milestones WHERE starts_with(client, $1)"
_ERASED = "SELECT count(*) FROM clients WHERE tenant = $1 AND client = ANY($2) AND erased_at IS NOT NULL"


async def while_delivery_runs(scene: Scene) -> None:
    """Nobody takes mails; half of those for whom they wait are erased, and then they are taken again."""
    async for _ in scene.each_cycle():
        await scene.world.mail.stop()
        erased = await _erase(scene)
        await answered(partial(_are_known, scene, erased))
        await scene.world.mail.start()


async def while_delivery_is_away(scene: Scene) -> None:
    """The same, and what is erased is news to the delivery that comes back to mails that are long due."""
    async for _ in scene.each_cycle():
        await scene.world.mail.stop()
        await answered(partial(_waiting, scene))
        await scene.deliveries.terminate(scene.deliveries.members[0])
        await _erase(scene)
        await scene.world.mail.start()
        at = time.monotonic()
        scene.deliveries.start()
        await scene.delivery_back(at)


async def _erase(scene: Scene) -> list[str]:
    """Erase half of those for whom mails wait, after every event of theirs was applied."""
    waiting = await answered(partial(_waiting, scene))
    ends = await _ends(scene.world.kafka)
    await answered(partial(_are_applied, scene, ends))
    erased = scene.rng.sample(waiting, len(waiting) // 2)
    scene.world.mail.erased |= {address_of(client) for client in erased}
    async with AIOKafkaProducer(bootstrap_servers=scene.world.kafka, enable_idempotence=True) as producer:
        for client in erased:
            await producer.send_and_wait(CLIENTS, key=f"{FEW}/{client}".encode(), value=None)
    return erased


async def _waiting(scene: Scene) -> list[str]:
    """Clients for whom mails wait and of whom no more events come; none before they are many."""
    connection = await asyncpg.connect(scene.world.dsn)
    try:
        newest = await connection.fetchval(_NEWEST, f"{scene.row}-")
        found = await connection.fetch(_WAITING, FEW, f"{scene.row}-")
    finally:
        await connection.close()
    ended = [each["client"] for each in found if has_ended(each["client"], newest)]
    return ended if len(ended) >= _ENOUGH else []


async def _are_known(scene: Scene, erased: Sequence[str]) -> bool:
    connection = await asyncpg.connect(scene.world.dsn)
    try:
        return bool(await connection.fetchval(_ERASED, FEW, erased) == len(erased))
    finally:
        await connection.close()


async def _are_applied(scene: Scene, ends: dict[int, int]) -> bool:
    tracked = await scene.tracked()
    return all(tracked.get(partition, 0) >= end for partition, end in ends.items())


async def _ends(kafka: str) -> dict[int, int]:
    async with AIOKafkaConsumer(EVENTS, bootstrap_servers=kafka, enable_auto_commit=False) as consumer:
        partitions = [TopicPartition(EVENTS, number) for number in consumer.partitions_for_topic(EVENTS)]
        return {one.partition: end for one, end in (await consumer.end_offsets(partitions)).items()}


_LIVE = {"live_share": 0.2}
ROWS = (
    Row(
        name="erased-waiting",
        injects="people are erased while mails for them wait",
        expects="no mail to them, and one to everybody else",
        play=while_delivery_runs,
        cycles=2,
        load=_LIVE,
    ),
    Row(
        name="erased-away",
        injects="people are erased while mails for them wait and delivery is away",
        expects="as above",
        play=while_delivery_is_away,
        cycles=2,
        load=_LIVE,
    ),
)
