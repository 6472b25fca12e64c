"""Replies to text messages, signed as Twilio signs them."""

from typing import TypeAlias

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from agents.ledger.clients import has_opted_out
from agents.ledger.pool import Pool
from agents.providers.twilio import signature

Client: TypeAlias = TestClient[Request, Application]
ADDRESS = "https://cairn.example/v1/replies/northstar"
PHONE = "+4366012345678"


@pytest.fixture(autouse=True)
async def _known(pool: Pool) -> None:
    await pool.execute("DELETE FROM clients")
    await pool.executemany(
        "INSERT INTO clients (tenant, client, profile) VALUES ($1, $2, $3::jsonb)",
        [
            ("northstar", "ana", f'{{"phone": "{PHONE}"}}'),
            ("northstar", "bea", '{"phone": "+4366000000000"}'),
            ("other", "ana", f'{{"phone": "{PHONE}"}}'),
        ],
    )


async def reply(client: Client, key: str = "new token", tenant: str = "northstar", **fields: str) -> int:
    form = {"MessageSid": "SM1", "From": PHONE, "To": "+15005550006", **fields}
    headers = {"X-Twilio-Signature": signature(ADDRESS, form.items(), key)}
    response = await client.post(f"/v1/replies/{tenant}", data=form, headers=headers)
    return response.status


async def out(pool: Pool, client: str = "ana", tenant: str = "northstar") -> bool:
    return await has_opted_out(pool, tenant=tenant, client=client, channel="sms")


def test_a_request_is_signed_as_the_manual_of_twilio_shows() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    address = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(address, form.items(), "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize("word", ["STOP", "stop.", " Unsubscribe ", "QUIT"])
async def test_stop_silences_whoever_has_the_number_in_this_practice(client: Client, pool: Pool, word: str) -> None:
    assert await reply(client, Body=word) == 200
    assert await out(pool)
    assert not await out(pool, "bea")
    assert not await out(pool, tenant="other")


async def test_start_brings_the_messages_back(client: Client, pool: Pool) -> None:
    await reply(client, Body="STOP")
    await reply(client, Body="Start")
    assert not await out(pool)


async def test_what_twilio_understood_counts_before_the_words(client: Client, pool: Pool) -> None:
    await reply(client, Body="bitte keine mehr", OptOutType="STOP")
    assert await out(pool)


@pytest.mark.parametrize("word", ["Thank you!", "stop by tomorrow?", "", "HELP"])
async def test_any_other_reply_changes_nothing(client: Client, pool: Pool, word: str) -> None:
    assert await reply(client, Body=word) == 200
    assert await pool.fetchval("SELECT count(*) FROM opt_outs") == 0


async def test_a_number_that_nobody_has_is_no_error(client: Client, pool: Pool) -> None:
    assert await reply(client, Body="STOP", From="+4369999999999") == 200
    assert await pool.fetchval("SELECT count(*) FROM opt_outs") == 0


async def test_while_a_token_is_replaced_both_are_valid(client: Client) -> None:
    assert await reply(client, key="old token", Body="STOP") == 200


@pytest.mark.parametrize(("token", "tenant"), [("another", "northstar"), ("", "unknown"), ("new token", "unknown")])
async def test_strangers_all_get_the_same_answer_and_change_nothing(
    client: Client, pool: Pool, token: str, tenant: str
) -> None:
    form = {"From": PHONE, "Body": "STOP"}
    address = ADDRESS.replace("northstar", tenant)
    headers = {"X-Twilio-Signature": signature(address, form.items(), token)}
    response = await client.post(f"/v1/replies/{tenant}", data=form, headers=headers)
    assert response.status == 403
    assert "not signed" in await response.text()
    assert await pool.fetchval("SELECT count(*) FROM opt_outs") == 0


async def test_a_request_without_a_signature_is_refused(client: Client) -> None:
    assert (await client.post("/v1/replies/northstar", data={"From": PHONE, "Body": "STOP"})).status == 403
