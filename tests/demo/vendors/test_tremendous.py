from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from demo.vendors.tremendous import TremendousServer

ORDER: dict[str, Any] = {
    "external_id": "x1",
    "payment": {"funding_source_id": "balance"},
    "reward": {
        "products": ["P1"],
        "value": {"denomination": 25.5, "currency_code": "USD"},
        "delivery": {"method": "EMAIL"},
        "recipient": {"email": "ana@clients.example"},
    },
}


@pytest.fixture
async def tremendous() -> AsyncIterator[TremendousServer]:
    async with TremendousServer(key="key", funds_cents=5_100) as server:
        yield server


async def ask(server: TremendousServer, method: str, path: str, body: Any = None, key: str = "key") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{server.base_url}/api/v2/{path}", json=body) as answer,
    ):
        return answer.status, await answer.json()


async def test_an_external_id_makes_one_order(tremendous: TremendousServer) -> None:
    first = await ask(tremendous, "POST", "orders", ORDER)
    again = await ask(tremendous, "POST", "orders", ORDER)
    assert (first[0], again[0]) == (200, 201)
    assert first[1] == again[1]
    assert (first[1]["order"]["status"], tremendous.funds_cents, tremendous.requests_for) == (
        "EXECUTED",
        2_550,
        {"x1": 2},
    )
    assert await ask(tremendous, "GET", "orders/x1") == (200, first[1])
    assert await ask(tremendous, "GET", f"orders/{first[1]['order']['id']}") == (200, first[1])


async def test_without_an_external_id_each_request_makes_an_order(tremendous: TremendousServer) -> None:
    for _ in range(2):
        assert (await ask(tremendous, "POST", "orders", {**ORDER, "external_id": None}))[0] == 200
    assert (len(tremendous.orders), tremendous.funds_cents) == (2, 0)
    assert (await ask(tremendous, "POST", "orders", ORDER))[0] == 402


async def test_a_faulty_order_names_its_fields(tremendous: TremendousServer) -> None:
    status, said = await ask(tremendous, "POST", "orders", {"reward": {"value": {"denomination": "25"}}})
    assert status == 400
    payload = said["errors"]["payload"]
    assert (set(payload), set(payload["reward"])) == ({"payment", "reward"}, {"products", "value", "recipient"})


async def test_nothing_goes_without_the_key(tremendous: TremendousServer) -> None:
    for method, path in (("POST", "orders"), ("GET", "orders/x1"), ("POST", "rewards/r/cancel")):
        assert (await ask(tremendous, method, path, ORDER, key="other"))[0] == 401


async def test_a_reward_is_cancelled_until_it_is_redeemed(tremendous: TremendousServer) -> None:
    assert (await ask(tremendous, "POST", "rewards/unknown/cancel"))[0] == 404
    reward = (await ask(tremendous, "POST", "orders", ORDER))[1]["order"]["rewards"][0]["id"]
    tremendous.redeem("x1")
    assert (await ask(tremendous, "POST", f"rewards/{reward}/cancel"))[0] == 422
    tremendous.orders["x1"]["rewards"][0].pop("redeemed")
    assert (await ask(tremendous, "POST", f"rewards/{reward}/cancel"))[0] == 200
    assert (await ask(tremendous, "GET", "orders/x1"))[1]["order"]["status"] == "CANCELED"
    assert tremendous.funds_cents == 5_100
