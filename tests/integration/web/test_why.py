"""The story over HTTP: for the tenant's key alone, and without a word of who asks for what."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from agents.ledger.pool import Pool

Client: TypeAlias = TestClient[Request, Application]
Headers: TypeAlias = dict[str, str]
WHY = "/v1/admin/tenants/northstar/clients/zoe/why"
MILESTONE = "0f" * 16


@pytest.fixture
async def reached(pool: Pool) -> AsyncIterator[None]:
    """Zoe had her first session, and left the mails; the ledger is shared with other tests."""
    await pool.execute("INSERT INTO clients (tenant, client) VALUES ('northstar', 'zoe')")
    await pool.execute(
        "INSERT INTO milestones (milestone_id, revision, retracted, tenant, client, rule, tier, reached_at, record, "
        "heard_at) VALUES ($1, 1, false, 'northstar', 'zoe', 'first-session', 'micro', now(), "
        """'{"name": "First session"}', now())""",
        MILESTONE,
    )
    await pool.execute(
        "INSERT INTO decisions (milestone_id, revision, tenant, client, part, outcome, reason, decided_at) "
        "VALUES ($1, 1, 'northstar', 'zoe', 'email', 'skip', 'opted_out', now())",
        MILESTONE,
    )
    yield
    await pool.execute("DELETE FROM milestones WHERE milestone_id = $1", MILESTONE)
    await pool.execute("DELETE FROM clients WHERE client = 'zoe'")


@pytest.mark.usefixtures("reached")
async def test_a_platform_reads_why_in_sentences(client: Client, practice: Headers) -> None:
    for query in ("", f"?milestone={MILESTONE}"):
        response = await client.get(f"{WHY}{query}", headers=practice)
        assert response.status == 200
        (chapter,) = (await response.json())["milestones"]
        assert chapter["name"] == "First session"
        assert chapter["decisions"][0]["sentence"] == "The mail does not go: the client has left this channel."


@pytest.mark.usefixtures("reached")
async def test_what_is_not_there_is_said_without_repeating_it(client: Client, practice: Headers) -> None:
    assert (await client.get(WHY.replace("zoe", "zed"), headers=practice)).status == 404
    assert (await client.get(f"{WHY}?milestone={'ee' * 16}", headers=practice)).status == 404
    response = await client.get(f"{WHY}?milestone=%00zoe", headers=practice)
    assert response.status == 400
    assert "zoe" not in (await response.json())["detail"]


async def test_a_key_for_another_tenant_reads_nothing(client: Client, practice: Headers) -> None:
    assert (await client.get(WHY)).status == 401
    assert (await client.get(WHY.replace("northstar", "harbour"), headers=practice)).status == 403
