"""From a milestone to a gift that is ordered once, within the budget, after who has to be asked."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agents.attempt import Attempts
from agents.channels.channel import Message, Outcome, PointOfNoReturn
from agents.channels.gift import GiftChannel
from agents.channels.tremendous import TremendousAccount
from agents.ledger.brakes import suppress
from agents.ledger.money import reserve
from agents.sender import Sender
from agents.wakeup import Wakeup
from demo.vendors.tremendous import TremendousServer
from schemas.brake import Suppression
from schemas.milestone import Milestone
from schemas.policy import Budget
from schemas.tenant import Gifts, TeachableSource
from tests.integration.ledger.ledger_practice import TELLER, Practice, reached, retracted
from tests.integration.ledger.linked_clients import linked
from tests.streams.planning.planning_cases import consent

_CENTS = 2_500


@pytest.fixture
async def vendor() -> AsyncIterator[TremendousServer]:
    async with TremendousServer(key="k") as server:
        yield server


def giving(
    practice: Practice, *, approval: str = "never", client_cents: int = 4_000, tenant_cents: int = 100_000
) -> None:
    practice.set_policy(
        tiers={
            "major": {"channels": ["email", "gift"], "gift_cents": _CENTS, "approval": approval, "expires": "7d"},
        },
        budget={"client_month_cents": client_cents, "tenant_month_cents": tenant_cents},
    )
    practice.tenants["northstar"] = replace(practice.tenants["northstar"], gifts=Gifts(products=("AMAZON",)))


async def give(practice: Practice, vendor: TremendousServer) -> None:
    account = TremendousAccount(
        key="k", funding_source="balance", products=("AMAZON",), campaign=None, base_url=vendor.base_url
    )
    attempts = Attempts(
        pool=practice.pool,
        tenants=lambda: practice.tenants,
        channel=GiftChannel(lambda _: account),
        teller=TELLER,
        now=practice.clock,
    )
    await Sender("gift", pool=practice.pool, attempts=attempts, wakeup=Wakeup("").waiter(), now=practice.clock).flush()


def graduation(client: str = "ana", **changes: object) -> Milestone:
    return reached("thirty-six", "major", "count", **{"threshold": 36, "client": client, **changes})


async def money(practice: Practice) -> dict[str, int]:
    rows = await practice.pool.fetch("SELECT state, sum(cents)::int AS cents FROM money GROUP BY state")
    return {row["state"]: row["cents"] for row in rows}


async def test_a_gift_is_ordered_once_and_its_money_spent(practice: Practice, vendor: TremendousServer) -> None:
    giving(practice)
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation())
    for _ in range(2):
        await give(practice, vendor)
    (order,) = vendor.orders.values()
    assert order["rewards"][0]["value"] == {"denomination": 25, "currency_code": "USD"}
    assert (await practice.states())["gift"] == "sent"
    await practice.sweep()
    assert await money(practice) == {"spent": _CENTS}
    assert await practice.tasks() == []


async def test_without_consent_nothing_is_given(practice: Practice, vendor: TremendousServer) -> None:
    giving(practice)
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation())
    await practice.meet(**consent(refused=("marketing",)))
    await give(practice, vendor)
    assert vendor.orders == {}
    assert (await practice.states())["gift"] == "skipped:no_consent"
    assert await money(practice) == {}


async def test_a_gift_that_waits_for_approval_is_not_ordered(practice: Practice, vendor: TremendousServer) -> None:
    giving(practice, approval="money")
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation())
    await practice.sweep()
    await give(practice, vendor)
    assert vendor.orders == {}
    assert (await practice.states())["gift"] == "held:approval"


async def test_senders_at_once_never_spend_a_cent_more_than_the_budget(
    practice: Practice, vendor: TremendousServer
) -> None:
    giving(practice, tenant_cents=3 * _CENTS + _CENTS - 1)
    clients = [f"c-{number}" for number in range(9)]
    for client in clients:
        await practice.meet(client, **consent("marketing"))
    await practice.hear(*(graduation(client) for client in clients))
    await asyncio.gather(*(give(practice, vendor) for _ in range(4)))
    assert len(vendor.orders) == 3
    await practice.sweep()
    assert await money(practice) == {"spent": 3 * _CENTS}
    rows = await practice.pool.fetch("SELECT state, reason FROM deliveries WHERE channel = 'gift' AND state <> 'sent'")
    assert {(row["state"], row["reason"]) for row in rows} == {("held", "approval")}


async def test_a_gift_that_was_withdrawn_in_time_costs_nothing(practice: Practice, vendor: TremendousServer) -> None:
    giving(practice)
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation())
    await practice.hear(retracted(graduation()))
    await give(practice, vendor)
    assert vendor.orders == {}
    assert await money(practice) == {}


async def test_money_for_a_session_that_was_only_inferred_waits_for_a_coach(
    practice: Practice, vendor: TremendousServer
) -> None:
    giving(practice)
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation(facts={"inferred": True, "so_far": {"sessions": 36}}))
    await give(practice, vendor)
    assert vendor.orders == {}
    assert (await practice.states())["gift"] == "held:approval"


async def test_where_a_source_signs_nothing_no_money_goes_by_itself(
    practice: Practice, vendor: TremendousServer
) -> None:
    giving(practice)
    (name,) = practice.tenants
    school = TeachableSource(kind="teachable", name="school")
    practice.tenants = {name: replace(practice.tenants[name], sources=(school,))}
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation())
    await give(practice, vendor)
    assert vendor.orders == {}
    assert (await practice.states())["gift"] == "held:approval"


class Doubtful:
    """Takes an order and answers like a provider that broke in mid-sentence."""

    name = "gift"

    async def send(self, _message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
        assert await point_of_no_return()
        return Outcome(kind="retry", detail="status 500", in_doubt=True)


async def in_doubt(practice: Practice) -> None:
    giving(practice)
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation())
    attempts = Attempts(
        pool=practice.pool, tenants=lambda: practice.tenants, channel=Doubtful(), teller=TELLER, now=practice.clock
    )
    await Sender("gift", pool=practice.pool, attempts=attempts, wakeup=Wakeup("").waiter(), now=practice.clock).flush()
    assert (await practice.states())["gift"] == "deferred:provider_away"


async def test_a_gift_beyond_what_the_person_was_given_under_another_id_asks_the_coach(
    practice: Practice, vendor: TremendousServer
) -> None:
    giving(practice)
    await practice.meet(**consent("marketing"))
    await practice.hear(graduation())
    await practice.meet("bea")
    await practice.hear(reached("other", "micro", "count", client="bea"))
    other = await practice.pool.fetchval("SELECT delivery_id FROM deliveries WHERE client = 'bea'")
    month = practice.now.date().replace(day=1)
    wide = Budget(client_month_cents=100_000, tenant_month_cents=100_000)
    whose = {"delivery_id": other, "tenant": "northstar", "client": "bea", "month": month}
    assert await reserve(practice.pool, **whose, cents=4_000, budget=wide)
    await linked(practice)
    await give(practice, vendor)
    assert vendor.orders == {}
    held = await practice.pool.fetchrow("SELECT state, reason FROM deliveries WHERE channel = 'gift'")
    assert tuple(held) == ("held", "approval")


class Ended:
    """Knows the order of before, which has failed meanwhile."""

    name = "gift"

    async def send(self, _message: Message, point_of_no_return: PointOfNoReturn) -> Outcome:
        assert await point_of_no_return()
        return Outcome(kind="rejected", detail="the order failed", provider_id="ORDER1")


async def test_an_order_that_its_provider_shows_as_failed_gives_its_money_back(practice: Practice) -> None:
    await in_doubt(practice)
    await practice.later(hours=1)
    attempts = Attempts(
        pool=practice.pool, tenants=lambda: practice.tenants, channel=Ended(), teller=TELLER, now=practice.clock
    )
    await Sender("gift", pool=practice.pool, attempts=attempts, wakeup=Wakeup("").waiter(), now=practice.clock).flush()
    assert (await practice.states())["gift"] == "failed:rejected"
    assert await money(practice) == {"returned": _CENTS}


@pytest.mark.parametrize("how", ["expired", "retracted", "dropped", "erased", "revised", "unconsented", "shadow"])
async def test_a_gift_that_may_have_been_ordered_is_never_called_not_given(practice: Practice, how: str) -> None:
    await in_doubt(practice)
    if how == "expired":
        await practice.later(days=8)
    elif how == "dropped":
        drop = Suppression(answer="drop", reason="asked to")
        await suppress(practice.pool, tenant="northstar", client="ana", suppression=drop, author="jo", now=practice.now)
    elif how == "erased":
        await practice.erase()
    elif how in ("unconsented", "shadow"):
        if how == "shadow":
            practice.set_policy(mode="shadow")
        else:
            await practice.meet()
        await practice.later(hours=1)
        await practice.sender("gift").flush()
    else:
        await practice.hear(retracted(graduation()) if how == "retracted" else graduation(revision=2))
    await practice.sweep()
    state = (await practice.states())["gift"]
    assert state == ("deferred:provider_away" if how == "revised" else "unknown:lost_in_sending")
    assert await money(practice) == {"reserved": _CENTS}
    if how == "retracted":
        assert ("correct", "retracted_after_sending") in await practice.tasks()
