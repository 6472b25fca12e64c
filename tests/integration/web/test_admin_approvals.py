"""Approvals over HTTP by a platform's key."""

from typing import TypeAlias

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from agents.ledger.approvals import approved_words
from agents.ledger.pool import Pool
from schemas.celebration import Approved
from tests.integration.waiting import thirty_six, wait_for_coach

Client: TypeAlias = TestClient[Request, Application]
Headers: TypeAlias = dict[str, str]
HERE = "/v1/admin/tenants/northstar/approvals"


@pytest.fixture(autouse=True)
async def ana(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO clients (tenant, client, profile) VALUES ('northstar', 'ana', $1)",
        '{"name": "ana silva", "email": "ana@clients.example"}',
    )


async def approval(pool: Pool) -> tuple[str, str | None]:
    row = await pool.fetchrow("SELECT state, decided_by FROM approvals")
    assert row is not None
    return row["state"], row["decided_by"]


async def test_what_waits_is_listed_and_shown_with_each_message(client: Client, practice: Headers, pool: Pool) -> None:
    waiting = await wait_for_coach(pool, "email", "in_app", "gift")
    (listed,) = (await (await client.get(HERE, headers=practice)).json())["approvals"]
    assert (listed["celebration_id"], listed["cents"]) == (waiting, 2500)
    assert (listed["escalate_at"], listed["close_at"]) == ("2026-05-05T16:00:00Z", "2026-05-06T08:00:00Z")
    shown = await (await client.get(f"{HERE}/{waiting}", headers=practice)).json()
    assert (shown["state"], shown["revision"], shown["name"]) == ("open", 1, "36 sessions")
    mail, item = shown["messages"]
    assert (mail["channel"], mail["subject"]) == ("email", "Thirty-six sessions, Ana")
    assert "<html" in mail["html"]
    assert "Dear Ana," in mail["text"]
    assert item["paragraphs"]


async def test_an_approval_by_key_is_signed_with_its_name_and_keeps_the_words(
    client: Client, practice: Headers, pool: Pool
) -> None:
    waiting = await wait_for_coach(pool, "email", "gift")
    body = {"words": {"email": {"subject": "Ana!", "text": "One.\n\nTwo."}}, "revision": 1}
    response = await client.post(f"{HERE}/{waiting}/approve", json=body, headers=practice)
    assert response.status == 200
    assert (await response.json())["state"] == "approved"
    assert await approval(pool) == ("approved", "northstar-app")
    assert await approved_words(pool, waiting, "email") == Approved(subject="Ana!", paragraphs=("One.", "Two."))
    again = await client.post(f"{HERE}/{waiting}/decline", json={"reason": "late"}, headers=practice)
    assert again.status == 409
    assert (await again.json())["detail"] == "approved by northstar-app, 2026-05-05 12:00Z"


async def test_a_coach_declines_or_takes_over_by_key(client: Client, practice: Headers, pool: Pool) -> None:
    waiting = await wait_for_coach(pool, "gift")
    assert (await client.post(f"{HERE}/{waiting}/decline", json={}, headers=practice)).status == 400
    declined = await client.post(f"{HERE}/{waiting}/decline", json={"reason": "later"}, headers=practice)
    assert (await declined.json())["state"] == "declined"
    other = await wait_for_coach(pool, "gift", milestone=thirty_six("ben"))
    taken = await client.post(f"{HERE}/{other}/take-over", headers=practice)
    assert (await taken.json())["state"] == "taken_over"


@pytest.mark.parametrize(
    "body",
    [{"words": {"gift": {"subject": "x", "text": "x"}}}, {"words": {"email": {"subject": "x", "text": " "}}}, {"x": 1}],
)
async def test_words_that_cannot_go_decide_nothing(
    client: Client, practice: Headers, pool: Pool, body: dict[str, object]
) -> None:
    waiting = await wait_for_coach(pool, "email")
    response = await client.post(f"{HERE}/{waiting}/approve", json=body, headers=practice)
    assert response.status == 400
    assert (await response.json())["detail"]
    assert await approval(pool) == ("open", None)


async def test_another_tenants_approval_does_not_exist(
    client: Client, operator: Headers, practice: Headers, pool: Pool
) -> None:
    waiting = await wait_for_coach(pool, "gift")
    other = HERE.replace("northstar", "other")
    for method, path in (("GET", ""), ("POST", "/approve"), ("POST", "/take-over")):
        assert (await client.request(method, f"{other}/{waiting}{path}", json={}, headers=operator)).status == 404
        assert (await client.request(method, f"{other}/{waiting}{path}", json={}, headers=practice)).status == 403
    assert await approval(pool) == ("open", None)


async def test_what_has_changed_since_it_was_shown_is_shown_again(
    client: Client, practice: Headers, pool: Pool
) -> None:
    waiting = await wait_for_coach(pool, "gift")
    await wait_for_coach(pool, "gift", milestone=thirty_six(revision=2))
    response = await client.post(f"{HERE}/{waiting}/approve", json={"revision": 1}, headers=practice)
    assert response.status == 409
    assert "look at it again" in (await response.json())["detail"]
    assert await approval(pool) == ("open", None)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"words": {"in_app": {"subject": "x", "text": "x"}}}, "in_app: no such message waits"),
        ({"words": {"email": {"subject": "Hi {{ name }}", "text": "x"}}}, "placeholder"),
        ({"revision": True}, "revision"),
        ({"revision": "1"}, "revision"),
    ],
)
async def test_what_is_not_meant_so_is_refused_with_a_sentence(
    client: Client, practice: Headers, pool: Pool, body: dict[str, object], said: str
) -> None:
    waiting = await wait_for_coach(pool, "email")
    response = await client.post(f"{HERE}/{waiting}/approve", json=body, headers=practice)
    assert response.status == 400
    assert said in (await response.json())["detail"]
    assert await approval(pool) == ("open", None)


async def test_words_for_what_is_decided_already_tell_so(client: Client, practice: Headers, pool: Pool) -> None:
    waiting = await wait_for_coach(pool, "email")
    body = {"words": {"email": {"subject": "x", "text": "x"}}}
    assert (await client.post(f"{HERE}/{waiting}/approve", json=body, headers=practice)).status == 200
    assert (await client.post(f"{HERE}/{waiting}/approve", json=body, headers=practice)).status == 409


async def test_a_coachs_brackets_are_kept(client: Client, practice: Headers, pool: Pool) -> None:
    waiting = await wait_for_coach(pool, "email")
    body = {"words": {"email": {"subject": "Week [36], Ana", "text": "{3} <here>"}}}
    assert (await client.post(f"{HERE}/{waiting}/approve", json=body, headers=practice)).status == 200
    kept = await approved_words(pool, waiting, "email")
    assert kept == Approved(subject="Week [36], Ana", paragraphs=("{3} <here>",))
