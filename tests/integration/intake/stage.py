"""One tenant's intake on a real broker and database, with the vendors' local servers beside it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from agents import topics
from agents.clock import Clock
from agents.intake.served import Door, Served, ServedSource, Ways
from agents.intake.service import Intake, IntakeConfig, run_intake
from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.ledger.queries import load_queries
from agents.settings import KafkaSettings
from demo.vendors.acuity import AcuityServer, Booking
from demo.vendors.habits import HabitServer
from schemas.client import Profile
from schemas.codec import decode_event
from schemas.event import Event
from schemas.tenant import AcuitySource, CalendlySource, HabitPullSource, Source, TeachableSource, WebhookSource
from schemas.topics import CLIENTS, DEAD_LETTERS, EVENTS

API_KEY = "an-api-key"
OLD_API_KEY = "the-key-before"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNING_KEY = "a-signing-key"
OLD_SIGNING_KEY = "the-signing-key-before"
IDENTITY_KEY = b"an identity key of 32 bytes or so"
TOKEN = "a-token"
PATH = "a-path"
NOW = datetime(2026, 5, 8, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """A tenant: `agents.tenants.Tenant` without the files."""

    id: str
    sources: tuple[Source, ...]
    timezone: str = "Europe/Vienna"


@dataclass(slots=True, kw_only=True)
class Stage:
    """What a test acts on."""

    tenant: str
    url: str
    session: aiohttp.ClientSession
    pool: Pool
    acuity: AcuityServer
    habits: HabitServer
    intake: Intake
    config: IntakeConfig
    bootstrap_servers: str

    def hook_url(self, source: str, secret: str = PATH) -> str:
        return f"{self.url}/hooks/{self.tenant}/{source}/{secret}"

    async def post(self, source: str, body: bytes, headers: dict[str, str]) -> int:
        async with self.session.post(self.hook_url(source), data=body, headers=headers) as answer:
            return answer.status

    async def records(self, topic: str) -> list[ConsumerRecord]:
        """This tenant's records of a topic, in order of partition and offset."""
        return await read_all(self.bootstrap_servers, topic, f"{self.tenant}/".encode())

    async def events(self) -> list[Event]:
        return [decode_event(record.headers, record.value) for record in await self.records(EVENTS)]

    async def profiles(self) -> list[tuple[str, Profile | None]]:
        return [
            (
                record.key.decode().partition("/")[2],
                Profile.model_validate_json(record.value) if record.value is not None else None,
            )
            for record in await self.records(CLIENTS)
        ]

    async def dead_letters(self) -> list[tuple[str, bytes]]:
        """Reason and sealed value of each."""
        return [
            (dict(record.headers)["cairn-dead-letter-reason"].decode(), record.value)
            for record in await self.records(DEAD_LETTERS)
        ]


async def read_all(bootstrap_servers: str, topic: str, key_prefix: bytes) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=20
    )
    await consumer.start()
    try:
        partitions = sorted(consumer.assignment())
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        found = []
        for partition in partitions:
            consumer.seek(partition, begins[partition])
        unread = {partition for partition in partitions if begins[partition] < ends[partition]}
        while unread:
            for records in (await consumer.getmany(*unread, timeout_ms=500)).values():
                found += [record for record in records if record.key.startswith(key_prefix)]
            unread = {partition for partition in unread if await consumer.position(partition) < ends[partition]}
        return found
    finally:
        await consumer.stop()


async def provision(bootstrap_servers: str) -> None:
    """Make the topics that are missing."""
    settings = KafkaSettings(kafka_bootstrap_servers=bootstrap_servers, partitions=8, replication_factor=1)
    missing = tuple(difference for difference in await topics.compare(settings) if difference.is_missing)
    await topics.apply(settings, missing)


def sources(acuity: AcuityServer) -> tuple[Source, ...]:
    return (
        AcuitySource.model_validate(
            {
                "kind": "acuity",
                "name": "acuity",
                "account": "11145481",
                "user_id": "7",
                "base_url": acuity.base_url,
                "completed_labels": ["Completed"],
                "reread_hours": 0,
            }
        ),
        WebhookSource(kind="standard_webhooks", name="tracker"),
        CalendlySource(kind="calendly", name="calls"),
        TeachableSource(kind="teachable", name="school"),
    )


def habit_source(habits: HabitServer, name: str = "habits") -> HabitPullSource:
    return HabitPullSource.model_validate({"kind": "habit_pull", "name": name, "base_url": habits.base_url})


def secrets(_tenant: str, name: str) -> tuple[str, ...]:
    return {
        "acuity.path": (PATH,),
        "acuity.key": (API_KEY, OLD_API_KEY),
        "tracker.path": (PATH, "the-path-before"),
        "tracker.key": (WEBHOOK_SECRET,),
        "habits.key": (TOKEN,),
        "calls.path": (PATH,),
        "calls.key": (SIGNING_KEY, OLD_SIGNING_KEY),
        "school.path": (PATH,),
    }.get(name, ())


@asynccontextmanager
async def open_stage(bootstrap_servers: str, dsn: str, spool_dir: Path, **limits: Any) -> AsyncIterator[Stage]:
    """Start everything; domain time begins at `NOW` and moves as real time does."""
    limits = {"spool_max_bytes": 1024 * 1024, **limits}
    await provision(bootstrap_servers)
    await migrate(dsn)
    async with AsyncExitStack() as stack:
        pool = await connect(dsn)
        stack.push_async_callback(pool.close)
        acuity = await stack.enter_async_context(AcuityServer(user_id="7", key=API_KEY))
        habits = await stack.enter_async_context(HabitServer(token=TOKEN))
        studio = Studio(id=f"t{uuid.uuid4().hex[:12]}", sources=sources(acuity))
        config = IntakeConfig(
            tenants=(studio,),
            secrets=secrets,
            clock=clock_at(NOW),
            kafka_options={"bootstrap_servers": bootstrap_servers},
            queries=load_queries("intake"),
            identity_key=IDENTITY_KEY,
            spool_dir=spool_dir,
            **limits,
        )
        intake = await stack.enter_async_context(run_intake(config, pool))
        await until(lambda: intake.producer.is_live)
        url = await stack.enter_async_context(serve(intake.routes))
        yield Stage(
            tenant=studio.id,
            url=url,
            session=await stack.enter_async_context(aiohttp.ClientSession()),
            pool=pool,
            acuity=acuity,
            habits=habits,
            intake=intake,
            config=config,
            bootstrap_servers=bootstrap_servers,
        )


@asynccontextmanager
async def serve(routes: Iterable[web.RouteDef]) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, lingering_time=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event to set
            await asyncio.sleep(0.05)


def served_by(*doors: Door) -> Served:
    """What is served where there are these doors and nothing else."""
    entry = WebhookSource(kind="standard_webhooks", name="tracker")
    one = {(door.tenant, door.source.name): ServedSource(source=entry, ways=Ways(door=door)) for door in doors}
    return Served(sources=one)


def clock_at(instant: datetime) -> Clock:
    return Clock(start_ms=round(datetime.now(UTC).timestamp() * 1000), origin_ms=round(instant.timestamp() * 1000))


def booking(appointment_id: int = 54321, **changes: Any) -> Booking:
    plain: dict[str, Any] = {
        "id": appointment_id,
        "first_name": "Ana",
        "last_name": "Berger",
        "email": "Ana.Berger@example.com",
        "starts_at": NOW - timedelta(hours=2),
        "minutes": 60,
        "kind": "Training",
        "timezone": "Europe/Vienna",
        "created_at": NOW - timedelta(days=7),
    }
    return Booking(**{**plain, **changes})


def checked(client: Any, *, habit: str = "movement", day: str = "2026-05-08") -> dict[str, Any]:
    return {
        "type": "habit.checked",
        "timestamp": "2026-05-08T07:30:00+02:00",
        "data": {"client": client, "habit_id": habit, "day": day},
    }
