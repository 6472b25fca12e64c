"""Provider events over HTTP, signed as each vendor signs, into a real ledger."""

import hmac
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import urlencode

import msgspec
import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from standardwebhooks.webhooks import Webhook

from agents.ledger.brakes import suppress
from agents.ledger.money import costs, reserve, spend
from agents.ledger.pool import Pool
from agents.providers.twilio import signature
from schemas.brake import Suppression
from schemas.celebration import celebration_id
from schemas.policy import Budget
from tests.integration.ledger.ledger_practice import NOON
from tests.integration.web.conftest import Restated
from tests.integration.web.provider_rows import PLANNED, out, state, tasks
from tests.sample_milestones import milestone

Client: TypeAlias = TestClient[Request, Application]
Put: TypeAlias = Callable[..., Awaitable[str]]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD = "/v1/provider-events/northstar/standard_webhooks"


@pytest.fixture(autouse=True)
async def _known(pool: Pool, hook_secrets: dict[str, tuple[str, ...]]) -> None:
    await pool.execute("DELETE FROM clients")
    await pool.execute(
        "INSERT INTO clients (tenant, client, profile) VALUES ('northstar', 'ana', '{\"name\": \"Ana\"}')"
    )
    hook_secrets["events.hook_key"] = ("whsec_b2xkIGtleSBvZiAzMiBieXRlcyBvciBtb3JlIQ==", SECRET)
    hook_secrets["mailgun.hook_key"] = ("key",)
    hook_secrets["sms.token"] = ("token",)
    hook_secrets["gift.hook_key"] = ("gift",)


@pytest.fixture
def put(pool: Pool) -> Put:
    async def planned(
        number: int = 1,
        state: str = "sent",
        *,
        channel: str = "email",
        tier: str = "major",
        client: str = "ana",
        provider_id: str | None = None,
    ) -> str:
        identity = f"{number:032x}"
        reached = milestone("thirty-six", "count", tier, 36, name="36 sessions", milestone_id=identity, client=client)
        record = msgspec.json.encode(reached).decode()
        await pool.execute(
            PLANNED, identity, client, channel, state, tier, record, provider_id, celebration_id(identity)
        )
        return identity

    return planned


async def tell(client: Client, kind: str, delivery: str, *, key: str | None = None, **data: Any) -> int:
    body = json.dumps({"type": f"delivery.{kind}", "data": {"message_id": f"<{delivery}@n.example>", **data}})
    return await post(client, body, key or f"{kind}-{delivery}")


async def post(client: Client, body: str, key: str, *, secret: str = SECRET, at: datetime | None = None) -> int:
    stamp = at or datetime.now(UTC)
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(int(stamp.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, stamp, body),
    }
    return (await client.post(STANDARD, data=body, headers=headers)).status


async def test_a_mail_arrives_is_opened_and_clicked_in_any_order(client: Client, pool: Pool, put: Put) -> None:
    mail = await put()
    for kind in ("clicked", "delivered", "opened", "accepted", "opened"):
        assert await tell(client, kind, mail, key=f"{kind}{time.monotonic()}") == 204
    row = await pool.fetchrow("SELECT state, opened_at, clicked_at, reason FROM deliveries")
    assert row is not None
    assert (row["state"], row["reason"]) == ("delivered", None)
    assert row["opened_at"] is not None
    assert row["clicked_at"] is not None


async def test_the_first_opening_stays_and_none_is_in_the_future(client: Client, pool: Pool, put: Put) -> None:
    mail = await put()
    for number, at in enumerate(("2026-05-05T10:00:00Z", "2026-05-05T09:00:00Z", "2099-01-01T00:00:00Z")):
        body = {"type": "delivery.opened", "timestamp": at, "data": {"delivery_id": mail}}
        assert await post(client, json.dumps(body), f"m{number}") == 204
    assert await pool.fetchval("SELECT opened_at FROM deliveries") == datetime(2026, 5, 5, 9, tzinfo=UTC)


async def test_a_major_that_bounced_for_good_leaves_the_channel_and_a_task(
    client: Client, pool: Pool, put: Put, restated: Restated
) -> None:
    mail = await put(state="delivered")
    assert await tell(client, "bounced", mail, permanent=True, code="5.1.1") == 204
    assert await state(pool, mail) == "bounced"
    assert await tasks(pool) == [("returned", "bounced", "open")]
    assert await out(pool) == [("email", "bounce", "standard_webhooks")]
    assert restated.facts == [("northstar", "ana", {"channels": {"email": False}})]
    assert await tell(client, "delivered", mail) == 204
    assert await state(pool, mail) == "bounced"


async def test_a_lighter_one_that_bounced_for_now_changes_its_state_alone(client: Client, pool: Pool, put: Put) -> None:
    mail = await put(tier="streak")
    await tell(client, "bounced", mail)
    assert (await state(pool, mail), await tasks(pool), await out(pool)) == ("bounced", [], [])


async def test_a_complaint_leaves_the_client_in_peace(client: Client, pool: Pool, put: Put, restated: Restated) -> None:
    waiting = await put(2, "pending", tier="streak")
    assert await tell(client, "complained", await put()) == 204
    assert await out(pool) == [("email", "complaint", "standard_webhooks")]
    (row,) = await pool.fetch("SELECT answer, reason, author FROM suppressions WHERE lifted_at IS NULL")
    assert tuple(row) == ("hold", "complaint", "standard_webhooks")
    assert await state(pool, waiting) == "held"
    assert await tasks(pool) == [("complaint", "complained", "open")]
    assert await pool.fetchval("SELECT granted FROM consent_wishes WHERE kind = 'marketing'") is False
    ((_, _, facts),) = restated.facts
    assert (facts["channels"], facts["consents"]["marketing"]["granted"]) == ({"email": False}, False)


async def test_a_suppression_of_a_persons_stays_as_it_is(client: Client, pool: Pool, put: Put) -> None:
    await pool.execute(
        "INSERT INTO suppressions (tenant, client, answer, reason, author)"
        " VALUES ('northstar', 'ana', 'drop', 'a loss in the family', 'jo')"
    )
    await tell(client, "complained", await put())
    assert await pool.fetchval("SELECT array_agg(reason) FROM suppressions") == ["a loss in the family"]


@pytest.mark.parametrize(("was", "hours", "becomes"), [("drop", -1, "hold"), ("drop", 1, "drop"), ("hold", 1, "hold")])
async def test_a_suppression_with_an_end_gives_way_to_a_complaint(
    client: Client, pool: Pool, put: Put, was: Any, hours: int, becomes: str
) -> None:
    exam = Suppression(answer=was, reason="an exam", until=NOON + timedelta(hours=hours))
    await suppress(pool, tenant="northstar", client="ana", suppression=exam, author="jo", now=NOON)
    await tell(client, "complained", await put())
    (row,) = await pool.fetch("SELECT answer, reason, until FROM suppressions WHERE lifted_at IS NULL")
    assert tuple(row) == (becomes, "complaint", None)


async def test_what_was_unknown_is_known_when_its_provider_tells(client: Client, pool: Pool, put: Put) -> None:
    arrived, refused = await put(1, "unknown"), await put(2, "unknown", tier="streak")
    await pool.executemany(
        "INSERT INTO coach_tasks (tenant, client, celebration_id, kind, reason, summary, minutes, planned_at)"
        " VALUES ('northstar', 'ana', $1, 'undelivered', 'lost_in_sending', 'x', 2, now())",
        [(celebration_id(arrived),), (celebration_id(refused),)],
    )
    await tell(client, "delivered", arrived)
    await tell(client, "failed", refused)
    assert (await state(pool, arrived), await state(pool, refused)) == ("delivered", "failed")
    assert await tasks(pool) == [
        ("undelivered", "lost_in_sending", "done"),
        ("undelivered", "lost_in_sending", "done"),
        ("returned", "rejected", "open"),
    ]
    rows = await pool.fetch(
        "SELECT outcome, reason, detail FROM decisions WHERE milestone_id = ANY ($1::text[])", [arrived, refused]
    )
    assert {("send", "provider_told", "delivered"), ("task", "rejected", None)} <= {tuple(row) for row in rows}


async def test_an_event_is_applied_once_however_often_it_is_told(client: Client, pool: Pool, put: Put) -> None:
    mail = await put()
    assert await tell(client, "unsubscribed", mail) == 204
    await pool.execute("UPDATE opt_outs SET returned_at = now()")
    assert await tell(client, "unsubscribed", mail) == 204
    assert await out(pool) == []


async def test_a_message_that_is_not_ours_is_taken_and_forgotten(client: Client, pool: Pool, put: Put) -> None:
    other_channel = await put(channel="in_app")
    for delivery in (other_channel, "f" * 32):
        assert await tell(client, "bounced", delivery, permanent=True) == 204
    assert await state(pool, other_channel) == "sent"
    assert await out(pool) == []


async def test_nothing_is_written_about_somebody_who_was_erased(
    client: Client, pool: Pool, put: Put, restated: Restated
) -> None:
    mail = await put()
    await pool.execute("UPDATE clients SET profile = NULL, erased_at = now()")
    await tell(client, "complained", mail)
    assert (await out(pool), await tasks(pool), restated.facts) == ([], [], [])
    assert await pool.fetchval("SELECT count(*) FROM suppressions WHERE reason = 'complaint'") == 0
    assert await pool.fetchval("SELECT count(*) FROM consent_wishes") == 0


async def test_an_unsigned_a_stale_and_a_strangers_call_are_refused_alike(client: Client, pool: Pool, put: Put) -> None:
    body = json.dumps({"type": "delivery.bounced", "data": {"delivery_id": await put(), "permanent": True}})
    old = datetime.fromtimestamp(time.time() - 3_600, tz=UTC)
    assert await post(client, body, "a", at=old) == 403
    assert await post(client, body, "b", secret="whsec_" + "A" * 32) == 403
    answers = []
    for path in (STANDARD, STANDARD.replace("northstar", "nobody"), STANDARD.replace("standard_webhooks", "nobody")):
        for headers in ({}, {"webhook-id": "é", "webhook-signature": "v1,é", "webhook-timestamp": "é"}):
            response = await client.post(path, data=body, headers=headers)
            answers.append((response.status, response.content_type, await response.text()))
    assert len(set(answers)) == 1
    assert answers[0][:2] == (403, "application/problem+json")
    assert await pool.fetchval("SELECT array_agg(DISTINCT state) FROM deliveries") == ["sent"]


async def test_both_secrets_are_valid_while_they_rotate(client: Client, put: Put, hook_secrets: Any) -> None:
    body = json.dumps({"type": "delivery.delivered", "data": {"delivery_id": await put()}})
    for number, secret in enumerate(hook_secrets["events.hook_key"]):
        assert await post(client, body, f"m{number}", secret=secret) == 204


async def test_a_signed_body_that_cannot_be_read_is_told_why(client: Client) -> None:
    assert await post(client, '{"type": "delivery.sung"}', "m") == 400


async def test_a_body_without_end_is_refused(client: Client) -> None:
    assert (await client.post(STANDARD, data=b" " * (1024 * 1024 + 1))).status == 413


def of_mailgun(delivery: str, event: str, token: str, **more: Any) -> dict[str, Any]:
    stamp = str(int(time.time()))
    made = hmac.new(b"key", f"{stamp}{token}".encode(), "sha256").hexdigest()
    data = {"id": token, "event": event, "message": {"headers": {"message-id": f"{delivery}@n.example"}}, **more}
    return {"signature": {"timestamp": stamp, "token": token, "signature": made}, "event-data": data}


async def test_a_token_of_mailguns_is_good_for_its_own_bytes_alone(client: Client, pool: Pool, put: Put) -> None:
    mail = await put()
    told = of_mailgun(mail, "delivered", "t1")
    path = "/v1/provider-events/northstar/mailgun"
    assert (await client.post(path, json=told)).status == 204
    assert (await client.post(path, json=told)).status == 204
    forged = {**told, "event-data": {**told["event-data"], "event": "complained", "id": "t2"}}
    assert (await client.post(path, json=forged)).status == 403
    assert await state(pool, mail) == "delivered"
    assert await out(pool) == []


async def test_twilio_tells_of_a_message_whose_id_we_never_knew(client: Client, pool: Pool, put: Put) -> None:
    text = await put(state="unknown", channel="sms")
    path = f"/v1/provider-events/northstar/twilio?delivery={text}"
    form = {"MessageSid": "SM9", "MessageStatus": "delivered", "To": "+4366012345678"}
    headers = {
        "X-Twilio-Signature": signature(f"https://cairn.example{path}", form.items(), "token"),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert (await client.post(path, data=urlencode(form), headers=headers)).status == 204
    row = await pool.fetchrow("SELECT state, provider_id FROM deliveries")
    assert row is not None
    assert tuple(row) == ("delivered", "SM9")
    elsewhere = path.replace(text, "0" * 31 + "2")
    assert (await client.post(elsewhere, data=urlencode(form), headers=headers)).status == 403


async def test_a_gift_that_was_canceled_is_told_to_the_coach(client: Client, pool: Pool, put: Put) -> None:
    await put(channel="gift", provider_id="ORDER1")
    body = json.dumps({"event": "ORDERS.CANCELED", "uuid": "u1", "payload": {"resource": {"id": "ORDER1"}}})
    made = hmac.new(b"gift", body.encode(), "sha256").hexdigest()
    headers = {"Tremendous-Webhook-Signature": f"sha256={made}"}
    assert (await client.post("/v1/provider-events/northstar/tremendous", data=body, headers=headers)).status == 204
    assert await tasks(pool) == [("returned", "bounced", "open")]
    summary = await pool.fetchval("SELECT summary FROM coach_tasks")
    assert summary.startswith("36 sessions: the gift card came back (the order was canceled)")


async def test_a_reward_is_known_by_its_own_id_and_what_is_canceled_costs_nothing(
    client: Client, pool: Pool, put: Put
) -> None:
    gift = await put(channel="gift", provider_id="ORDER1/REWARD1")
    month = date(2026, 5, 1)
    budget = Budget()
    await reserve(pool, delivery_id=gift, tenant="northstar", client="ana", month=month, cents=2_500, budget=budget)
    await spend(pool, gift)
    body = json.dumps({"event": "REWARDS.CANCELED", "uuid": "u2", "payload": {"resource": {"id": "REWARD1"}}})
    made = hmac.new(b"gift", body.encode(), "sha256").hexdigest()
    headers = {"Tremendous-Webhook-Signature": f"sha256={made}"}
    assert (await client.post("/v1/provider-events/northstar/tremendous", data=body, headers=headers)).status == 204
    (cost,) = await costs(pool, delivery_id=gift)
    assert (cost.state, cost.returned_by, cost.returned_why) == ("returned", "tremendous", "the reward was canceled")


async def test_what_was_told_long_ago_is_forgotten(client: Client, pool: Pool, put: Put) -> None:
    mail = await put()
    await tell(client, "delivered", mail)
    await pool.execute("UPDATE provider_events SET heard_at = now() - interval '31 days'")
    await tell(client, "opened", mail)
    assert await pool.fetchval("SELECT count(*) FROM provider_events") == 1
