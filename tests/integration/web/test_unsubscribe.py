from typing import TypeAlias

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from agents.ledger.clients import has_opted_out
from agents.ledger.pool import Pool
from agents.web.links import UnsubscribeLinks

Client: TypeAlias = TestClient[Request, Application]


@pytest.fixture
def page(links: UnsubscribeLinks) -> str:
    return f"/u/{links.token(tenant='northstar', client='ana', channel='email')}"


async def is_out(pool: Pool) -> bool:
    return await has_opted_out(pool, tenant="northstar", client="ana", channel="email")


async def test_looking_at_the_page_changes_nothing(client: Client, page: str, pool: Pool) -> None:
    response = await client.get(page)
    text = await response.text()
    assert response.status == 200
    assert "Northstar Strength" in text
    assert "Stop these messages" in text
    assert '<html lang="en">' in text
    assert "script" not in text
    assert not await is_out(pool)
    assert await pool.fetchval("SELECT count(*) FROM opt_outs") == 0


async def test_the_button_leaves_and_the_way_back_returns(client: Client, page: str, pool: Pool) -> None:
    left = await client.post(page, data={"choice": "leave"})
    assert "These messages have stopped" in await left.text()
    assert await is_out(pool)
    assert "Send them again" in await (await client.get(page)).text()
    back = await client.post(page, data={"choice": "return"})
    assert "These messages come again" in await back.text()
    assert not await is_out(pool)


async def test_one_click_leaves_as_mailboxes_send_it(client: Client, page: str, pool: Pool) -> None:
    for form in (
        FormData({"List-Unsubscribe": "One-Click"}),
        FormData({"List-Unsubscribe": "One-Click"}, default_to_multipart=True),
    ):
        response = await client.post(page, data=form, allow_redirects=False)
        assert response.status == 200
        assert await is_out(pool)
        await client.post(page, data={"choice": "return"})


async def test_leaving_twice_is_leaving_once(client: Client, page: str, pool: Pool) -> None:
    for _ in range(2):
        await client.post(page, data={"List-Unsubscribe": "One-Click"})
    rows = await pool.fetch("SELECT source, returned_at FROM opt_outs")
    assert [tuple(row) for row in rows] == [("one_click", None)]


async def test_a_post_that_says_nothing_changes_nothing(client: Client, page: str, pool: Pool) -> None:
    assert "Stop these messages" in await (await client.post(page)).text()
    assert "Stop these messages" in await (await client.post(page, data={"choice": "explode"})).text()
    assert not await is_out(pool)


@pytest.mark.parametrize("token", ["x", "a.b", "%00", "x" * 3000])
async def test_a_link_that_we_never_made_is_not_found(client: Client, pool: Pool, token: str) -> None:
    for response in (await client.get(f"/u/{token}"), await client.post(f"/u/{token}", data={"choice": "leave"})):
        assert response.status == 404
        assert "This link does not work" in await response.text()
    assert await pool.fetchval("SELECT count(*) FROM opt_outs") == 0


async def test_the_page_is_shown_to_nobody_else_and_kept_nowhere(client: Client, page: str) -> None:
    headers = (await client.get(page)).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


async def test_a_body_without_end_is_refused(client: Client, page: str, pool: Pool) -> None:
    assert (await client.post(page, data={"choice": "leave", "more": "x" * 100_000})).status == 413
    assert not await is_out(pool)
