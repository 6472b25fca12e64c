-- Approvals: what waits for a coach, what they say, and what becomes of it.

-- name: ask_approvals
-- Ask the coach, and mail the question; a revision that was asked about already changes nothing.
WITH asked AS (
    INSERT INTO approvals (celebration_id, tenant, client, coach, parts, cents, asked_at, escalate_at, close_at,
                           expires_at, revision)
    SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS r
        (celebration_id text, tenant text, client text, coach text, parts text[], cents int, asked_at timestamptz,
         escalate_at timestamptz, close_at timestamptz, expires_at timestamptz, revision int)
    ON CONFLICT (celebration_id) DO UPDATE
    SET coach = EXCLUDED.coach, parts = EXCLUDED.parts, cents = EXCLUDED.cents, revision = EXCLUDED.revision,
        asked_at = EXCLUDED.asked_at, escalate_at = EXCLUDED.escalate_at, close_at = EXCLUDED.close_at,
        expires_at = EXCLUDED.expires_at, state = 'open', reason = NULL, escalated_at = NULL, decided_by = NULL,
        decided_at = NULL, words = NULL, note = NULL, created_at = now()
    WHERE approvals.revision < EXCLUDED.revision
    RETURNING celebration_id, tenant, coach, revision, asked_at
)
INSERT INTO coach_mails (mail_id, tenant, coach, kind, celebration_id, revision, due_at)
SELECT substr(encode(sha256(convert_to(concat_ws(':', 'approval', celebration_id, revision, coach), 'UTF8')), 'hex'), 1, 32),
       tenant, coach, 'approval', celebration_id, revision, asked_at
FROM asked
ON CONFLICT DO NOTHING;

-- name: open_approvals
-- What waits for a coach? Oldest first; of every tenant when $1 is NULL.
SELECT a.celebration_id, a.tenant, a.client, a.coach, c.rule, c.tier, a.parts, a.cents, a.asked_at, a.escalate_at,
       a.close_at, a.escalated_at
FROM approvals a JOIN celebrations c USING (celebration_id)
WHERE a.state = 'open' AND ($1::text IS NULL OR a.tenant = $1)
ORDER BY a.asked_at, a.celebration_id
LIMIT $2;

-- name: approval_facts
-- All that decides about this approval, and all that a coach is shown; $2 is its tenant, if only that may be seen.
SELECT a.celebration_id, a.tenant, a.client, a.coach, a.revision, a.parts, a.cents, a.state, a.reason, a.asked_at,
       a.escalate_at, a.close_at, a.expires_at, a.escalated_at, a.decided_by, a.decided_at, a.words, a.note,
       m.record, m.revision AS heard_revision, m.retracted, c.revision AS planned_revision, c.phrase, c.next_step, c.is_first,
       c.variant,
       k.profile, k.erased_at IS NOT NULL AS erased,
       s.suppression_id IS NOT NULL AND (s.until IS NULL OR s.until > $3) AS suppressed,
       ARRAY(SELECT d.channel FROM deliveries d
             WHERE d.celebration_id = a.celebration_id AND d.channel = ANY (a.parts)
               AND d.state IN ('pending', 'deferred', 'held')
             ORDER BY array_position(a.parts, d.channel)) AS waiting,
       ARRAY(SELECT d.channel FROM deliveries d
             WHERE d.celebration_id = a.celebration_id AND d.state NOT IN ('skipped', 'failed')
             ORDER BY d.channel) AS going,
       (SELECT jsonb_agg(x.record ORDER BY x.reached_at, x.milestone_id)
        FROM celebrations other JOIN milestones x USING (milestone_id)
        WHERE other.merged_into = a.celebration_id AND NOT x.retracted) AS merged
FROM approvals a
JOIN celebrations c USING (celebration_id)
JOIN milestones m USING (milestone_id)
JOIN clients k ON k.tenant = a.tenant AND k.client = a.client
LEFT JOIN suppressions s ON s.tenant = a.tenant AND s.client = a.client AND s.lifted_at IS NULL
WHERE a.celebration_id = $1 AND ($2::text IS NULL OR a.tenant = $2);

-- name: lock_approval
-- One decision about this approval at a time.
SELECT FROM approvals WHERE celebration_id = $1 FOR NO KEY UPDATE;

-- name: keep_parts
-- Nothing of this celebration begins to be sent or is freed until we commit.
SELECT FROM deliveries
WHERE celebration_id = $1 AND state IN ('pending', 'deferred', 'held')
ORDER BY delivery_id FOR NO KEY UPDATE;

-- name: settle_approval
-- It is decided, or closed.
UPDATE approvals SET state = $2, reason = $3, decided_by = $4, decided_at = $5, words = $6::text::jsonb, note = $7
WHERE celebration_id = $1 AND state = 'open';

-- name: release_parts
-- What waited for the coach alone waits for a sender, which asks once more; what a brake holds on top stays held.
UPDATE deliveries SET state = 'pending', reason = $3
WHERE celebration_id = $1 AND channel = ANY ($2::text[]) AND state = 'held' AND reason = 'approval';

-- name: close_parts
-- These parts do not go.
UPDATE deliveries SET state = 'skipped', reason = $3, fence = fence + 1, lease_until = NULL, finished_at = now()
WHERE celebration_id = $1 AND channel = ANY ($2::text[]) AND state IN ('pending', 'deferred', 'held');

-- name: conclude
-- Nothing of this celebration left or will: its slot is free, and its outcome says who answers. One that another one's
-- message tells of stays merged.
UPDATE celebrations c SET outcome = $2
WHERE c.celebration_id = $1 AND c.celebrated_at IS NULL AND c.outcome <> 'merged'
  AND NOT EXISTS (SELECT FROM deliveries d
                  WHERE d.celebration_id = c.celebration_id AND d.state NOT IN ('skipped', 'failed'));

-- name: due_approvals
-- Which open approvals nobody will answer any more: their time is over, what they are about has changed, or nothing waits?
SELECT a.celebration_id
FROM approvals a
JOIN celebrations c USING (celebration_id)
JOIN milestones m USING (milestone_id)
WHERE a.state = 'open'
  AND (a.close_at <= $1 OR m.revision <> a.revision OR m.retracted
       OR NOT EXISTS (SELECT FROM deliveries d
                      WHERE d.celebration_id = a.celebration_id AND d.channel = ANY (a.parts)
                        AND d.state IN ('pending', 'deferred', 'held')))
ORDER BY a.asked_at
LIMIT 200;

-- name: due_escalations
-- Which questions has nobody answered for long enough to ask once more?
SELECT celebration_id, tenant, coach FROM approvals
WHERE state = 'open' AND escalated_at IS NULL AND escalate_at <= $1 AND close_at > $1
ORDER BY asked_at
LIMIT 200;

-- name: escalate
-- Ask this coach, once.
WITH asked AS (
    UPDATE approvals SET escalated_at = $2
    WHERE celebration_id = $1 AND state = 'open' AND escalated_at IS NULL
    RETURNING celebration_id, tenant, revision
)
INSERT INTO coach_mails (mail_id, tenant, coach, kind, celebration_id, revision, due_at)
SELECT substr(encode(sha256(convert_to(concat_ws(':', 'escalation', celebration_id, revision, $3::text), 'UTF8')), 'hex'), 1, 32),
       tenant, $3, 'escalation', celebration_id, revision, $2
FROM asked
ON CONFLICT DO NOTHING;

-- name: approved_words
-- What did a coach approve for this channel of a celebration, at the revision that it is planned at?
SELECT a.words -> $2::text
FROM approvals a JOIN celebrations c USING (celebration_id)
WHERE a.celebration_id = $1 AND a.state = 'approved' AND a.revision = c.revision;

-- name: approval_figures
-- How many wait, and since when does the oldest?
SELECT count(*) AS approvals, min(created_at) AS oldest_at FROM approvals WHERE state = 'open';
