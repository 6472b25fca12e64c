"""`cairn deliver`: milestones in, celebrations out.

Wiring alone: the engine reads milestones and profiles with their positions in Postgres,
the celebrator plans, and a sender for each channel sends what is due. When one of them
ends, the process ends.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Protocol

import structlog
import uvloop

from agents.approval_clock import ApprovalClock
from agents.attempt import Attempts
from agents.bookkeeper import Bookkeeper
from agents.celebrator import Celebrator
from agents.channel_accounts import account_of, gift_account, slack_place, twilio_account
from agents.channels.channel import Channel
from agents.channels.connections import MailServer
from agents.channels.email import EmailChannel
from agents.channels.gift import GiftChannel
from agents.channels.render import Renderer
from agents.channels.slack import SlackChannel
from agents.channels.sms import SmsChannel
from agents.coach_mails import CoachMails
from agents.delivery_metrics import DeliveryFigures
from agents.engine.app import EngineApp, positioned_app
from agents.engine.config import EngineConfig
from agents.engine.positioned import PositionedSource
from agents.engine.serving import serve, stop_signal
from agents.engine_metrics import EngineMetrics, sample_engine
from agents.engine_probes import engine_checks
from agents.kafka import client_options, security_options
from agents.ledger.opening import UNFIT, open_ledger
from agents.ledger.pool import Pool
from agents.looks import ignore_hangups
from agents.message_links import MessageLinks
from agents.outbox import Outbox
from agents.profiles import profile_keeper, write_profiles
from agents.read_back import read_back
from agents.reapplier import Reapplier
from agents.sender import Sender, SenderLimits
from agents.settings import DeliverSettings
from agents.surge import SurgeBrake
from agents.sweeper import Sweeper
from agents.telling import Teller
from agents.tenant_watch import TenantWatch
from agents.tenants import Tenant, TenantsNow
from agents.wakeup import Wakeup
from agents.web.approval_links import ApprovalLinks
from agents.web.listening import listening
from agents.web.probes import Check, probes_app
from agents.web.status_links import status_url
from schemas.topics import CLIENTS, DELIVERY_APP_ID, MILESTONES

_ENGINE_CONNECTIONS = 7
_AT_ONCE = 16  # attempts on a channel without connections of its own: requests, or rows
_FAILED = 3
_TELL_SECONDS = 60.0
_log = structlog.get_logger()
Watched = TenantWatch[Mapping[str, Tenant]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The parts of the process, once the ledger is open."""

    app: EngineApp
    workers: dict[str, asyncio.Task[None]]


def run_deliver(settings: DeliverSettings) -> int:
    """Deliver until SIGTERM or SIGINT, or until a part fails; returns the exit status."""
    ignore_hangups()
    watch = Watched(settings.tenants_dir, lambda tenants: tenants)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_deliver(settings, watch))


async def _deliver(settings: DeliverSettings, watch: Watched) -> int:
    stop = stop_signal()
    parts: list[Delivery] = []
    probes = probes_app(live={}, ready={"delivery": _ready(parts)})
    async with listening(probes, host=settings.probe_host, port=settings.deliver_probe_port):
        opening = asyncio.ensure_future(_work(settings, watch, parts, stop))
        waiting = asyncio.ensure_future(stop.wait())
        await asyncio.wait({opening, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not parts and not opening.done():  # still waiting for the database
            opening.cancel()
        try:
            return await opening
        except asyncio.CancelledError:
            return 0
        except UNFIT:
            raise  # its text is for the operator
        except Exception:  # noqa: BLE001 - ends the process
            _log.critical("deliver_failed", exc_info=True)
            return _FAILED


def _ready(parts: list[Delivery]) -> Check:
    async def ready() -> str | None:
        if not parts:
            return "waiting for the database"
        app = parts[0].app
        return await engine_checks(app).ready["engine"]() or profiles_unknown(app)

    return ready


async def _work(settings: DeliverSettings, watch: Watched, parts: list[Delivery], stop: asyncio.Event) -> int:
    dsn = settings.database_url.get_secret_value()
    connections = _ENGINE_CONNECTIONS + settings.sender_concurrency
    async with open_ledger(dsn, max_connections=connections) as pool, _running(settings, watch, pool) as delivery:
        parts.append(delivery)
        serving = asyncio.ensure_future(serve(delivery.app, stop))
        done, _ = await asyncio.wait({serving, *delivery.workers.values()}, return_when=asyncio.FIRST_COMPLETED)
        ended = [name for name, task in delivery.workers.items() if task in done]
        stop.set()
        status = await serving
        for name in ended:
            _log.critical("worker_ended", name=name, exc_info=delivery.workers[name].exception())
        return _FAILED if ended else status


@asynccontextmanager
async def _running(settings: DeliverSettings, watch: Watched, pool: Pool) -> AsyncIterator[Delivery]:
    """Build everything and run the workers; they are stopped, bounded, on leaving."""
    clock = settings.clock
    for tenant in watch.current().values():
        if missing := tenant.channels_not_set_up:
            _log.warning("channel.not_set_up", tenant=tenant.id, reason=", ".join(missing))
    observer = EngineMetrics()
    teller = Teller(Renderer(), MessageLinks(str(settings.public_url), settings.link_key.get_secret_value()))
    celebrator = Celebrator(watch.current, teller, clock.now)
    app = positioned_app(
        engine_config(settings),
        (_source(CLIENTS, profile_keeper(pool)), _source(MILESTONES, celebrator.keeper(pool))),
        observer=observer,
    )
    sample_engine(app.watch.status, observer)
    writes = {CLIENTS: write_profiles, MILESTONES: celebrator.write}
    wakeup = Wakeup(settings.database_url.get_secret_value())
    running = {
        "rulebooks": watch.run(),
        "wakeup": wakeup.run(),
        "sweeper": Sweeper(pool, watch.current, clock.now).run(),
        "surge brake": SurgeBrake(pool, watch.current).run(),
        "reapplier": Reapplier(pool, writes, partial(read_back, client_options(settings))).run(),
        "outbox": Outbox(pool, client_options(settings)).run(),
        "figures": DeliveryFigures(pool).run(),
        "approvals": ApprovalClock(pool, watch.current, clock.now).run(),
        "mails to coaches": send_when_known(app, _coach_mails(settings, watch.current, pool)),
    }
    for name, channel in channels(settings, watch.current).items():
        sender = _sender(name, channel, settings, watch.current, pool, teller, wakeup)
        running[f"sender of {name}"] = send_when_known(app, sender)
    workers = {name: asyncio.create_task(work, name=name) for name, work in running.items()}
    try:
        yield Delivery(app=app, workers=workers)
    finally:
        await _end(workers.values())


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Runs(Protocol):
    """What sends until it is cancelled."""

    async def run(self) -> None: ...  # noqa: D102 - described above


async def send_when_known(app: EngineApp, sender: Runs, look_seconds: float = 0.1) -> None:
    """Send once every profile is applied that was there at the start: it may erase somebody for whom a mail waits."""
    told_at = monotonic()
    while unknown := profiles_unknown(app):
        if monotonic() - told_at > _TELL_SECONDS:
            told_at = monotonic()
            _log.warning("senders.wait", reason=unknown)
        await asyncio.sleep(look_seconds)
    await sender.run()


def profiles_unknown(app: EngineApp) -> str | None:
    """Why senders wait; None when the profiles of every partition that we have are applied, and we have one."""
    owned = app.ownership
    if not (owned.ready and owned.pipes):
        return "no partition is ours yet"
    behind = [str(number) for number, pipe in sorted(owned.pipes.items()) if not pipe.has_caught_up(CLIENTS)]
    return f"profiles of partitions {', '.join(behind)} are not applied yet" if behind else None


def channels(settings: DeliverSettings, tenants: TenantsNow) -> dict[str, Channel | None]:
    """The channels that have what they need; the inbox is a table of ours and needs nothing."""
    return {
        "in_app": None,
        "email": _email(settings),
        "sms": SmsChannel(
            account_of(twilio_account, tenants, settings.secret_files), partial(status_url, str(settings.public_url))
        ),
        "slack": SlackChannel(account_of(slack_place, tenants, settings.secret_files)),
        "gift": GiftChannel(account_of(gift_account, tenants, settings.secret_files)),
    }


def _email(settings: DeliverSettings) -> EmailChannel:
    password = settings.smtp_password
    server = MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
        hello=_hello(settings),
        connections=settings.sender_concurrency,
    )
    return EmailChannel(server, now=lambda: datetime.now(UTC))


def _coach_mails(settings: DeliverSettings, tenants: TenantsNow, pool: Pool) -> CoachMails:
    links = ApprovalLinks(str(settings.public_url), settings.link_key.get_secret_value())
    return CoachMails(pool, tenants=tenants, channel=_email(settings), links=links, now=settings.clock.now)


def _hello(settings: DeliverSettings) -> str:
    """Our name in EHLO: relays refuse `localhost`, and a bare address is no name (RFC 5321, 4.1.1.1)."""
    host = settings.public_url.host or ""
    return host if host[-1:].isalpha() else "localhost"


def _sender(
    name: str,
    channel: Channel | None,
    settings: DeliverSettings,
    tenants: TenantsNow,
    pool: Pool,
    teller: Teller,
    wakeup: Wakeup,
) -> Sender:
    clock = settings.clock
    attempts = Attempts(pool=pool, tenants=tenants, channel=channel, teller=teller, now=clock.now)
    return Sender(
        name,
        pool=pool,
        attempts=attempts,
        wakeup=wakeup.waiter(),
        now=clock.now,
        real_seconds=clock.real_seconds,
        limits=SenderLimits(in_flight=settings.sender_concurrency if name == "email" else _AT_ONCE),
    )


def _source(topic: str, keeper: Bookkeeper) -> PositionedSource:
    return PositionedSource(topic=topic, claim=keeper.claim, apply=keeper.apply)


def engine_config(settings: DeliverSettings) -> EngineConfig:
    """The engine's settings for delivery: profiles before milestones, nothing committed to Kafka."""
    return EngineConfig(
        app_id=DELIVERY_APP_ID,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        source_topics=(CLIENTS, MILESTONES),
        partitions=settings.partitions,
        security=security_options(settings),
    )
