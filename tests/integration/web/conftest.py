import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import asyncpg
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agents.approval_desk import ApprovalDesk
from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.tenants import Tenant
from agents.web.access import create_key
from agents.web.admin import admin_app
from agents.web.admin_approvals import approval_routes
from agents.web.approval_links import ApprovalLinks
from agents.web.approval_page import approval_page_app
from agents.web.asset_files import assets_app
from agents.web.failures import Failures
from agents.web.inbox import inbox_app
from agents.web.keepsake_links import KeepsakeLinks
from agents.web.keepsakes import add_keepsakes
from agents.web.links import UnsubscribeLinks
from agents.web.preference_links import PreferenceLinks
from agents.web.preference_page import preference_page_app
from agents.web.preferences import preferences_app
from agents.web.problems import problems
from agents.web.provider_events import provider_events_app
from agents.web.replies import replies_app
from agents.web.unsubscribe import unsubscribe_app
from agents.wishes import ClientWishes
from schemas.tenant import Referral, Video
from tests.integration.ledger.ledger_practice import NOON
from tests.integration.waiting import RENDERER
from tests.integration.web.inbox_rows import ITEM, MILESTONE
from tests.sample_milestones import tenant


class DatabaseServer(Protocol):
    """What `postgres` gives."""

    dsn: str


INBOX_KEY = "k" * 32
ORIGIN = "https://app.northstar.example"


@pytest.fixture(scope="session")
async def web_dsn(postgres: DatabaseServer) -> AsyncIterator[str]:
    """A ledger that all tests of the web share; migrating one for each takes longer than the tests."""
    name = f"web_{uuid.uuid4().hex}"
    server = await asyncpg.connect(postgres.dsn)
    await server.execute(f'CREATE DATABASE "{name}"')
    dsn = urlsplit(postgres.dsn)._replace(path=f"/{name}").geturl()
    await migrate(dsn)
    yield dsn
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.close()


@pytest.fixture(scope="session")
async def web_pool(web_dsn: str) -> AsyncIterator[Pool]:
    pool = await connect(web_dsn, max_connections=6)
    yield pool
    await pool.close()


@pytest.fixture
async def pool(web_pool: Pool) -> Pool:
    # What is append-only for everybody else is emptied between tests.
    await web_pool.execute(
        "BEGIN; SET LOCAL session_replication_role = replica; "
        "TRUNCATE milestones, clients, api_keys, suppressions, pauses, opt_outs, coach_tasks, consent_wishes, "
        "consent_history, provider_events, decisions, decision_batches CASCADE; COMMIT"
    )
    return web_pool


@dataclass
class Erased:
    """Who was asked to be erased."""

    clients: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, tenant: str, client: str) -> None:
        self.clients.append((tenant, client))


@pytest.fixture
def erased() -> Erased:
    return Erased()


@dataclass
class Restated:
    """What was asked to be published about whom."""

    facts: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    error: Exception | None = None

    async def __call__(self, tenant: str, client: str, facts: Mapping[str, Any]) -> bool:
        if self.error:
            raise self.error
        self.facts.append((tenant, client, facts))
        return True


@pytest.fixture
def restated() -> Restated:
    return Restated()


@pytest.fixture
def wishes(pool: Pool, restated: Restated) -> ClientWishes:
    return ClientWishes(pool, restated, lambda: NOON)


@pytest.fixture
def links() -> UnsubscribeLinks:
    return UnsubscribeLinks("http://cairn.example", "l" * 32)


@pytest.fixture
def keepsake_links() -> KeepsakeLinks:
    return KeepsakeLinks("http://cairn.example/", "l" * 32)


VIDEO = Video(
    url="https://media.northstar.example/{rule}-{threshold}.mp4",
    poster_url="https://media.northstar.example/{tier}.jpg",
    captions_url="https://captions.northstar.example/{rule}.vtt",
)
REFERRAL = Referral(url="https://northstar.example/join?ref={code}&src=friend")


@pytest.fixture
def approval_links() -> ApprovalLinks:
    return ApprovalLinks("http://cairn.example", "l" * 32)


@pytest.fixture
def tenants(tmp_path: Path) -> dict[str, Tenant]:
    return {name: replace(tenant(tmp_path), id=name) for name in ("northstar", "other")}


@pytest.fixture
def desk(pool: Pool, tenants: dict[str, Tenant]) -> ApprovalDesk:
    return ApprovalDesk(pool, tenants=lambda: tenants, renderer=RENDERER, now=lambda: NOON)


@pytest.fixture
def coaches_page(approval_links: ApprovalLinks, desk: ApprovalDesk, tenants: dict[str, Tenant]) -> web.Application:
    return approval_page_app(desk, links=approval_links, tenants=lambda: tenants, public_url="http://cairn.example")


@pytest.fixture
def preference_links() -> PreferenceLinks:
    return PreferenceLinks("http://cairn.example", "l" * 32)


@pytest.fixture
def hook_secrets() -> dict[str, tuple[str, ...]]:
    """The secrets of the tenant's providers, by their files; what a test puts in counts."""
    return {}


@pytest.fixture
def app(  # noqa: PLR0913, PLR0917 - every part of the web process
    pool: Pool,
    erased: Erased,
    wishes: ClientWishes,
    links: UnsubscribeLinks,
    preference_links: PreferenceLinks,
    keepsake_links: KeepsakeLinks,
    coaches_page: web.Application,
    desk: ApprovalDesk,
    tenants: dict[str, Tenant],
    hook_secrets: dict[str, tuple[str, ...]],
    tmp_path: Path,
) -> web.Application:
    failures = Failures(allowed=5)
    app = web.Application(middlewares=[problems])
    mount_wishes(app, pool, wishes, tenants, hook_secrets)
    app.add_subapp("/p", preference_page_app(wishes=wishes, links=preference_links, tenants=lambda: tenants))
    app.add_subapp(
        "/v1/inbox",
        inbox_app(
            pool,
            keys=lambda tenant: (INBOX_KEY,) if tenant == "northstar" else (),
            failures=failures,
            allowed_origins=(ORIGIN,),
        ),
    )
    practice = replace(tenant(tmp_path), video=VIDEO, referral=REFERRAL)
    add_keepsakes(app, pool, links=keepsake_links, tenants=lambda: {"northstar": practice})
    app.add_subapp("/assets", assets_app(allowed_origins=(ORIGIN,)))
    name_of = {"northstar": "Northstar Strength"}.get
    app.add_subapp("/u", unsubscribe_app(pool, wishes=wishes, links=links, practice=name_of))
    more = approval_routes(desk)
    admin = admin_app(pool, failures=failures, erase=erased, tenants=lambda: tenants, now=lambda: NOON, more=more)
    app.add_subapp("/v1/admin", admin)
    app.add_subapp("/a", coaches_page)
    return app


def mount_wishes(
    app: web.Application,
    pool: Pool,
    wishes: ClientWishes,
    tenants: Mapping[str, Tenant],
    hook_secrets: dict[str, tuple[str, ...]],
) -> None:
    app.add_subapp(
        "/v1/provider-events",
        provider_events_app(
            pool,
            wishes=wishes,
            secrets=lambda tenant, name: hook_secrets.get(name, ()) if tenant == "northstar" else (),
            public_url="https://cairn.example/",
        ),
    )
    app.add_subapp(
        "/v1/preferences",
        preferences_app(
            wishes=wishes,
            tenants=lambda: tenants,
            keys=lambda tenant: (INBOX_KEY,) if tenant == "northstar" else (),
            failures=Failures(allowed=5),
            allowed_origins=(ORIGIN,),
        ),
    )
    app.add_subapp(
        "/v1/replies",
        replies_app(
            pool,
            wishes=wishes,
            tokens=lambda tenant: ("new token", "old token") if tenant == "northstar" else (),
            public_url="https://cairn.example/",
        ),
    )


@pytest.fixture
async def client(app: web.Application) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def reader() -> Callable[[str], dict[str, str]]:
    def headers(client: str) -> dict[str, str]:
        claims = {"tenant": "northstar", "sub": client, "aud": "cairn-inbox", "exp": int(time.time()) + 600}
        return {"Authorization": f"Bearer {jwt.encode(claims, INBOX_KEY, 'HS256')}"}

    return headers


@pytest.fixture
async def operator(pool: Pool) -> dict[str, str]:
    return {"Authorization": f"Bearer {await create_key(pool, name='ops', tenant=None)}"}


@pytest.fixture
async def practice(pool: Pool) -> dict[str, str]:
    return {"Authorization": f"Bearer {await create_key(pool, name='northstar-app', tenant='northstar')}"}


@pytest.fixture
def put_item(pool: Pool) -> Callable[[str, str], object]:
    async def put(item: str, client: str) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(MILESTONE, item, client, "sent")
            await connection.execute(ITEM, item, client)

    return put
