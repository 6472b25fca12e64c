"""Deliveries of which providers tell, and what the ledger holds of them afterwards."""

from agents.ledger.pool import Pool

PLANNED = """
WITH m AS (
    INSERT INTO milestones (milestone_id, revision, retracted, tenant, client, rule, tier, reached_at, record, heard_at)
    VALUES ($1, 1, false, 'northstar', $2, 'thirty-six', $5, now(), $6::jsonb, now())
), c AS (
    INSERT INTO celebrations (celebration_id, milestone_id, revision, tenant, client, rule, tier, mode, outcome,
                              planned_at, due_at, expires_at, heard_at)
    VALUES ($8, $1, 1, 'northstar', $2, 'thirty-six', $5, 'live', 'send', now(), now(), now() + '1 day', now())
)
INSERT INTO deliveries (delivery_id, celebration_id, channel, tenant, client, rule, tier, state, reason, due_at,
                        expires_at, heard_at, sending_at, provider_id, lease_until)
VALUES ($1, $8, $3, 'northstar', $2, 'thirty-six', $5, $4, 'x', now(), '2030-01-01', now(), now(), $7, now())
"""


async def state(pool: Pool, delivery: str) -> str:
    return str(await pool.fetchval("SELECT state FROM deliveries WHERE delivery_id = $1", delivery))


async def tasks(pool: Pool) -> list[tuple[str, str, str]]:
    rows = await pool.fetch("SELECT kind, reason, state FROM coach_tasks ORDER BY task_id")
    return [(row["kind"], row["reason"], row["state"]) for row in rows]


async def out(pool: Pool) -> list[tuple[str, str, str]]:
    rows = await pool.fetch("SELECT channel, source, author FROM opt_outs WHERE returned_at IS NULL ORDER BY channel")
    return [(row["channel"], row["source"], row["author"]) for row in rows]
