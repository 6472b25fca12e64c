from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agents.ledger.pool import Pool, connect
from agents.web.links import UnsubscribeLinks
from agents.web.problems import problems
from agents.web.unsubscribe import unsubscribe_app
from agents.wishes import ClientWishes
from tests.integration.web.conftest import NOON, Restated

SAME_FOR_EVERYBODY = {"/assets/cairn-inbox.js"}


async def test_no_route_answers_without_a_credential(
    app: web.Application, client: TestClient[web.Request, web.Application], pool: Pool
) -> None:
    await pool.execute(
        "INSERT INTO opt_outs (tenant, client, channel, source) VALUES ('northstar', 'ana', 'email', 'x')"
    )
    before = await contents(pool)
    visited = 0
    for route in app.router.routes():
        resource = route.resource
        assert resource is not None
        path = resource.canonical
        filled = {"tenant": "northstar", "task": "1", "size": "512", "provider": "mailgun"}
        for part in ("tenant", "client", "item", "task", "token", "size", "id", "tail", "provider", "delivery"):
            path = path.replace(f"{{{part}}}", filled.get(part, "x"))
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            response = await client.request(method, path, json={"reason": "x", "choice": "leave"})
            refused = response.status in (401, 403, 404, 405, 429)
            given = path in SAME_FOR_EVERYBODY and method in ("GET", "HEAD")
            assert refused is not given, f"{method} {path} answered {response.status}"
            visited += 1
    assert visited > 50
    assert await contents(pool) == before


async def contents(pool: Pool) -> list[int]:
    tables = (
        "suppressions",
        "pauses",
        "opt_outs",
        "api_keys",
        "coach_tasks",
        "inbox",
        "referrals",
        "decisions",
        "consent_wishes",
        "provider_events",
    )
    return [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables]  # noqa: S608 - names above


async def test_while_the_database_is_away_callers_are_told_to_come_back(web_dsn: str) -> None:
    pool = await connect(web_dsn, max_connections=1)
    app = web.Application(middlewares=[problems])
    links = UnsubscribeLinks("http://cairn.example", "l" * 32)
    wishes = ClientWishes(pool, Restated(), lambda: NOON)
    app.add_subapp("/u", unsubscribe_app(pool, wishes=wishes, links=links, practice=lambda _tenant: None))
    await pool.close()
    async with TestClient(TestServer(app)) as client:
        token = links.token(tenant="northstar", client="ana", channel="email")
        response = await client.get(f"/u/{token}")
        assert (response.status, response.content_type) == (503, "application/problem+json")
        assert response.headers["Retry-After"]
