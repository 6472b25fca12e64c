"""Latency: from an event's append to the milestone, or the in-app message, that a reader can see.

Each event is the first session of a new client, so each has an answer, and a client's id joins the two. The
append time is the broker's (LogAppendTime), the time of sight that of the reader: both clocks are this machine's.
The load is open: events leave on schedule whether or not answers arrive.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from statistics import quantiles

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.codec import encode_event
from schemas.event import SessionData
from schemas.topics import CLIENTS, EVENTS, MILESTONES, client_key, split_key
from tests.benchmarks import stage as stages
from tests.benchmarks.load import TENANT, event
from tests.benchmarks.peer import NotMeasuredError
from tests.benchmarks.stage import HEADERS, PARTITIONS, Stage

RATE_PER_SECOND = 200
SECONDS = 20
WARM_SECONDS = 40  # a broker that has just started spends both cores on compiling itself
_LOOK_SECONDS = 0.005
_OUT_OF_ORDER = 200  # rows whose transactions may commit after one with a higher position
_MS = 1000


async def to_milestone(stage: Stage, *, warm_seconds: int = WARM_SECONDS, seconds: int = SECONDS) -> list[float]:
    """Milliseconds from append to a milestone read by a read_committed subscriber, per event; `cairn track` runs."""
    async with _milestones_seen(stage) as seen:
        return await _measure(stage, "milestone", seen, warm_seconds, seconds)


async def to_in_app(stage: Stage) -> list[float]:
    """Milliseconds from append to the row that the inbox shows, per event; `cairn track` and `cairn deliver` run."""
    names = [_name("inbox", number) for number in range(RATE_PER_SECOND * (SECONDS + WARM_SECONDS))]
    await _introduce(stage, names)
    async with inbox_seen(stage) as seen:
        return await _measure(stage, "inbox", seen, WARM_SECONDS, SECONDS)


def percentile(values: list[float], percent: int) -> float:
    """The value that `percent` of the values do not exceed."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


async def _measure(
    stage: Stage, series: str, seen: Mapping[str, float], warm_seconds: int, seconds: int
) -> list[float]:
    appended = await _send(stage, series, RATE_PER_SECOND * (warm_seconds + seconds))

    async def are_seen() -> bool:
        return appended.keys() <= seen.keys()

    try:
        await stages.until_done(are_seen)
    except TimeoutError:
        unseen = len(appended.keys() - seen.keys())
        raise NotMeasuredError(f"{unseen} of {len(appended)} events had no answer in time") from None
    warm = warm_seconds * RATE_PER_SECOND
    return [seen[client] - at for client, at in list(appended.items())[warm:]]


async def _send(stage: Stage, series: str, events: int) -> dict[str, float]:
    """Send the events on schedule; returns each client's append time in milliseconds, in order."""
    producer = AIOKafkaProducer(bootstrap_servers=stage.kafka, enable_idempotence=True)
    async with producer:
        began_at = time.monotonic()
        sent = {}
        for number in range(events):
            await asyncio.sleep(began_at + number / RATE_PER_SECOND - time.monotonic())
            client = _name(series, number)
            value = encode_event(event(client, client, datetime.now(UTC), SessionData(session_id=client)))
            sent[client] = await producer.send(EVENTS, value, client_key(TENANT, client), headers=HEADERS)
        return {client: (await future).timestamp for client, future in sent.items()}


async def _introduce(stage: Stage, names: list[str]) -> None:
    """Publish the clients' profiles and wait until delivery knows them."""
    async with AIOKafkaProducer(bootstrap_servers=stage.kafka, enable_idempotence=True, linger_ms=20) as producer:
        for name in names:
            await producer.send(CLIENTS, b'{"name": "Kim Sample"}', client_key(TENANT, name))
    query = "SELECT count(*) FROM clients WHERE profile IS NOT NULL AND client LIKE 'inbox-%'"
    connection = await asyncpg.connect(stage.postgres)
    known: int = 0

    async def are_known() -> bool:
        nonlocal known
        known = await connection.fetchval(query)
        return known == len(names)

    try:
        await stages.until_done(are_known)
    except TimeoutError:
        raise NotMeasuredError(f"delivery knew {known} of {len(names)} clients in time") from None
    finally:
        await connection.close()


@asynccontextmanager
async def _milestones_seen(stage: Stage) -> AsyncIterator[Mapping[str, float]]:
    """Clients of the milestones that a subscriber has read, each with the time at which it had it."""
    seen: dict[str, float] = {}
    consumer = AIOKafkaConsumer(bootstrap_servers=stage.kafka, isolation_level="read_committed")
    async with consumer:
        partitions = [TopicPartition(MILESTONES, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        for partition, end in (await consumer.end_offsets(partitions)).items():
            consumer.seek(partition, end)

        async def read() -> None:
            async for record in consumer:
                seen.setdefault(split_key(record.key)[1], time.time() * _MS)

        async with _running(read()):
            yield seen


@asynccontextmanager
async def inbox_seen(stage: Stage) -> AsyncIterator[Mapping[str, float]]:
    """Clients that have an in-app message, each with the time at which a look found it."""
    seen: dict[str, float] = {}
    connection = await asyncpg.connect(stage.postgres)
    query = "SELECT position, client FROM inbox WHERE position > $1 ORDER BY position"

    async def look() -> None:
        last = 0
        while True:
            rows = await connection.fetch(query, last - _OUT_OF_ORDER)
            at = time.time() * _MS
            for row in rows:
                last = row["position"]
                seen.setdefault(row["client"], at)
            await asyncio.sleep(_LOOK_SECONDS)

    try:
        async with _running(look()):
            yield seen
    finally:
        await connection.close()


@asynccontextmanager
async def _running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _name(series: str, number: int) -> str:
    return f"{series}-{number:05}"
