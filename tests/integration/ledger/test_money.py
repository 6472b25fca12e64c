"""Money is accounted for to the cent, however many senders reserve at once."""

import asyncio
from collections.abc import Sequence
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
    reserve,
    settle_ended,
    spend,
    taken,
)
from agents.ledger.pool import Pool, connect
from agents.metrics import SPEND_CENTS
from schemas.policy import Budget
from tests.integration.ledger.ledger_practice import Practice, reached

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
WIDE = Budget(client_month_cents=1_000_000, tenant_month_cents=1_000_000)
DELIVERIES = """
WITH n AS (SELECT generate_series(1, $1) AS n), milestone AS (
    INSERT INTO milestones (milestone_id, revision, retracted, tenant, client, rule, tier, reached_at, record, heard_at)
    SELECT 'm' || n, 1, false, 'northstar', 'c', 'r', 'major', now(), '{}', now() FROM n
), celebration AS (
    INSERT INTO celebrations (celebration_id, milestone_id, revision, tenant, client, rule, tier, mode, outcome,
                              planned_at, due_at, expires_at, heard_at)
    SELECT 'x' || n, 'm' || n, 1, 'northstar', 'c', 'r', 'major', 'live', 'send', now(), now(), now(), now() FROM n
)
INSERT INTO deliveries (delivery_id, celebration_id, channel, tenant, client, rule, tier, state, due_at, expires_at,
                        heard_at)
SELECT 'd' || n, 'x' || n, 'gift', 'northstar', 'c', 'r', 'major', 'pending', now(), now(), now() FROM n
"""


async def deliveries(practice: Practice, count: int = 3) -> Pool:
    await practice.pool.execute(DELIVERIES, count)
    return practice.pool


async def ask(
    connection: "Pool | asyncpg.Connection[asyncpg.Record]",
    delivery: str,
    cents: int = 2_500,
    *,
    client: str = "ana",
    tenant: str = "northstar",
    month: date = MAY,
    budget: Budget = WIDE,
) -> bool:
    return await reserve(
        connection, delivery_id=delivery, tenant=tenant, client=client, month=month, cents=cents, budget=budget
    )


async def moves(pool: Pool) -> list[tuple[str, str, int]]:
    rows = await pool.fetch("SELECT delivery_id, move, cents FROM money_moves ORDER BY move_id")
    return [(row["delivery_id"], row["move"], row["cents"]) for row in rows]


async def of_month(pool: Pool, client: str = "ana", month: date = MAY) -> tuple[int, int]:
    found = (await taken(pool, [("northstar", client)], month))["northstar", client]
    return found.client_cents, found.tenant_cents


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


async def test_the_same_delivery_reserves_once_and_its_amount_is_decided_once(practice: Practice) -> None:
    pool = await deliveries(practice)
    budget = Budget(client_month_cents=2_500, tenant_month_cents=2_500)
    assert [await ask(pool, "d1", budget=budget) for _ in range(3)] == [True, True, True]
    assert await ask(pool, "d1", month=JUNE, budget=budget), "a retry after the month's end stays in its month"
    assert await of_month(pool) == (2_500, 2_500)
    assert await moves(pool) == [("d1", "reserved", 2_500)]
    with pytest.raises(asyncpg.InvalidParameterValueError, match="decided once"):
        await ask(pool, "d1", 2_600)


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


async def _at_once(dsn: str, jobs: Sequence[tuple[str, str, int]], budget: Budget, isolation: str) -> list[bool]:
    """Each in a transaction and a connection of its own, all at once; every fifth is rolled back."""
    connections = [await asyncpg.connect(dsn) for _ in jobs]

    async def one(number: int) -> bool:
        delivery, client, cents = jobs[number]
        transaction = connections[number].transaction(isolation=isolation)  # type: ignore[arg-type]
        try:
            await transaction.start()
            done = await ask(connections[number], delivery, cents, client=client, budget=budget)
            await asyncio.sleep(0)
            if number % 5 == 0:
                await transaction.rollback()
                return False
            await transaction.commit()
        except asyncpg.SerializationError:
            return False
        return done

    try:
        return await asyncio.gather(*(one(number) for number in range(len(jobs))))
    finally:
        for connection in connections:
            await connection.close()


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
async def test_many_senders_at_once_never_spend_a_cent_too_much(
    practice: Practice, database: str, isolation: str
) -> None:
    pool = await deliveries(practice, 60)
    budget = Budget(client_month_cents=1_999, tenant_month_cents=9_999)
    amounts = {f"d{n}": 100 + 37 * n for n in range(1, 61)}
    jobs = [(delivery, f"c{n % 7}", amounts[delivery]) for n, delivery in enumerate(amounts)]
    done = await _at_once(database, jobs, budget, isolation)
    rows = await pool.fetch("SELECT client, delivery_id, cents FROM money")
    assert {row["delivery_id"] for row in rows} == {job[0] for job, went in zip(jobs, done, strict=True) if went}
    assert all(row["cents"] == amounts[row["delivery_id"]] for row in rows)
    of_clients = {client: sum(row["cents"] for row in rows if row["client"] == client) for _, client, _ in jobs}
    assert max(of_clients.values()) <= 1_999
    assert sum(of_clients.values()) <= 9_999
    for client, cents in of_clients.items():
        assert await of_month(pool, client) == (cents, sum(of_clients.values()))


async def test_senders_at_once_spend_a_budget_to_its_last_cent(practice: Practice, database: str) -> None:
    pool = await deliveries(practice, 50)
    budget = Budget(client_month_cents=1_000_000, tenant_month_cents=333 * 20 + 1)
    done = await _at_once(database, [(f"d{n}", "ana", 333) for n in range(1, 51)], budget, "read_committed")
    assert sum(done) == 20
    assert await of_month(pool) == (6_660, 6_660)


async def test_within_another_function_a_reservation_sees_what_it_has_waited_for(
    practice: Practice, database: str
) -> None:
    await (await deliveries(practice, 40)).execute("""
        CREATE FUNCTION begin_twin(delivery text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
        BEGIN
            PERFORM FROM deliveries WHERE delivery_id = delivery FOR NO KEY UPDATE;
            IF NOT reserve_money(delivery, 'northstar', 'ana', '2026-05-01', 333, 100000, 3333) THEN
                RETURN false;
            END IF;
            UPDATE deliveries SET state = 'sending', lease_until = now() WHERE delivery_id = delivery;
            PERFORM pg_sleep(0.01);
            RETURN true;
        END $$""")
    pool = await connect(database, max_connections=20)
    begun = await asyncio.gather(*(pool.fetchval("SELECT begin_twin($1)", f"d{n}") for n in range(1, 41)))
    assert sum(begun) == 10
    assert await pool.fetchval("SELECT count(*) FROM deliveries WHERE state = 'sending'") == 10
    await pool.close()


async def test_reserving_spending_and_returning_at_once_neither_block_for_ever_nor_lose_a_cent(
    practice: Practice, database: str
) -> None:
    await deliveries(practice, 30)
    pool = await connect(database, max_connections=20)

    async def life(number: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            assert await ask(connection, f"d{number}", 100 + number)
        await (spend if number % 3 else give_back)(pool, f"d{number}")

    async with asyncio.timeout(60):
        await asyncio.gather(*(life(number) for number in range(1, 31)))
    assert await of_month(pool) == (sum(100 + n for n in range(1, 31) if n % 3),) * 2
    await pool.close()


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
