"""A gift is taken back only as far as the provider says so."""

import pytest

from agents.channels.gift import GiftChannel
from agents.channels.gift_refund import take_back
from agents.embedded.ports import usable_port
from demo.vendors.tremendous import TremendousServer
from tests.integration.channels.correspondence import Crossing
from tests.integration.channels.scripted_http import ScriptedHttp, listening_to
from tests.integration.channels.test_gift import GIFT, KEY, account, order


async def ordered(tremendous: TremendousServer) -> None:
    await GiftChannel(lambda _tenant: account(tremendous.base_url)).send(GIFT, Crossing())


async def test_a_reward_that_nobody_has_redeemed_is_cancelled_once_however_often_it_is_asked() -> None:
    async with TremendousServer(key=KEY, funds_cents=2_500) as tremendous:
        await ordered(tremendous)
        for _ in range(2):
            taken = await take_back(account(tremendous.base_url), "4f2a")
            assert (taken.kind, taken.detail) == ("back", "the order is canceled")
    assert tremendous.funds_cents == 2_500


async def test_an_order_that_was_never_made_costs_nothing() -> None:
    async with TremendousServer(key=KEY) as tremendous:
        assert (await take_back(account(tremendous.base_url), "4f2a")).detail == "no order was made"


async def test_what_was_redeemed_stays_given() -> None:
    async with TremendousServer(key=KEY) as tremendous:
        await ordered(tremendous)
        tremendous.redeem("4f2a")
        taken = await take_back(account(tremendous.base_url), "4f2a")
    assert (taken.kind, taken.detail[:10]) == ("kept", "status 422")


async def test_an_order_that_waits_for_approval_is_declined_where_it_waits() -> None:
    async with TremendousServer(key=KEY, needs_approval=True) as tremendous:
        await ordered(tremendous)
        assert "decline it there" in (await take_back(account(tremendous.base_url), "4f2a")).detail
        tremendous.settle("4f2a", "CANCELED")
        assert (await take_back(account(tremendous.base_url), "4f2a")).kind == "back"


async def test_another_accounts_key_learns_nothing() -> None:
    async with TremendousServer(key=KEY) as tremendous:
        await ordered(tremendous)
        taken = await take_back(account(tremendous.base_url, key="TEST_other"), "4f2a")
    assert (taken.kind, taken.detail) == ("unanswered", "status 401: the order is not shown")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>Not found</html>"),
        (200, b"<html>Sign in</html>"),
        (200, order(external_id="of another")),
        (500, b""),
        (429, b""),
    ],
    ids=["a 404 that is not Tremendous'", "html", "another order", "a fault", "too many"],
)
async def test_an_answer_that_does_not_show_the_order_brings_no_money_back(status: int, body: object) -> None:
    provider = ScriptedHttp(status=status, body=body)
    async with listening_to(provider) as base_url:
        assert (await take_back(account(base_url), "4f2a")).kind == "unanswered"
    assert [asked.method for asked in provider.asked] == ["GET"]


async def test_an_order_that_is_still_shown_as_carried_out_brings_no_money_back() -> None:
    provider = ScriptedHttp(body=order())
    async with listening_to(provider) as base_url:
        taken = await take_back(account(base_url), "4f2a")
    assert (taken.kind, taken.detail) == ("unanswered", "the order is not shown as cancelled yet: ask again")
    assert [asked.path for asked in provider.asked] == [
        "/api/v2/orders/4f2a",
        "/api/v2/rewards/R1/cancel",
        "/api/v2/orders/4f2a",
    ]


async def test_a_server_that_is_not_there_brings_no_money_back() -> None:
    taken = await take_back(account(f"http://127.0.0.1:{usable_port()}"), "4f2a")
    assert taken.kind == "unanswered"
