"""Rows of the ledger behind a keepsake: a celebration with one part that was given."""

from datetime import UTC, datetime

import msgspec

from agents.ledger.pool import Pool
from schemas.client import Profile
from schemas.milestone import Milestone

ROWS = """
WITH k AS (
    INSERT INTO clients (tenant, client, profile) VALUES ($2, $3, $4::text::jsonb)
    ON CONFLICT (tenant, client) DO UPDATE SET profile = EXCLUDED.profile
), m AS (
    INSERT INTO milestones (milestone_id, revision, retracted, tenant, client, rule, tier, reached_at, record, heard_at)
    VALUES ($1, 1, false, $2, $3, 'thirty-six', 'major', now(), $5::text::jsonb, now())
), c AS (
    INSERT INTO celebrations (celebration_id, milestone_id, revision, tenant, client, rule, tier, mode, outcome,
                              planned_at, due_at, expires_at, heard_at)
    VALUES ($1, $1, 1, $2, $3, 'thirty-six', 'major', 'live', 'send', now(), now(), now() + '1 day', now())
)
INSERT INTO deliveries (delivery_id, celebration_id, channel, tenant, client, rule, tier, state, reason, due_at,
                        expires_at, heard_at)
SELECT $1 || channel, $1, channel, $2, $3, 'thirty-six', 'major', $7, CASE WHEN $7 = 'skipped' THEN 'cap_reached' END,
       now(), '2030-01-01', now()
FROM unnest($6::text[]) AS channel
"""
ASKED_AT = datetime(2026, 5, 5, 18, tzinfo=UTC)


async def give(
    pool: Pool,
    milestone: Milestone,
    *channels: str,
    celebration: str,
    profile: Profile | None = None,
    state: str = "sent",
) -> None:
    """Put a celebration with these parts into the ledger."""
    await pool.execute(
        ROWS,
        celebration,
        milestone.tenant,
        milestone.client,
        profile.model_dump_json(exclude_defaults=True) if profile else None,
        msgspec.json.encode(milestone).decode(),
        list(channels),
        state,
    )
