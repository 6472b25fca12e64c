from typing import TypeAlias

import msgspec
import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from agents.ledger.pool import Pool
from agents.web.access import create_key, list_keys, revoke_key
from tests.integration.web.inbox_rows import MILESTONE
from tests.sample_milestones import SAMPLES

Client: TypeAlias = TestClient[Request, Application]
Headers: TypeAlias = dict[str, str]
ANA = "/v1/admin/tenants/northstar/clients/ana"


async def test_a_suppression_is_signed_with_the_keys_name_and_can_be_lifted(
    client: Client, practice: Headers, pool: Pool
) -> None:
    body = {"reason": "bereavement", "answer": "drop", "until": "2026-06-01T00:00:00+02:00"}
    assert (await client.put(f"{ANA}/suppression", json=body, headers=practice)).status == 204
    row = await pool.fetchrow("SELECT answer, reason, author, lifted_by FROM suppressions")
    assert row is not None
    assert tuple(row) == ("drop", "bereavement", "northstar-app", None)
    assert (await client.delete(f"{ANA}/suppression", headers=practice)).status == 204
    assert (await client.delete(f"{ANA}/suppression", headers=practice)).status == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"{}", b'{"reason": ""}', b'{"reason": "x", "answer": "maybe"}', b'{"reason": "x", "extra": 1}',
     b'{"reason": "x", "until": "2026-06-01T00:00:00"}', b'{"reason": "a\\nb"}'],
)  # fmt: skip
async def test_a_request_that_cannot_be_understood_is_told_why(
    client: Client, practice: Headers, pool: Pool, body: bytes
) -> None:
    response = await client.put(f"{ANA}/suppression", data=body, headers=practice)
    assert (response.status, response.content_type) == (400, "application/problem+json")
    assert (await response.json())["detail"]
    assert await pool.fetchval("SELECT count(*) FROM suppressions") == 0


async def test_a_pause_holds_until_it_is_resumed(client: Client, practice: Headers, pool: Pool) -> None:
    path = "/v1/admin/tenants/northstar/pause?channel=email"
    assert (await client.put(path, json={"reason": "new templates"}, headers=practice)).status == 204
    assert (await client.put(path, json={"reason": "again"}, headers=practice)).status == 204
    rows = await pool.fetch("SELECT tenant, channel, rule, author FROM pauses WHERE lifted_at IS NULL")
    assert [tuple(row) for row in rows] == [("northstar", "email", None, "northstar-app")]
    assert (await client.delete("/v1/admin/tenants/northstar/pause", headers=practice)).status == 404
    assert (await client.delete(path, headers=practice)).status == 204


async def test_a_slip_in_a_scope_is_not_taken_for_a_wider_pause(client: Client, operator: Headers, pool: Pool) -> None:
    slips = ("?chanel=email", "?channel=mail", "?channel=", "?rule=", "?rule=%00")
    for path in (*(f"/v1/admin/pause{slip}" for slip in slips), "/v1/admin/tenants/nortstar/pause"):
        response = await client.put(path, json={"reason": "x"}, headers=operator)
        assert response.status in (400, 404)
    assert await pool.fetchval("SELECT count(*) FROM pauses") == 0


async def test_a_rule_that_no_rulebook_has_is_not_paused_and_the_nearest_is_named(
    client: Client, practice: Headers, operator: Headers, pool: Pool
) -> None:
    for path, headers in (("/tenants/northstar/pause", practice), ("/pause", operator)):
        slip, right = (f"/v1/admin{path}?rule={rule}" for rule in ("iron-streek", "iron-streak"))
        response = await client.put(slip, json={"reason": "x"}, headers=headers)
        assert response.status == 400
        assert "the nearest is iron-streak" in (await response.json())["detail"]
        assert await pool.fetchval("SELECT count(*) FROM pauses WHERE lifted_at IS NULL") == 0
        assert (await client.put(right, json={"reason": "x"}, headers=headers)).status == 204
        assert (await client.delete(slip, headers=headers)).status == 404
        assert (await client.delete(right, headers=headers)).status == 204


async def test_only_a_key_for_all_pauses_everybody(client: Client, operator: Headers, practice: Headers) -> None:
    assert (await client.put("/v1/admin/pause", json={"reason": "x"}, headers=practice)).status == 403
    assert (await client.put("/v1/admin/pause", json={"reason": "x"}, headers=operator)).status == 204
    assert (await client.delete("/v1/admin/pause", headers=operator)).status == 204


async def test_a_tenants_key_reaches_no_other_tenant(client: Client, practice: Headers, pool: Pool) -> None:
    for method, path in (
        ("PUT", "/clients/x/suppression"),
        ("GET", "/held"),
        ("GET", "/tasks"),
        ("DELETE", "/clients/x"),
    ):
        response = await client.request(
            method, f"/v1/admin/tenants/other{path}", json={"reason": "x"}, headers=practice
        )
        assert response.status == 403
    assert await pool.fetchval("SELECT count(*) FROM suppressions") == 0


async def test_erasing_is_handed_on(client: Client, practice: Headers, erased: object) -> None:
    assert (await client.delete(ANA, headers=practice)).status == 202
    assert getattr(erased, "clients", None) == [("northstar", "ana")]


async def test_what_is_held_and_what_is_left_to_do_is_listed(client: Client, practice: Headers, pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO coach_tasks (tenant, client, kind, reason, summary, minutes, planned_at)"
        " VALUES ('northstar', 'ana', 'gift', 'not built', 'Send the card.', 5, now()), "
        "('other', 'eve', 'gift', 'not built', 'Send the card.', 5, now())"
    )
    tasks = (await (await client.get("/v1/admin/tenants/northstar/tasks", headers=practice)).json())["tasks"]
    assert [(task["client"], task["minutes"]) for task in tasks] == [("ana", 5)]
    done = f"/v1/admin/tenants/northstar/tasks/{tasks[0]['task_id']}/done"
    assert (await client.post(done, headers=practice)).status == 204
    assert (await client.post(done, headers=practice)).status == 404
    assert (await client.post(f"/v1/admin/tenants/northstar/tasks/{'9' * 30}/done", headers=practice)).status == 404
    assert await (await client.get("/v1/admin/tenants/northstar/held", headers=practice)).json() == {"held": []}


async def test_another_tenants_task_cannot_be_closed(client: Client, practice: Headers, pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO coach_tasks (tenant, client, kind, reason, summary, minutes, planned_at)"
        " VALUES ('other', 'eve', 'gift', 'not built', 'Send the card.', 5, now())"
    )
    number = await pool.fetchval("SELECT task_id FROM coach_tasks")
    assert (await client.post(f"/v1/admin/tenants/northstar/tasks/{number}/done", headers=practice)).status == 404


async def test_a_revoked_key_opens_nothing(client: Client, pool: Pool) -> None:
    headers = {"Authorization": f"Bearer {await create_key(pool, name='old', tenant='northstar')}"}
    assert (await client.get("/v1/admin/tenants/northstar/tasks", headers=headers)).status == 200
    (key,) = await list_keys(pool)
    assert await revoke_key(pool, key.key_id)
    assert not await revoke_key(pool, key.key_id)
    assert (await client.get("/v1/admin/tenants/northstar/tasks", headers=headers)).status == 401


async def test_a_key_is_kept_as_a_hash_only(pool: Pool) -> None:
    key = await create_key(pool, name="ops", tenant=None)
    assert key not in str(await pool.fetchrow("SELECT * FROM api_keys"))
    assert len(key) == len("cairn_") + 43


@pytest.mark.parametrize("key", ["", "cairn_", "cairn_" + "x" * 43, "x" * 5000, "cairn_é"])
async def test_a_key_that_is_not_ours_opens_nothing(client: Client, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    assert (await client.get("/v1/admin/tenants/northstar/tasks", headers=headers)).status == 401


async def test_a_body_beyond_its_limit_is_refused(client: Client, practice: Headers) -> None:
    response = await client.put(f"{ANA}/suppression", data=b" " * 100_000, headers=practice)
    assert response.status == 413


async def test_what_is_unknown_is_listed_and_decided_about(
    client: Client, practice: Headers, operator: Headers, pool: Pool
) -> None:
    await pool.execute(MILESTONE, "d1", "ana", "unknown")
    await pool.execute("UPDATE deliveries SET expires_at = '2026-05-01'")
    record = msgspec.json.encode(SAMPLES["thirty-six"]).decode()
    await pool.execute("UPDATE milestones SET record = $1::jsonb", record)
    path = "/v1/admin/tenants/northstar/unknown"
    (listed,) = (await (await client.get(path, headers=practice)).json())["unknown"]
    assert (listed["delivery_id"], listed["name"]) == ("d1", "36 sessions")
    body = {"answer": "resend", "reason": "she did not get it"}
    assert (await client.post(f"{path}/d1", json=body, headers=practice)).status == 409
    assert (await client.post(f"{path}/d1", json={"answer": "sent"}, headers=practice)).status == 400
    other = path.replace("northstar", "other")
    assert (await client.post(f"{other}/d1", json={**body, "answer": "sent"}, headers=operator)).status == 404
    assert (await client.post(f"{path}/d1", json={**body, "answer": "sent"}, headers=practice)).status == 204
    assert (await client.post(f"{path}/d1", json={**body, "answer": "sent"}, headers=practice)).status == 404
    row = await pool.fetchrow("SELECT state, resolved_by, resolved_why FROM deliveries")
    assert row is not None
    assert tuple(row) == ("sent", "northstar-app", "she did not get it")
