"""Money is accounted for to the cent."""

from datetime import UTC, date, datetime, timedelta, timezone

import asyncpg
import pytest

from agents.ledger.money import (
    cents_in_doubt,
    costs,
    count_money,
    doubt,
    give_back,
    month_of,
    settle_ended,
    spend,
    taken,
)
from agents.ledger.pool import Pool
from agents.metrics import SPEND_CENTS
from schemas.policy import Budget
from tests.integration.ledger.costly_deliveries import JUNE, MAY, ask, deliveries, of_month
from tests.integration.ledger.ledger_practice import Practice, reached


async def moves(pool: Pool) -> list[tuple[str, str, int]]:
    rows = await pool.fetch("SELECT delivery_id, move, cents FROM money_moves ORDER BY move_id")
    return [(row["delivery_id"], row["move"], row["cents"]) for row in rows]


async def test_the_last_cent_of_a_budget_may_be_spent_and_none_beyond(practice: Practice) -> None:
    pool = await deliveries(practice)
    budget = Budget(client_month_cents=2_500, tenant_month_cents=3_000)
    assert await ask(pool, "d1", 2_500, budget=budget)
    assert not await ask(pool, "d2", 1, budget=budget), "the client's"
    assert not await ask(pool, "d2", 501, client="ben", budget=budget), "the tenant's"
    assert await ask(pool, "d2", 500, client="ben", budget=budget)
    assert await ask(pool, "d3", 2_500, client="ben", month=JUNE, budget=budget), "another month"
    assert await of_month(pool) == (2_500, 3_000)
    assert await of_month(pool, "ben", JUNE) == (2_500, 2_500)


async def test_a_tenant_has_a_budget_of_its_own(practice: Practice) -> None:
    pool = await deliveries(practice)
    budget = Budget(client_month_cents=2_500, tenant_month_cents=2_500)
    assert await ask(pool, "d1", budget=budget)
    assert await ask(pool, "d2", tenant="south", budget=budget)


async def test_the_same_delivery_reserves_once_and_another_amount_takes_its_place(practice: Practice) -> None:
    pool = await deliveries(practice)
    budget = Budget(client_month_cents=2_500, tenant_month_cents=2_500)
    assert [await ask(pool, "d1", budget=budget) for _ in range(3)] == [True, True, True]
    assert await ask(pool, "d1", month=JUNE, budget=budget), "a retry after the month's end stays in its month"
    assert await of_month(pool) == (2_500, 2_500)
    assert await moves(pool) == [("d1", "reserved", 2_500)]
    assert not await ask(pool, "d1", 2_600, budget=budget), "what was not ordered is decided anew, within the budget"
    assert await ask(pool, "d1", 2_400, budget=budget)
    amounts = ("reserved", 2_500), ("returned", 2_500), ("reserved", 2_400)
    assert await moves(pool) == [("d1", move, cents) for move, cents in amounts]


async def test_what_may_have_been_ordered_is_not_decided_anew(practice: Practice) -> None:
    pool = await deliveries(practice)
    await ask(pool, "d1")
    await doubt(pool, "d1")
    with pytest.raises(asyncpg.InvalidParameterValueError, match="ordered, not 2600"):
        await ask(pool, "d1", 2_600)


async def test_the_budget_of_a_client_is_that_of_the_person_whatever_ids_they_had(practice: Practice) -> None:
    pool = await deliveries(practice)
    budget = Budget(client_month_cents=4_000, tenant_month_cents=100_000)
    assert await ask(pool, "d1", 2_500, client="ben", budget=budget)
    await pool.execute(
        "INSERT INTO client_links (tenant, client, into_client, author, linked_at)"
        " VALUES ('northstar', 'ben', 'ana', 'jo', now())"
    )
    assert not await ask(pool, "d2", 2_500, budget=budget)
    assert await of_month(pool) == (2_500, 2_500)
    assert await ask(pool, "d2", 1_500, budget=budget)


@pytest.mark.parametrize(
    ("state", "doubtful", "ends"),
    [
        ("sent", False, "spent"),
        ("delivered", True, "spent"),
        ("bounced", False, "spent"),
        ("failed", False, "returned"),
        ("skipped", False, "returned"),
        ("failed", True, "reserved, in doubt"),
        ("skipped", True, "reserved, in doubt"),
        ("unknown", False, "reserved, in doubt"),
        ("unknown", True, "reserved, in doubt"),
        ("pending", False, "reserved"),
        ("held", False, "reserved"),
        ("deferred", True, "reserved, in doubt"),
        ("sending", False, "reserved"),
    ],
)
async def test_whoever_ends_a_delivery_settles_its_money(
    practice: Practice, state: str, doubtful: bool, ends: str
) -> None:
    pool = await deliveries(practice)
    await ask(pool, "d1")
    if doubtful:
        await doubt(pool, "d1")
    await pool.execute("UPDATE deliveries SET state = $1, reason = 'r', lease_until = now()", state)
    settled = await settle_ended(pool)
    assert await settle_ended(pool) == 0
    (cost,) = await costs(pool)
    assert f"{cost.state}{', in doubt' if cost.in_doubt else ''}" == ends
    assert settled == (ends in ("spent", "returned") or (state, doubtful) == ("unknown", False))


async def test_what_somebody_is_working_on_is_settled_the_next_time(practice: Practice) -> None:
    pool = await deliveries(practice)
    for delivery in ("d1", "d2"):
        await ask(pool, delivery)
    await pool.execute("UPDATE deliveries SET state = 'sent'")
    assert await settle_ended(pool, limit=1) == 1
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM deliveries FOR UPDATE")
        assert await settle_ended(pool) == 0
    assert await settle_ended(pool) == 1


async def test_what_is_rolled_back_has_reserved_nothing(practice: Practice) -> None:
    pool = await deliveries(practice)
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        assert await ask(connection, "d1")
        await transaction.rollback()
    assert await of_month(pool) == (0, 0)
    assert await moves(pool) == []


async def test_spent_money_stays_counted_and_comes_back_only_by_certain_word(practice: Practice) -> None:
    pool = await deliveries(practice)
    await ask(pool, "d1")
    assert [await spend(pool, "d1"), await spend(pool, "d1")] == [2_500, None]
    assert await give_back(pool, "d1") is None
    assert await of_month(pool) == (2_500, 2_500)
    assert await give_back(pool, "d1", author="kim", why="moved away", certain=True) == 2_500
    assert await give_back(pool, "d1", certain=True) is None
    assert await spend(pool, "d1") is None, "a late word does not spend what came back"
    assert await of_month(pool) == (0, 0)
    assert [move for _, move, _ in await moves(pool)] == ["reserved", "spent", "returned"]
    (cost,) = await costs(pool)
    assert (cost.state, cost.returned_by, cost.returned_why) == ("returned", "kim", "moved away")


async def test_money_in_doubt_waits_for_somebody_who_is_certain(practice: Practice) -> None:
    pool = await deliveries(practice)
    await ask(pool, "d1")
    assert [await doubt(pool, "d1"), await doubt(pool, "d1")] == [2_500, None]
    assert await give_back(pool, "d1") is None, "it may have been ordered"
    assert await cents_in_doubt(pool) == 2_500
    assert await ask(pool, "d1"), "the same order may go again"
    assert await spend(pool, "d1") == 2_500
    assert await cents_in_doubt(pool) == 0


async def test_what_came_back_may_be_reserved_again_by_the_same_delivery(practice: Practice) -> None:
    pool = await deliveries(practice)
    budget = Budget(client_month_cents=2_500, tenant_month_cents=2_500)
    await ask(pool, "d1", budget=budget)
    assert await give_back(pool, "d1") == 2_500
    assert await ask(pool, "d2", budget=budget)
    assert not await ask(pool, "d1", budget=budget)
    assert await ask(pool, "d1", 2_000, month=JUNE, budget=budget)
    assert (await of_month(pool, month=JUNE), await of_month(pool)) == ((2_000, 2_000), (2_500, 2_500))


async def test_erasing_a_client_leaves_the_account_of_the_money(practice: Practice) -> None:
    await practice.meet()
    await practice.hear(reached())
    delivery = await practice.pool.fetchval("SELECT delivery_id FROM deliveries WHERE channel = 'email'")
    await ask(practice.pool, delivery)
    await spend(practice.pool, delivery)
    await practice.erase()
    assert await of_month(practice.pool) == (2_500, 2_500)
    assert len(await moves(practice.pool)) == 2
    row = dict(await practice.pool.fetchrow("SELECT * FROM money") or {})
    assert "Ana" not in str(row)
    assert "@" not in str(row)


async def test_moves_are_never_rewritten(practice: Practice) -> None:
    pool = await deliveries(practice)
    await ask(pool, "d1")
    for statement in ("UPDATE money_moves SET cents = 0", "DELETE FROM money_moves"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


async def test_a_cost_without_a_delivery_or_within_no_month_is_refused(practice: Practice) -> None:
    pool = await deliveries(practice)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await ask(pool, "unheard of")
    with pytest.raises(asyncpg.CheckViolationError):
        await ask(pool, "d1", month=date(2026, 5, 2))
    with pytest.raises(asyncpg.CheckViolationError):
        await ask(pool, "d1", -1)


async def test_the_costs_of_a_tenant_and_a_month_are_listed(practice: Practice) -> None:
    pool = await deliveries(practice)
    for delivery, tenant, month in (("d1", "northstar", MAY), ("d2", "northstar", JUNE), ("d3", "south", MAY)):
        await ask(pool, delivery, tenant=tenant, month=month)
    listed = {cost.delivery_id for cost in await costs(pool, tenant="northstar", month=MAY)}
    assert (listed, len(await costs(pool)), len(await costs(pool, limit=1))) == ({"d1"}, 3, 1)
    assert [cost.month for cost in await costs(pool, delivery_id="d2")] == [JUNE]


async def test_everybody_who_is_asked_about_is_answered(practice: Practice) -> None:
    pool = await deliveries(practice)
    await ask(pool, "d1")
    asked = [("northstar", "ana"), ("northstar", "ben"), ("south", "ana"), ("northstar", "ana")]
    found = await taken(pool, asked, MAY)
    amounts = {pair: (one.client_cents, one.tenant_cents) for pair, one in found.items()}
    assert amounts == {
        ("northstar", "ana"): (2_500, 2_500),
        ("northstar", "ben"): (0, 2_500),
        ("south", "ana"): (0, 0),
    }


def test_a_month_is_utcs() -> None:
    late = datetime(2026, 5, 31, 23, 30, tzinfo=timezone(timedelta(hours=-1)))
    assert (month_of(late), month_of(datetime(2026, 5, 31, 23, 30, tzinfo=UTC))) == (JUNE, MAY)


def test_what_moved_is_counted_and_what_did_not_is_not() -> None:
    before = SPEND_CENTS.labels("spent")._value.get()
    count_money("spent", 2_500)
    count_money("spent", None)
    assert SPEND_CENTS.labels("spent")._value.get() - before == 2_500
