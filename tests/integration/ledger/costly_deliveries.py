"""Deliveries that cost something, and what of a month's budgets is taken."""

from datetime import date

import asyncpg

from agents.ledger.money import reserve, taken
from agents.ledger.pool import Pool
from schemas.policy import Budget
from tests.integration.ledger.ledger_practice import Practice

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


async def of_month(pool: Pool, client: str = "ana", month: date = MAY) -> tuple[int, int]:
    found = (await taken(pool, [("northstar", client)], month))["northstar", client]
    return found.client_cents, found.tenant_cents
