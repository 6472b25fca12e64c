"""However many senders reserve at once, no budget is exceeded by a cent, and none is left unused."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from agents.ledger.money import give_back, spend
from agents.ledger.pool import connect
from schemas.policy import Budget
from tests.integration.ledger.costly_deliveries import ask, deliveries, of_month
from tests.integration.ledger.ledger_practice import Practice


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
