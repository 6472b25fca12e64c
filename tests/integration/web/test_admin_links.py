"""Links by the administration API: two clients of a tenant become one."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from agents.intake.outgoing import Outgoing
from agents.ledger.links import Carried
from agents.ledger.pool import Pool
from agents.linking import Couple, link_clients
from agents.tenants import Tenant
from agents.web.admin import admin_app
from agents.web.admin_links import link_routes
from agents.web.failures import Failures
from agents.web.problems import problems
from tests.integration.ledger.ledger_practice import NOON

Client: TypeAlias = TestClient[Request, Application]
Headers: TypeAlias = dict[str, str]
ANA = "/v1/admin/tenants/northstar/clients/ana/links"


async def take(_records: Sequence[Outgoing]) -> None:
    """A topic of which nobody asks here."""


@pytest.fixture
async def desk(pool: Pool, tenants: dict[str, Tenant]) -> AsyncIterator[Client]:
    async def erase(_tenant: str, _client: str) -> None:
        """Nobody is erased here."""

    async def link(couple: Couple, /, *, now: datetime) -> Carried:
        return await link_clients(pool, take, couple, now=now)

    await pool.execute("TRUNCATE client_links")
    await pool.execute("INSERT INTO clients (tenant, client) VALUES ('northstar', 'ana'), ('northstar', 'bea')")
    more = link_routes(pool, link, lambda: NOON)
    app = web.Application(middlewares=[problems])
    admin = admin_app(pool, failures=Failures(), erase=erase, tenants=lambda: tenants, now=lambda: NOON, more=more)
    app.add_subapp("/v1/admin", admin)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_a_client_is_linked_once_signed_with_the_keys_name_and_listed(desk: Client, practice: Headers) -> None:
    for is_new in (True, False):
        answer = await desk.post(ANA, json={"client": "bea"}, headers=practice)
        carried = await answer.json()
        assert (answer.status, carried["into"], carried["is_new"]) == (200, "ana", is_new)
    (shown,) = (await (await desk.get(ANA, headers=practice)).json())["links"]
    assert (shown["client"], shown["into_client"], shown["author"]) == ("bea", "ana", "northstar-app")
    of_bea = await (await desk.get(ANA.replace("ana", "bea"), headers=practice)).json()
    assert of_bea["links"] == [shown]


async def test_what_cannot_be_linked_is_told_why(desk: Client, practice: Headers) -> None:
    assert (await desk.post(ANA, json={"client": "bee"}, headers=practice)).status == 404
    assert (await desk.post(ANA, json={"client": "ana"}, headers=practice)).status == 409
    for body in ({}, {"client": "a b"}, {"client": "x", "more": 1}, {"client": 7}):
        assert (await desk.post(ANA, json=body, headers=practice)).status == 400
    assert (await desk.post(ANA, json={"client": "bea"}, headers=practice)).status == 200
    back = await desk.post(ANA.replace("ana", "bea"), json={"client": "ana"}, headers=practice)
    assert (back.status, "already" in (await back.json())["detail"]) == (409, True)


async def test_nobody_links_without_a_key_or_in_another_tenant(desk: Client, practice: Headers, pool: Pool) -> None:
    assert (await desk.post(ANA, json={"client": "bea"})).status == 401
    other = ANA.replace("northstar", "other")
    assert (await desk.post(other, json={"client": "bea"}, headers=practice)).status == 403
    assert await pool.fetchval("SELECT count(*) FROM client_links") == 0
