"""The intake as one part of `cairn serve`: the hooks' routes, and what runs behind them.

The one place of the intake that chooses implementations. A source whose secrets are missing is
off, and says so: it must not keep the others from serving.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import aiohttp
import structlog
from aiohttp import web
from aiolimiter import AsyncLimiter

from agents.clock import Clock, real_now_ms
from agents.intake.acuity_api import MAX_CONNECTIONS, REQUESTS_PER_SECOND, AcuityApi
from agents.intake.acuity_reread import AcuityReread
from agents.intake.admission import Admission
from agents.intake.aliases import Aliases
from agents.intake.course_hooks import KajabiHooks, ThinkificHooks
from agents.intake.desk import Desk
from agents.intake.habit_api import HabitPull
from agents.intake.health_book import HealthBook
from agents.intake.hook_source import HookSource
from agents.intake.hooks import Door, Hooks
from agents.intake.kept_hooks import KeptHooks
from agents.intake.poller import Poll, Poller
from agents.intake.producer import Producer
from agents.intake.reread_memory import RereadMemory
from agents.intake.secrecy import Secrecy
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
    missing_secrets,
)

_log = structlog.get_logger()

Secrets = Callable[[str, str], tuple[str, ...]]
"""The valid values of a tenant's secret, newest first; empty when there is none."""


class TenantSources(Protocol):
    """What the intake needs to know of a tenant; `agents.tenants.Tenant` is one."""

    @property
    def id(self) -> str:
        """The tenant's id."""
        ...

    @property
    def timezone(self) -> str:
        """Its zone."""
        ...

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where its events come from."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeConfig:
    """What the intake is built from.

    Attributes:
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
    produce_seconds: float = 3.0
    limits: HookLimits = field(default_factory=HookLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The running intake.

    Attributes:
        routes: to add to the public application.
        producer: tells whether Kafka is there, and how much is spooled.
        admission: `admission.erase(tenant, client)` erases a client everywhere.
        background: ends only by an error, and then the process must end too.
    """

    routes: tuple[web.RouteDef, ...]
    producer: Producer
    admission: Admission
    background: asyncio.Task[None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """What hook sources ask others with.

    One limiter serves all accounts, as Acuity counts by IP address; its second is one of domain time, for a
    demonstration's Acuity lives as fast as the rest of it.
    """

    session: aiohttp.ClientSession
    limiter: AsyncLimiter
    secrecy: Secrecy
    aliases: Aliases
    memory: TagMemory


@asynccontextmanager
async def run_intake(config: IntakeConfig, pool: Any) -> AsyncIterator[Intake]:
    """Start the intake over an asyncpg pool, and stop it in order.

    Raises:
        SpoolInUse: another process has the spool's folder.
    """
    spool = Spool(config.spool_dir, max_bytes=config.spool_max_bytes)
    producer = Producer(config.kafka_options, spool, produce_seconds=config.produce_seconds)
    secrecy = Secrecy(config.identity_key)
    admission = Admission(pool, config.queries, producer, secrecy)
    tallies = Tallies()
    desk = Desk(admission, tallies)
    book = _book(config, pool, tallies)
    connector = aiohttp.TCPConnector(limit_per_host=MAX_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        reach = _reach(config, session, pool, secrecy)
        doors = tuple(_doors(config, reach))
        sources = {(door.tenant, door.source.name): door.source for door in doors}
        kept = KeptHooks(pool, config.queries, config.clock, desk, sources)
        hooks = Hooks(doors, desk=desk, kept=kept, clock=config.clock, limits=config.limits, tallies=tallies)
        polls: tuple[Poll, ...] = (*_pulls(config, session, admission), *_rereads(config, reach, admission, pool))
        poller = Poller(pool, config.queries, config.clock, polls, tallies)
        await producer.open()
        background = asyncio.create_task(_run(producer, kept, poller, book), name="intake")
        try:
            yield Intake(routes=tuple(hooks.routes()), producer=producer, admission=admission, background=background)
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


def _book(config: IntakeConfig, pool: Any, tallies: Tallies) -> HealthBook:
    sources = {(tenant.id, source.name): source for tenant, source in _sources(config)}
    off = frozenset(key for key, source in sources.items() if missing_secrets(key[0], source, config.secrets))
    return HealthBook(pool, config.queries, tallies, sources, off)


def _reach(config: IntakeConfig, session: aiohttp.ClientSession, pool: Any, secrecy: Secrecy) -> _Reach:
    return _Reach(
        session=session,
        limiter=AsyncLimiter(REQUESTS_PER_SECOND * max(config.clock.speed, 1.0), 1),
        secrecy=secrecy,
        aliases=Aliases(pool, config.queries, secrecy),
        memory=TagMemory(pool, config.queries, secrecy),
    )


def _doors(config: IntakeConfig, reach: _Reach) -> Iterable[Door]:
    """The hooks' addresses of every tenant."""
    for tenant, source in _sources(config):
        if isinstance(source, HabitPullSource) or not _has_secrets(config, tenant, source):
            continue
        paths = config.secrets(tenant.id, f"{source.name}.path")
        keys = config.secrets(tenant.id, f"{source.name}.key")
        hook_source = _hook_source(tenant.id, source, keys, reach)
        yield Door(tenant=tenant.id, source=hook_source, secrets=paths)


def _pulls(config: IntakeConfig, session: aiohttp.ClientSession, admission: Admission) -> Iterable[HabitPull]:
    for tenant, source in _sources(config):
        if not isinstance(source, HabitPullSource) or not _has_secrets(config, tenant, source):
            continue
        token, zone = config.secrets(tenant.id, f"{source.name}.key")[0], ZoneInfo(tenant.timezone)
        yield HabitPull(tenant.id, source, token=token, zone=zone, session=session, admission=admission)


def _rereads(config: IntakeConfig, reach: _Reach, admission: Admission, pool: Any) -> Iterable[AcuityReread]:
    """Beside the hooks; an account whose key is missing was told of with its hooks."""
    for tenant, source in _sources(config):
        if not isinstance(source, AcuitySource) or not source.reread_hours:
            continue
        keys = config.secrets(tenant.id, f"{source.name}.key")
        if keys:
            yield AcuityReread(
                tenant.id,
                source,
                api=_acuity_api(source, keys, reach),
                zone=ZoneInfo(tenant.timezone),
                now=config.clock.now,
                admission=admission,
                memory=RereadMemory(pool, config.queries, reach.secrecy, tenant.id, source.name),
            )


def _sources(config: IntakeConfig) -> Iterable[tuple[TenantSources, Source]]:
    return ((tenant, source) for tenant in config.tenants for source in tenant.sources)


def _hook_source(tenant: str, source: HookedSource, keys: tuple[str, ...], reach: _Reach) -> HookSource:
    match source:
        case WebhookSource():
            return StandardHooks(source.name, keys)
        case CalendlySource():
            return CalendlyHooks((tenant, source.name), keys, reach.aliases, real_now_ms)
        case TeachableSource():
            return TeachableHooks(source.name)
        case KajabiSource():
            return KajabiHooks(tenant, source, reach.memory)
        case ThinkificSource():
            return ThinkificHooks(source, keys)
    return AcuityHooks(source, keys, _acuity_api(source, keys, reach))


def _acuity_api(source: AcuitySource, keys: tuple[str, ...], reach: _Reach) -> AcuityApi:
    return AcuityApi(reach.session, reach.limiter, base_url=str(source.base_url), user_id=source.user_id, key=keys[0])


def _has_secrets(config: IntakeConfig, tenant: TenantSources, source: Source) -> bool:
    """Whether the source can be on; if not, what is missing is said."""
    missing = missing_secrets(tenant.id, source, config.secrets)
    if missing:
        hint = f"write the secret files {' and '.join(missing)} and restart"
        _log.error("source_off", tenant=tenant.id, source=source.name, hint=hint)
    return not missing
