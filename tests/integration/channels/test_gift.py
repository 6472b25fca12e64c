"""Gifts against a server that speaks Tremendous' wire protocol, and one that breaks it in every way."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from agents.channels.channel import Gift, Outcome
from agents.channels.gift import GiftChannel
from agents.channels.tremendous import TremendousAccount
from agents.embedded.ports import usable_port
from demo.vendors.tremendous import TremendousServer
from tests.integration.channels.correspondence import MESSAGE, Crossing
from tests.integration.channels.scripted_http import ScriptedHttp, listening_to

KEY = "TEST_secret"
GIFT = replace(
    MESSAGE, delivery_id="4f2a:gift", subject="", text="", gift=Gift(cents=2_500, currency="USD", to_name="Ana Berger")
)


def account(base_url: str, **changes: Any) -> TremendousAccount:
    fields = {"key": KEY, "funding_source": "balance", "products": ("OKMHM2X2OHYV",), "campaign": None}
    return TremendousAccount(**{**fields, "base_url": base_url, **changes})


def order(**changes: Any) -> dict[str, Any]:
    """An order as Tremendous shows it."""
    fields = {"id": "D4XIJ3MQ", "external_id": "4f2a", "status": "EXECUTED", "rewards": [{"id": "R1"}]}
    return {"order": {**fields, **changes}}


@asynccontextmanager
async def served(provider: ScriptedHttp, **changes: Any) -> AsyncIterator[GiftChannel]:
    async with listening_to(provider) as base_url:
        yield GiftChannel(lambda _tenant: account(base_url, **changes))


async def given(provider: ScriptedHttp, crossing: Crossing | None = None, **changes: Any) -> Outcome:
    async with served(provider) as channel:
        return await channel.send(replace(GIFT, **changes), crossing or Crossing())


async def test_an_order_carries_our_external_id_the_amount_and_whom_it_is_for() -> None:
    provider = ScriptedHttp(body=order())
    outcome = await given(provider)
    assert outcome == Outcome(kind="accepted", detail="status 200: ordered", provider_id="D4XIJ3MQ/R1")
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("POST", "/api/v2/orders")
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert json.loads(asked.body) == {
        "external_id": "4f2a",
        "payment": {"funding_source_id": "balance"},
        "reward": {
            "value": {"denomination": 25, "currency_code": "USD"},
            "delivery": {"method": "EMAIL"},
            "recipient": {"email": "ana@clients.example", "name": "Ana Berger"},
            "products": ["OKMHM2X2OHYV"],
        },
    }


async def test_a_campaign_may_name_the_products_and_a_client_may_have_no_name() -> None:
    provider = ScriptedHttp(body=order())
    async with served(provider, products=(), campaign="CAMP1") as channel:
        await channel.send(replace(GIFT, gift=Gift(cents=100, currency="EUR", to_name=None)), Crossing())
    reward = json.loads(provider.asked[0].body)["reward"]
    assert (reward["campaign_id"], reward["recipient"]) == ("CAMP1", {"email": "ana@clients.example"})
    assert "products" not in reward


@pytest.mark.parametrize(
    ("cents", "units"), [(1, "0.01"), (29, "0.29"), (2_550, "25.50"), (115, "1.15"), (2_147_483_647, "21474836.47")]
)
async def test_no_cent_is_lost_on_the_way_to_the_providers_unit(cents: int, units: str) -> None:
    provider = ScriptedHttp(body=order())
    await given(provider, gift=Gift(cents=cents, currency="USD", to_name="Ana"))
    sent = json.loads(provider.asked[0].body, parse_float=Decimal, parse_int=Decimal)
    assert sent["reward"]["value"]["denomination"] == Decimal(units)
    assert f'"denomination":{units}'.encode() in provider.asked[0].body


async def test_the_same_gift_asked_for_again_is_one_order() -> None:
    async with TremendousServer(key=KEY, funds_cents=5_000) as tremendous:
        channel = GiftChannel(lambda _tenant: account(tremendous.base_url))
        first = await channel.send(GIFT, Crossing())
        again = await channel.send(GIFT, Crossing())
    assert (first.kind, again.kind) == ("accepted", "accepted")
    assert first.provider_id == again.provider_id
    assert again.detail == "status 201: ordered, told of again"
    assert (len(tremendous.orders), tremendous.funds_cents) == (1, 2_500)


@pytest.mark.parametrize("fault", ["hang", "drop", "500", "503", "409", "html", "none", "list", "10 MB"])
async def test_where_it_may_have_been_ordered_the_same_order_is_asked_for_again(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.channels.http_answer._TOTAL_SECONDS", 0.3)
    bodies = {"html": b"<html>Sign in</html>", "none": b"", "list": b"[1]", "10 MB": b"x" * 10_000_000}
    provider = ScriptedHttp(
        hang=fault == "hang",
        drop=fault == "drop",
        status=int(fault) if fault.isdigit() else 200,
        body=bodies.get(fault, b"oops"),
    )
    async with served(provider) as channel:
        outcome = await channel.send(GIFT, Crossing())
        assert (outcome.kind, outcome.in_doubt) == ("retry", True)
        assert len(provider.asked) == 1, "the channel itself asks once"
        provider.hang = provider.drop = False
        provider.status, provider.body = 201, order()
        assert (await channel.send(GIFT, Crossing())).kind == "accepted"
    assert provider.asked[0].body == provider.asked[1].body


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, "retry", "the account's key is not valid: mend the secret gift.key"),
        (402, "retry", "the funding source does not cover it: add funds at Tremendous"),
        (403, "retry", "the key may not order: give it the right at Tremendous"),
        (429, "retry", "too many requests"),
        (404, "rejected", "the order is refused"),
        (422, "rejected", "the order is refused"),
    ],
)
async def test_a_refusal_is_told_in_our_words_and_took_nothing(status: int, kind: str, words: str) -> None:
    provider = ScriptedHttp(status=status, body={"errors": {"message": "Ana Berger has had enough", "payload": {}}})
    assert await given(provider) == Outcome(kind=kind, detail=f"status {status}: {words}")  # type: ignore[arg-type]


async def test_a_fault_names_our_fields_and_never_what_stood_in_them() -> None:
    payload = {
        "reward": {"recipient": {"email": "ana@clients.example is not valid", "Ana": "x"}, "products": "unknown"},
        "ana@clients.example": {"deep": {"deeper": {"deepest": {"still": "x"}}}},
    }
    outcome = await given(ScriptedHttp(status=400, body={"errors": {"message": "Ana", "payload": payload}}))
    assert outcome.kind == "rejected"
    assert outcome.detail == "status 400: at fault is reward.products, reward.recipient.email"


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        ("PENDING APPROVAL", "accepted", "waits until somebody approves it at Tremendous"),
        ("PENDING INTERNAL PAYMENT APPROVAL", "accepted", "waits until Tremendous approves the payment"),
        ("OPEN", "accepted", "not carried out yet"),
        ("CANCELED", "rejected", "was cancelled"),
        ("FAILED", "rejected", "will not go by this id"),
        ("Ana Berger's own state", "unknown", "a state that we do not know"),
        (None, "unknown", "a state that we do not know"),
    ],
)
async def test_what_became_of_the_order_decides(state: str | None, kind: str, words: str) -> None:
    outcome = await given(ScriptedHttp(body=order(status=state)))
    assert (outcome.kind, outcome.provider_id, outcome.in_doubt) == (kind, "D4XIJ3MQ/R1", False)
    assert words in outcome.detail
    assert "Ana" not in outcome.detail


@pytest.mark.parametrize("external_id", [None, "of another"])
async def test_an_order_without_our_external_id_is_never_asked_for_again(external_id: str | None) -> None:
    outcome = await given(ScriptedHttp(body=order(external_id=external_id)))
    assert (outcome.kind, outcome.in_doubt) == ("unknown", False)


async def test_a_redirect_is_not_followed() -> None:
    provider = ScriptedHttp(status=307, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    outcome = await given(provider)
    assert (outcome.kind, outcome.in_doubt, len(provider.asked)) == ("retry", False, 1)


async def test_a_server_that_is_not_there_took_nothing() -> None:
    gone = account(f"http://127.0.0.1:{usable_port()}")
    outcome = await GiftChannel(lambda _tenant: gone).send(GIFT, Crossing())
    assert (outcome.kind, outcome.in_doubt) == ("retry", False)


async def test_funds_that_come_later_are_enough() -> None:
    async with TremendousServer(key=KEY, funds_cents=2_499) as tremendous:
        channel = GiftChannel(lambda _tenant: account(tremendous.base_url))
        assert (await channel.send(GIFT, Crossing())).detail.startswith("status 402")
        tremendous.funds_cents += 1
        assert (await channel.send(GIFT, Crossing())).kind == "accepted"
    assert tremendous.funds_cents == 0


async def test_what_may_not_go_any_more_leaves_no_trace() -> None:
    provider = ScriptedHttp(body=order())
    assert (await given(provider, Crossing(may_go=False))).kind == "retry"
    assert provider.asked == []


@pytest.mark.parametrize("gift", [None, Gift(cents=0, currency="USD", to_name="Ana")])
async def test_without_an_amount_nothing_is_asked(gift: Gift | None) -> None:
    provider, crossing = ScriptedHttp(body=order()), Crossing()
    assert (await given(provider, crossing, gift=gift)).kind == "rejected"
    assert (crossing.asked, provider.asked) == (0, [])


async def test_a_tenant_without_key_or_products_waits_for_them() -> None:
    crossing = Crossing()
    without = account("http://127.0.0.1:9", products=(), campaign=None)
    for found in (None, without):
        outcome = await GiftChannel(lambda _tenant, found=found: found).send(GIFT, crossing)  # type: ignore[misc]
        assert (outcome.kind, outcome.in_doubt) == ("retry", False)
    assert crossing.asked == 0


def test_a_key_is_shown_nowhere() -> None:
    assert KEY not in repr(account("http://x.example"))
