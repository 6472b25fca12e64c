"""`cairn serve`: the web process: hooks and pulls in; inbox, unsubscribe page and administration.

Wiring alone: it chooses implementations and ends the process when a part of it ends. Tenants,
sources and secrets are taken up while it runs. Every route but the probes' carries its own proof:
hooks a secret path and a signature, the inbox a token, the unsubscribe page and keepsakes a signed
link, administration a key. What lies in `/assets` is the same for everybody.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import structlog
import uvloop
from aiohttp import web

from agents.approval_desk import ApprovalDesk
from agents.channels.render import Renderer
from agents.channels.sms import KEY_FILE
from agents.engine.serving import stop_signal
from agents.intake.service import Intake, IntakeConfig, run_intake
from agents.intake.turnstile import HookLimits
from agents.kafka import client_options
from agents.ledger.opening import UNFIT, open_ledger
from agents.ledger.pool import Pool
from agents.ledger.queries import load_queries
from agents.link_follower import LinkFollower
from agents.linking import link_clients
from agents.looks import ignore_hangups
from agents.settings import ServeSettings
from agents.uptake import Uptake
from agents.web.admin import admin_app
from agents.web.admin_approvals import approval_routes
from agents.web.admin_links import link_routes
from agents.web.approval_links import ApprovalLinks
from agents.web.approval_page import approval_page_app
from agents.web.asset_files import assets_app
from agents.web.failures import Failures
from agents.web.inbox import inbox_app
from agents.web.keepsake_links import KeepsakeLinks
from agents.web.keepsakes import add_keepsakes
from agents.web.links import UnsubscribeLinks
from agents.web.listening import listening
from agents.web.preference_links import PreferenceLinks
from agents.web.preference_page import preference_page_app
from agents.web.preferences import preferences_app
from agents.web.probes import Check, Remark, probes_app
from agents.web.problems import problems
from agents.web.provider_events import provider_events_app
from agents.web.replies import replies_app
from agents.web.unsubscribe import unsubscribe_app
from agents.wishes import ClientWishes

_MAX_CONNECTIONS = 16
_FAILED = 3
_log = structlog.get_logger()


def run_serve(settings: ServeSettings) -> int:
    """Serve until SIGTERM or SIGINT, or until a part fails; returns the exit status."""
    ignore_hangups()
    uptake = Uptake(settings.tenants_dir, settings.secret_files)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, uptake))


async def _serve(settings: ServeSettings, uptake: Uptake) -> int:
    stop = stop_signal()
    state: dict[str, Intake] = {}
    probes = probes_app(live={}, ready=readiness(state))
    async with listening(probes, host=settings.probe_host, port=settings.serve_probe_port):
        serving = asyncio.create_task(_serve_public(settings, uptake, state, stop), name="serve")
        waiting = asyncio.create_task(stop.wait(), name="signal")
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not state:  # still waiting for the database
            serving.cancel()
        return await _outcome(serving)


async def _outcome(serving: asyncio.Task[None]) -> int:
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    except UNFIT:
        raise  # its text is for the operator
    except Exception:  # noqa: BLE001 - ends the process
        _log.critical("serve_failed", exc_info=True)
        return _FAILED
    return 0


async def _serve_public(settings: ServeSettings, uptake: Uptake, state: dict[str, Intake], stop: asyncio.Event) -> None:
    async with _parts(settings, uptake) as (pool, intake):
        state["intake"] = intake
        app = public_app(settings, uptake, pool, intake)
        async with listening(app, host=settings.http_host, port=settings.http_port):
            _log.info("serving", host=settings.http_host, port=settings.http_port)
            stopping = asyncio.create_task(stop.wait())
            follower = LinkFollower(client_options(settings), pool, intake.admission.erase)
            own = {
                asyncio.create_task(follower.run(), name="links"),
                asyncio.create_task(uptake.run(intake.take_up), name="uptake"),
            }
            working = {intake.background, *own}
            try:
                await asyncio.wait({stopping, *working}, return_when=asyncio.FIRST_COMPLETED)
                for ended in working:
                    if ended.done():
                        await ended
            finally:
                stopping.cancel()
                for task in own:
                    task.cancel()
                await asyncio.gather(*own, return_exceptions=True)


@asynccontextmanager
async def _parts(settings: ServeSettings, uptake: Uptake) -> AsyncIterator[tuple[Pool, Intake]]:
    dsn = settings.database_url.get_secret_value()
    config = IntakeConfig(
        tenants=tuple(uptake.tenants().values()),
        secrets=uptake.secrets,
        clock=settings.clock,
        kafka_options=client_options(settings),
        queries=load_queries("intake"),
        identity_key=settings.identity_key.get_secret_value().encode(),
        spool_dir=settings.spool_dir,
        spool_max_bytes=settings.spool_max_bytes,
        limits=HookLimits(per_second=settings.hooks_per_second),
    )
    async with open_ledger(dsn, max_connections=_MAX_CONNECTIONS) as pool, run_intake(config, pool) as intake:
        yield pool, intake


def public_app(settings: ServeSettings, uptake: Uptake, pool: Pool, intake: Intake) -> web.Application:
    """The application of the public port, every route of it."""
    app = web.Application(middlewares=[problems])
    app.add_routes(intake.routes)
    _add_clients_routes(app, settings, uptake, pool, intake)
    _add_coaches_routes(app, settings, uptake, pool, intake)
    return app


def _add_clients_routes(
    app: web.Application, settings: ServeSettings, uptake: Uptake, pool: Pool, intake: Intake
) -> None:
    """What clients see and say, and what providers tell of them."""
    public_url, signing = _signing(settings)
    origins = tuple(origin.strip() for origin in settings.allowed_origins.split(",") if origin.strip())
    wishes = ClientWishes(pool, intake.admission.restate, settings.clock.now)
    failures = Failures()
    tenants = uptake.tenants

    def secrets(tenant: str, name: str) -> tuple[str, ...]:
        return uptake.secrets(tenant, name) if tenant in tenants() else ()

    def inbox_keys(tenant: str) -> tuple[str, ...]:
        return secrets(tenant, "inbox_key")

    def account_tokens(tenant: str) -> tuple[str, ...]:
        return secrets(tenant, KEY_FILE)

    def practice(tenant: str) -> str | None:
        found = tenants().get(tenant)
        return found.name if found else None

    app.add_subapp("/v1/inbox", inbox_app(pool, keys=inbox_keys, failures=failures, allowed_origins=origins))
    preferences = preferences_app(
        wishes=wishes, tenants=tenants, keys=inbox_keys, failures=failures, allowed_origins=origins
    )
    app.add_subapp("/v1/preferences", preferences)
    app.add_subapp("/v1/replies", replies_app(pool, wishes=wishes, tokens=account_tokens, public_url=public_url))
    events = provider_events_app(pool, wishes=wishes, secrets=secrets, public_url=public_url)
    app.add_subapp("/v1/provider-events", events)
    links = UnsubscribeLinks(*signing)
    app.add_subapp("/u", unsubscribe_app(pool, wishes=wishes, links=links, practice=practice))
    app.add_subapp("/p", preference_page_app(wishes=wishes, links=PreferenceLinks(*signing), tenants=tenants))
    add_keepsakes(app, pool, links=KeepsakeLinks(*signing), tenants=tenants)
    app.add_subapp("/assets", assets_app(allowed_origins=origins))


def _add_coaches_routes(
    app: web.Application, settings: ServeSettings, uptake: Uptake, pool: Pool, intake: Intake
) -> None:
    """What coaches and operators decide."""
    public_url, signing = _signing(settings)
    now = settings.clock.now
    desk = ApprovalDesk(pool, tenants=uptake.tenants, renderer=Renderer(), now=now)
    page = approval_page_app(desk, links=ApprovalLinks(*signing), tenants=uptake.tenants, public_url=public_url)
    app.add_subapp("/a", page)
    admin = admin_app(
        pool,
        failures=Failures(),
        erase=intake.admission.erase,
        tenants=uptake.tenants,
        now=now,
        more=(*approval_routes(desk), *link_routes(pool, partial(link_clients, pool, intake.producer.deliver), now)),
    )
    app.add_subapp("/v1/admin", admin)


def _signing(settings: ServeSettings) -> tuple[str, tuple[str, str]]:
    """Where we are reached, and what the makers of signed links take."""
    public_url = str(settings.public_url)
    return public_url, (public_url, settings.link_key.get_secret_value())


def readiness(state: Mapping[str, Intake]) -> dict[str, Check]:
    """What must hold before hooks are sent here; the spool takes them too, so that Kafka need not be there."""

    async def database() -> str | None:
        return None if "intake" in state else "waiting for the database"

    async def kafka() -> str | None:
        if (intake := state.get("intake")) is None:
            return "not asked for before the database is there"
        if intake.producer.is_live:
            return None
        if intake.producer.can_take:
            return Remark(f"Kafka is away: records go to the spool, which has {intake.producer.spooled_bytes} bytes")
        return "Kafka is away, and the spool is full or its disk refuses"

    return {"database": database, "kafka": kafka}
