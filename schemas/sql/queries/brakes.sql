-- The brake: suppressions and pauses, asked at every claim.

-- name: suppress
-- From now on nothing goes to this client; a second suppression replaces the first.
INSERT INTO suppressions (tenant, client, answer, reason, author, until)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: unsuppress
-- The suppression in force is lifted. Returns a row when there was one.
UPDATE suppressions SET lifted_at = now(), lifted_by = $3
WHERE tenant = $1 AND client = $2 AND lifted_at IS NULL
RETURNING suppression_id;

-- name: hold_client
-- What waits for this client is held.
UPDATE deliveries SET state = 'held', reason = 'suppressed', fence = fence + 1, lease_until = NULL
WHERE tenant = $1 AND client = $2 AND state IN ('pending', 'deferred');

-- name: drop_client
-- What waits for this client is closed; a gift that may have been ordered stays unknown. What was it, the messages first?
WITH dropped AS (
    UPDATE deliveries d SET state = CASE WHEN y.in_doubt THEN 'unknown' ELSE 'skipped' END,
           reason = CASE WHEN y.in_doubt THEN 'lost_in_sending' ELSE 'suppressed' END,
           fence = d.fence + 1, lease_until = NULL, finished_at = now()
    FROM deliveries own LEFT JOIN money y USING (delivery_id)
    WHERE d.delivery_id = own.delivery_id AND own.tenant = $1 AND own.client = $2
      AND d.state IN ('pending', 'deferred', 'held')
    RETURNING d.celebration_id, d.channel, d.reason
)
SELECT d.channel, d.reason, m.record, k.profile ->> 'coach_id' AS coach
FROM dropped d
JOIN celebrations c USING (celebration_id)
JOIN milestones m USING (milestone_id)
JOIN clients k ON k.tenant = c.tenant AND k.client = c.client
ORDER BY d.celebration_id, array_position(ARRAY['email', 'in_app', 'sms'], d.channel), d.channel;

-- name: pause
-- From now on nothing in this scope goes. Returns a row when it was not paused already.
INSERT INTO pauses (tenant, channel, rule, reason, author)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
RETURNING pause_id;

-- name: resume
-- The pause with exactly this scope is lifted. Returns a row when there was one.
UPDATE pauses SET lifted_at = now(), lifted_by = $4
WHERE tenant IS NOT DISTINCT FROM $1 AND channel IS NOT DISTINCT FROM $2 AND rule IS NOT DISTINCT FROM $3
  AND lifted_at IS NULL
RETURNING pause_id;

-- name: pauses_in_force
-- What is paused?
SELECT tenant, channel, rule, reason FROM pauses WHERE lifted_at IS NULL;

-- name: recoveries
-- To when was the ledger lost and restored, and whose part of it?
SELECT tenant, lost_at, reason FROM recoveries ORDER BY recovery_id;

-- name: hold_paused
-- What waits inside a pause is held. Rows are locked in one order, so that a pause is never refused for a deadlock.
WITH covered AS (
    SELECT d.delivery_id FROM deliveries d
    WHERE d.state IN ('pending', 'deferred')
      AND EXISTS (SELECT FROM pauses p WHERE p.lifted_at IS NULL
                  AND (p.tenant IS NULL OR p.tenant = d.tenant)
                  AND (p.channel IS NULL OR p.channel = d.channel)
                  AND (p.rule IS NULL OR p.rule = d.rule))
    ORDER BY d.delivery_id FOR NO KEY UPDATE
)
UPDATE deliveries d SET state = 'held', reason = 'paused', fence = fence + 1, lease_until = NULL
FROM covered WHERE d.delivery_id = covered.delivery_id;

-- name: release_held
-- What is held by nothing any more waits for a sender again, which asks once more; what a coach has still to approve goes
-- on waiting for that alone. A part without an approval that was decided stays held, and what a restore holds until a
-- person lets it go. So many at a time that no time-out ends it; the sweeper goes on with the rest.
WITH free AS (
    SELECT d.delivery_id,
           EXISTS (SELECT FROM approvals a WHERE a.celebration_id = d.celebration_id AND a.state = 'open'
                   AND d.channel = ANY (a.parts)) AS waits
    FROM deliveries d
    WHERE d.state = 'held' AND (d.reason <> 'recovered' OR d.unsent_at IS NOT NULL)
      AND (d.reason <> 'approval' OR EXISTS (SELECT FROM approvals a WHERE a.celebration_id = d.celebration_id
                                             AND a.state <> 'open' AND d.channel = ANY (a.parts)))
      AND NOT EXISTS (SELECT FROM pauses p WHERE p.lifted_at IS NULL
                      AND (p.tenant IS NULL OR p.tenant = d.tenant)
                      AND (p.channel IS NULL OR p.channel = d.channel)
                      AND (p.rule IS NULL OR p.rule = d.rule))
      AND NOT EXISTS (SELECT FROM suppressions s WHERE s.lifted_at IS NULL
                      AND s.tenant = d.tenant AND s.client = d.client
                      AND (s.until IS NULL OR s.until > $1))
    LIMIT 20000
    FOR NO KEY UPDATE OF d SKIP LOCKED
)
UPDATE deliveries d SET state = CASE WHEN free.waits THEN 'held' ELSE 'pending' END,
       reason = CASE WHEN free.waits THEN 'approval' ELSE 'released' END
FROM free WHERE d.delivery_id = free.delivery_id
RETURNING d.delivery_id;

-- name: held
-- What is held back, and why? Oldest first.
SELECT d.delivery_id, d.tenant, d.client, d.rule, d.tier, d.channel, d.state, d.reason,
       CASE d.reason WHEN 'suppressed' THEN s.reason WHEN 'paused' THEN p.reason ELSE coalesce(r.reason, p.reason) END AS why,
       CASE d.reason WHEN 'suppressed' THEN s.author WHEN 'paused' THEN p.author ELSE coalesce(r.author, p.author) END
           AS author,
       d.due_at, d.expires_at
FROM deliveries d
LEFT JOIN suppressions s ON s.tenant = d.tenant AND s.client = d.client AND s.lifted_at IS NULL
LEFT JOIN LATERAL (
    SELECT p.reason, p.author FROM pauses p
    WHERE p.lifted_at IS NULL
      AND (p.tenant IS NULL OR p.tenant = d.tenant)
      AND (p.channel IS NULL OR p.channel = d.channel)
      AND (p.rule IS NULL OR p.rule = d.rule)
    ORDER BY p.pause_id LIMIT 1) p ON true
LEFT JOIN LATERAL (
    SELECT r.reason, r.author
    FROM recoveries r, celebrations c JOIN milestones m USING (milestone_id)
    WHERE c.celebration_id = d.celebration_id AND d.state = 'held' AND d.unsent_at IS NULL
      AND m.heard_at < r.lost_at AND (r.tenant IS NULL OR r.tenant = d.tenant)
    ORDER BY r.recovery_id LIMIT 1) r ON true
WHERE (d.state = 'held' OR (d.state = 'pending' AND d.due_at > $2))
  AND ($1::text IS NULL OR d.tenant = $1)
ORDER BY d.due_at, d.delivery_id
LIMIT $3;
