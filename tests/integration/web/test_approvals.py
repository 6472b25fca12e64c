"""Approvals by the link in a coach's mail."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import TypeAlias

import pytest
import time_machine
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from agents.ledger.approvals import approved_words
from agents.ledger.money import reserve
from agents.ledger.pool import Pool
from agents.tenants import Tenant
from agents.web.approval_links import ApprovalLinks
from schemas.celebration import Approved
from schemas.policy import Budget
from tests.integration.ledger.ledger_practice import reached
from tests.integration.waiting import thirty_six, wait_for_coach

Client: TypeAlias = TestClient[Request, Application]
Headers: TypeAlias = dict[str, str]
Ask: TypeAlias = Callable[..., Awaitable[str]]
HERE = "/v1/admin/tenants/northstar/approvals"


@pytest.fixture(autouse=True)
async def ana(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO clients (tenant, client, profile) VALUES ('northstar', 'ana', $1)",
        '{"name": "ana silva", "email": "ana@clients.example"}',
    )


@pytest.fixture
def ask(pool: Pool, approval_links: ApprovalLinks) -> Ask:
    """Ask a coach and give the address of the page."""

    async def asking(*parts: str, **changes: object) -> str:
        waiting = await wait_for_coach(pool, *parts, **changes)  # type: ignore[arg-type]
        return f"/a/{approval_links.token(tenant='northstar', celebration_id=waiting, coach='jo')}"

    return asking


async def approval(pool: Pool) -> tuple[str, str | None]:
    row = await pool.fetchrow("SELECT state, decided_by FROM approvals")
    assert row is not None
    return row["state"], row["decided_by"]


async def test_looking_at_the_page_changes_nothing(client: Client, ask: Ask, pool: Pool) -> None:
    page = await ask("email", "gift")
    response = await client.get(page)
    text = await response.text()
    assert response.status == 200
    for said in (
        "Northstar Strength",
        "A word to Ana?",
        "36 sessions",
        "the mail and a gift card of $25 wait",
        "Wednesday, 6 May, 08:00",
        "sandbox srcdoc=",
        "Thirty-six sessions, Ana",
        "I will do it myself",
    ):
        assert said in text
    assert "<script" not in text
    assert "ana@clients.example" not in text
    assert await approval(pool) == ("open", None)
    headers = response.headers
    assert headers["X-Robots-Tag"] == "noindex"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


async def test_who_gives_more_than_the_budget_leaves_is_told_before(
    client: Client, ask: Ask, pool: Pool, practice: Headers
) -> None:
    page = await ask("email", "gift")
    asked = await pool.fetchval("SELECT celebration_id FROM approvals")
    path = f"{HERE}/{asked}"
    budget = {"client_month_cents": 4000, "tenant_month_cents": 100_000}
    shown = await (await client.get(path, headers=practice)).json()
    assert shown["month"] == {**budget, "client_cents": 0, "tenant_cents": 0, "exceeds": False}
    assert "more than the budget leaves" not in await (await client.get(page)).text()
    given = reached("core-goal", "major", "count", threshold=1)
    await wait_for_coach(pool, "email", milestone=given, gone=("gift",))
    gift = await pool.fetchval("SELECT delivery_id FROM deliveries WHERE state = 'pending'")
    limits = Budget(**budget)
    whose = {"delivery_id": gift, "tenant": "northstar", "client": "ana", "month": date(2026, 5, 1)}
    assert await reserve(pool, **whose, cents=2500, budget=limits)
    shown = await (await client.get(path, headers=practice)).json()
    assert shown["month"] == {**budget, "client_cents": 2500, "tenant_cents": 2500, "exceeds": True}
    told = "$25 of $40 are given or promised to the client, $25 of $1000 in the whole practice"
    assert told in await (await client.get(page)).text()


async def test_the_answer_is_the_coachs_and_the_words_are_those_in_the_fields(
    client: Client, ask: Ask, pool: Pool
) -> None:
    page = await ask("email", "gift")
    form = {"choice": "approve", "revision": "1", "subject.email": "Ana!", "text.email": "One.\r\n\r\nTwo."}
    text = await (await client.post(page, data=form)).text()
    assert "It is on its way" in text
    assert "Decided by Jo Keller" in text
    assert await approval(pool) == ("approved", "jo")
    celebration = await pool.fetchval("SELECT celebration_id FROM approvals")
    assert await approved_words(pool, celebration, "email") == Approved(subject="Ana!", paragraphs=("One.", "Two."))


async def test_a_look_at_the_changes_decides_nothing_and_keeps_them(client: Client, ask: Ask, pool: Pool) -> None:
    page = await ask("in_app")
    form = {"choice": "look", "subject.in_app": "Ana & you", "text.in_app": "Well <b>done</b>."}
    text = await (await client.post(page, data=form)).text()
    assert "Nothing is decided yet" in text
    assert "Well &lt;b&gt;done&lt;/b&gt;." in text
    assert 'value="Ana &amp; you"' in text
    assert await approval(pool) == ("open", None)


async def test_words_that_cannot_go_are_given_back_with_what_to_change(client: Client, ask: Ask, pool: Pool) -> None:
    page = await ask("in_app")
    form = {"choice": "approve", "subject.in_app": "", "text.in_app": "Well done."}
    response = await client.post(page, data=form)
    assert response.status == 422
    text = await response.text()
    assert "the subject is empty" in text
    assert "Well done.</textarea>" in text
    assert await approval(pool) == ("open", None)
    declined = await client.post(page, data={**form, "choice": "decline", "note": "no\nnews"})
    assert "It will not go" in await declined.text()
    assert await pool.fetchval("SELECT note FROM approvals") == "no news"


async def test_a_message_that_the_coach_emptied_is_not_sent_as_it_was(client: Client, ask: Ask, pool: Pool) -> None:
    page = await ask("sms")
    form = {"choice": "approve", "subject.sms": "36 sessions", "text.sms": ""}
    response = await client.post(page, data=form)
    assert response.status == 422
    assert "the text is empty (the text message)" in await response.text()
    assert await approval(pool) == ("open", None)


async def test_a_message_that_cannot_be_put_into_words_may_be_written_or_left(
    client: Client, ask: Ask, pool: Pool, tenants: dict[str, Tenant]
) -> None:
    folder = tenants["northstar"].folder / "templates" / "en"
    folder.mkdir(parents=True)
    (folder / "thirty-six.sms.txt").write_text("Subject: x\n\n{{ shoe_size }}\n", encoding="utf-8")
    page = await ask("sms", "gift")
    assert "the message needs shoe_size" in await (await client.get(page)).text()
    form = {"choice": "approve", "subject.sms": "", "text.sms": "Thirty-six!"}
    assert (await client.post(page, data=form)).status == 200
    celebration = await pool.fetchval("SELECT celebration_id FROM approvals")
    assert await approved_words(pool, celebration, "sms") == Approved(
        subject="Thirty-six!", paragraphs=("Thirty-six!",)
    )


async def test_a_second_answer_is_told_of_the_first(client: Client, ask: Ask, pool: Pool) -> None:
    page = await ask("gift")
    assert "Give the $25" in await (await client.get(page)).text()
    taken = await client.post(page, data={"choice": "take_over", "revision": "1"})
    assert "It is yours" in await taken.text()
    again = await client.post(page, data={"choice": "approve", "revision": "1"})
    assert again.status == 409
    assert "It is yours" in await again.text()
    assert "It is yours" in await (await client.get(page)).text()
    assert await approval(pool) == ("taken_over", "jo")


async def test_an_answer_to_what_has_changed_is_asked_again(client: Client, ask: Ask, pool: Pool) -> None:
    page = await ask("gift")
    await ask("gift", milestone=thirty_six(revision=2))
    response = await client.post(page, data={"choice": "approve", "revision": "1"})
    assert response.status == 409
    text = await response.text()
    assert "has been corrected since you opened this page" in text
    assert 'name="revision" value="2"' in text
    assert await approval(pool) == ("open", None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://cairn.example"},
    ],
)
async def test_an_answer_from_another_site_is_refused(
    client: Client, ask: Ask, pool: Pool, headers: dict[str, str]
) -> None:
    page = await ask("gift")
    response = await client.post(page, data={"choice": "approve"}, headers=headers)
    assert response.status == 403
    assert "Nothing was decided" in await response.text()
    assert await approval(pool) == ("open", None)
    ours = {"Sec-Fetch-Site": "same-origin", "Origin": "http://cairn.example"}
    assert (await client.post(page, data={"choice": "approve"}, headers=ours)).status == 200


async def test_a_link_that_is_forged_or_of_a_coach_who_is_gone_opens_nothing(
    client: Client, ask: Ask, approval_links: ApprovalLinks, pool: Pool
) -> None:
    page = await ask("gift")
    celebration = await pool.fetchval("SELECT celebration_id FROM approvals")
    strangers = (
        page[:-2],
        "/a/" + "x" * 2000,
        "/a/" + ApprovalLinks("http://x", "m" * 32).token(tenant="northstar", celebration_id=celebration, coach="jo"),
        "/a/" + approval_links.token(tenant="northstar", celebration_id=celebration, coach="gone"),
        "/a/" + approval_links.token(tenant="nowhere", celebration_id=celebration, coach="jo"),
        "/a/" + approval_links.token(tenant="other", celebration_id=celebration, coach="jo"),
        "/a/" + approval_links.token(tenant="northstar", celebration_id="f" * 32, coach="jo"),
    )
    for path in strangers:
        for response in (await client.get(path), await client.post(path, data={"choice": "approve"})):
            assert response.status == 404
            assert "This link does not work" in await response.text()
    assert await approval(pool) == ("open", None)


async def test_a_link_says_when_it_is_too_old(client: Client, ask: Ask, pool: Pool) -> None:
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False):
        page = await ask("gift")
    for response in (await client.get(page), await client.post(page, data={"choice": "approve"})):
        assert response.status == 410
        assert "This link is too old" in await response.text()
    assert await approval(pool) == ("open", None)


async def test_a_page_about_an_erased_client_names_nobody(client: Client, ask: Ask, pool: Pool) -> None:
    page = await ask("email")
    await pool.execute("UPDATE approvals SET state = 'closed', reason = 'erased'")
    await pool.execute("UPDATE clients SET profile = NULL, erased_at = now()")
    text = await (await client.get(page)).text()
    assert "This is closed" in text
    assert "Ana" not in text


async def test_what_ended_just_now_is_told_before_anybody_closed_it(client: Client, ask: Ask, pool: Pool) -> None:
    page = await ask("gift")
    await pool.execute("UPDATE milestones SET retracted = true")
    for response in (await client.get(page), await client.post(page, data={"choice": "approve"})):
        text = await response.text()
        assert "took the milestone back" in text
        assert "Give the $25" not in text
    assert await approval(pool) == ("closed", None)


async def test_a_client_who_is_suppressed_is_pointed_out(client: Client, ask: Ask, pool: Pool) -> None:
    page = await ask("email")
    await pool.execute(
        "INSERT INTO suppressions (tenant, client, answer, reason, author)"
        " VALUES ('northstar', 'ana', 'hold', 'x', 'jo')"
    )
    assert "Automatic messages are off for Ana" in await (await client.get(page)).text()


async def test_a_body_without_end_is_refused(client: Client, ask: Ask, pool: Pool) -> None:
    page = await ask("email")
    form = {"choice": "approve", "text.email": "x" * 200_000}
    assert (await client.post(page, data=form)).status == 413
    assert await approval(pool) == ("open", None)
