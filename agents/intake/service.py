"""The intake as one part of `cairn serve`: the hooks' routes, and what runs behind them.

The one place of the intake that chooses implementations. A source whose secrets are missing is
off, and says so: it must not keep the others from serving. Tenants, sources and secrets may
change while it runs.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from aiolimiter import AsyncLimiter

from agents.clock import Clock, real_now_ms
from agents.intake.acuity_api import MAX_CONNECTIONS, REQUESTS_PER_SECOND, AcuityApi
from agents.intake.acuity_reread import AcuityReread
from agents.intake.admission import Admission
from agents.intake.aliases import Aliases
from agents.intake.asking import Asking
from agents.intake.course_hooks import KajabiHooks, ThinkificHooks
from agents.intake.desk import Desk
from agents.intake.habit_api import HabitPull
from agents.intake.health_book import HealthBook
from agents.intake.hook_source import HookSource
from agents.intake.hooks import Hooks, begin_counting
from agents.intake.kept_hooks import KeptHooks
from agents.intake.poller import Poller
from agents.intake.producer import PRODUCE_SECONDS, Producer
from agents.intake.reread_memory import RereadMemory
from agents.intake.secrecy import Secrecy
from agents.intake.served import Door, Secrets, ServedNow, Serving, TenantSources, Ways
from agents.intake.spool import Spool
from agents.intake.tag_memory import TagMemory
from agents.intake.tallies import Tallies
from agents.intake.turnstile import HookLimits
from agents.intake.vendor_hooks import AcuityHooks, CalendlyHooks, StandardHooks, TeachableHooks
from schemas.tenant import (
    AcuitySource,
    CalendlySource,
    HabitPullSource,
    HookedSource,
    KajabiSource,
    Source,
    TeachableSource,
    ThinkificSource,
    WebhookSource,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeConfig:
    """What the intake is built from.

    Attributes:
        tenants: at the start, as their secrets are; `Intake.take_up` changes both.
        kafka_options: as `agents.kafka.client_options` gives them.
        queries: the statements of `schemas/sql/queries/intake.sql` by name.
        identity_key: never changed; at least 32 bytes.
        spool_dir: this process's own.
        produce_seconds: how long a hook waits for Kafka before the spool takes it.
        limits: what one tenant may take of the intake.
    """

    tenants: tuple[TenantSources, ...]
    secrets: Secrets
    clock: Clock
    kafka_options: Mapping[str, Any]
    queries: dict[str, str]
    identity_key: bytes
    spool_dir: Path
    spool_max_bytes: int
    produce_seconds: float = PRODUCE_SECONDS
    limits: HookLimits = field(default_factory=HookLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The running intake.

    Attributes:
        routes: to add to the public application.
        producer: tells whether Kafka is there, and how much is spooled.
        admission: `admission.erase(tenant, client)` erases a client everywhere.
        served: the sources as they are served now.
        take_up: serves other tenants and secrets from now on; see `agents.intake.served`.
        background: ends only by an error, and then the process must end too.
    """

    routes: tuple[web.RouteDef, ...]
    producer: Producer
    admission: Admission
    served: ServedNow
    take_up: Callable[[Iterable[TenantSources], Secrets], None]
    background: asyncio.Task[None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """What sources ask others with; it outlives each of them.

    One limiter serves all accounts of Acuity, which counts by IP address; its second is one of domain time, for a
    demonstration's Acuity lives as fast as the rest of it.
    """

    config: IntakeConfig
    pool: Any
    admission: Admission
    session: aiohttp.ClientSession
    limiter: AsyncLimiter
    asking: Asking
    secrecy: Secrecy
    aliases: Aliases
    memory: TagMemory


@asynccontextmanager
async def run_intake(config: IntakeConfig, pool: Any) -> AsyncIterator[Intake]:
    """Start the intake over an asyncpg pool, and stop it in order.

    Raises:
        spool_file.SpoolInUse: another process has the spool's folder.
    """
    spool = Spool(config.spool_dir, max_bytes=config.spool_max_bytes)
    producer = Producer(config.kafka_options, spool, produce_seconds=config.produce_seconds)
    secrecy = Secrecy(config.identity_key)
    admission = Admission(pool, config.queries, producer, secrecy)
    tallies = Tallies()
    desk = Desk(admission, tallies)
    connector = aiohttp.TCPConnector(limit_per_host=MAX_CONNECTIONS)
    # All tenants share the session, so a cookie that came with one's token would go out with another's.
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        reach = _reach(config, pool, admission, session, secrecy)
        serving = Serving(partial(_ways, reach))
        serving.take_up(config.tenants, config.secrets)
        served = serving.now
        book = HealthBook(pool, config.queries, tallies, served)
        kept = KeptHooks(pool, config.queries, config.clock, desk, secrecy, served)
        hooks = Hooks(served, desk=desk, kept=kept, clock=config.clock, limits=config.limits, tallies=tallies)
        poller = Poller(pool, config.queries, config.clock, served, tallies)
        await producer.open()
        background = asyncio.create_task(_run(producer, kept, poller, book), name="intake")
        try:
            yield Intake(
                routes=tuple(hooks.routes()),
                producer=producer,
                admission=admission,
                served=served,
                take_up=serving.take_up,
                background=background,
            )
        finally:
            background.cancel()
            await asyncio.gather(background, return_exceptions=True)
            await book.close()
            producer.close()


async def _run(producer: Producer, kept: KeptHooks, poller: Poller, book: HealthBook) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(producer.run(), name="producer")
        group.create_task(kept.run(), name="kept hooks")
        group.create_task(poller.run(), name="poller")
        group.create_task(book.run(), name="health book")


def _reach(
    config: IntakeConfig, pool: Any, admission: Admission, session: aiohttp.ClientSession, secrecy: Secrecy
) -> _Reach:
    return _Reach(
        config=config,
        pool=pool,
        admission=admission,
        session=session,
        limiter=AsyncLimiter(REQUESTS_PER_SECOND * max(config.clock.speed, 1.0), 1),
        asking=Asking(session),
        secrecy=secrecy,
        aliases=Aliases(pool, config.queries, secrecy),
        memory=TagMemory(pool, config.queries, secrecy),
    )


def _ways(reach: _Reach, tenant: TenantSources, source: Source, secrets: Secrets) -> Ways:
    """How a source is heard; its secrets are all there."""
    keys = secrets(tenant.id, f"{source.name}.key")
    if isinstance(source, HabitPullSource):
        return Ways(poll=_pull(tenant, source, keys[0], reach))
    begin_counting(source.kind)
    hook_source = _hook_source(tenant.id, source, secrets, reach)
    door = Door(tenant=tenant.id, source=hook_source, secrets=secrets(tenant.id, f"{source.name}.path"))
    if isinstance(source, AcuitySource) and source.reread_hours:
        return Ways(door=door, poll=_reread(tenant, source, keys, reach))
    return Ways(door=door)


def _pull(tenant: TenantSources, source: HabitPullSource, token: str, reach: _Reach) -> HabitPull:
    zone = ZoneInfo(tenant.timezone)
    return HabitPull(tenant.id, source, token=token, zone=zone, session=reach.session, admission=reach.admission)


def _reread(tenant: TenantSources, source: AcuitySource, keys: tuple[str, ...], reach: _Reach) -> AcuityReread:
    return AcuityReread(
        tenant.id,
        source,
        api=_acuity_api(source, keys, reach),
        zone=ZoneInfo(tenant.timezone),
        now=reach.config.clock.now,
        admission=reach.admission,
        memory=RereadMemory(reach.pool, reach.config.queries, reach.secrecy, tenant.id, source.name),
    )


def _hook_source(tenant: str, source: HookedSource, secrets: Secrets, reach: _Reach) -> HookSource:
    keys = secrets(tenant, f"{source.name}.key")
    match source:
        case WebhookSource():
            return StandardHooks(source.name, keys)
        case CalendlySource():
            return CalendlyHooks((tenant, source.name), keys, reach.aliases, real_now_ms)
        case TeachableSource():
            return TeachableHooks(source.name, reach.asking.teachable(tenant, source, secrets))
        case KajabiSource():
            return KajabiHooks(tenant, source, reach.memory, reach.asking.kajabi(tenant, source, secrets))
        case ThinkificSource():
            return ThinkificHooks(source, keys)
    return AcuityHooks(source, keys, _acuity_api(source, keys, reach), reach.config.clock.now)


def _acuity_api(source: AcuitySource, keys: tuple[str, ...], reach: _Reach) -> AcuityApi:
    return AcuityApi(reach.session, reach.limiter, base_url=str(source.base_url), user_id=source.user_id, key=keys[0])
