"""An in-app message as the ledger keeps it: its milestone, celebration and delivery, and the item itself."""

MILESTONE = """
WITH m AS (
    INSERT INTO milestones (milestone_id, revision, retracted, tenant, client, rule, tier, reached_at, record, heard_at)
    VALUES ($1, 1, false, 'northstar', $2, 'first-session', 'micro', now(), '{}', now())
), c AS (
    INSERT INTO celebrations (celebration_id, milestone_id, revision, tenant, client, rule, tier, mode, outcome,
                              planned_at, due_at, expires_at, heard_at)
    VALUES ($1, $1, 1, 'northstar', $2, 'first-session', 'micro', 'live', 'send', now(), now(), now() + '1 day', now())
)
INSERT INTO deliveries (delivery_id, celebration_id, channel, tenant, client, rule, tier, state, due_at, expires_at,
                        heard_at)
VALUES ($1, $1, 'in_app', 'northstar', $2, 'first-session', 'micro', $3, now(), '2030-01-01', now())
"""
ITEM = """
INSERT INTO inbox (item_id, tenant, client, tier, title, text, html)
VALUES ($1, 'northstar', $2, 'micro', $1, 'Well done.', '<p>Well done.</p>')
"""
