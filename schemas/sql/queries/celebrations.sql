-- Celebrations: what the celebrator reads before it plans a batch, and what it writes.

-- name: keep_unsent
-- Nothing more of these milestones' celebrations begins to be sent until we commit.
SELECT FROM deliveries
WHERE celebration_id IN (SELECT celebration_id FROM celebrations WHERE milestone_id = ANY ($1::text[]))
  AND state IN ('pending', 'deferred', 'held')
ORDER BY delivery_id FOR NO KEY UPDATE;

-- name: standing
-- What is known of these milestones, and was anything of their celebrations attempted?
SELECT m.milestone_id, m.revision, m.retracted, c.celebration_id, c.outcome,
       EXISTS (SELECT FROM deliveries d WHERE d.celebration_id = c.celebration_id AND d.state IN
               ('sending', 'sent', 'delivered', 'bounced', 'unknown')) AS attempted,
       EXISTS (SELECT FROM coach_tasks t WHERE t.celebration_id = c.celebration_id AND t.state = 'done') AS done_by_hand
FROM milestones m LEFT JOIN celebrations c USING (milestone_id)
WHERE m.milestone_id = ANY ($1::text[]);

-- name: history
-- What were these clients celebrated for lately, and under which moments ever?
SELECT tenant, client, milestone_id, tier, coalesce(celebrated_at, due_at) AS at, moment,
       outcome IN ('send', 'hold') AS counts
FROM celebrations
WHERE (tenant, client) IN (SELECT * FROM unnest($1::text[], $2::text[]))
  AND outcome IN ('send', 'hold', 'task')
  AND (planned_at > $3 OR due_at > $3 OR celebrated_at > $3 OR moment IS NOT NULL);

-- name: upsert_milestones
-- Keep each milestone at its highest revision.
INSERT INTO milestones (milestone_id, revision, retracted, tenant, client, rule, tier, reached_at, record, heard_at)
SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS r
    (milestone_id text, revision int, retracted boolean, tenant text, client text, rule text, tier text,
     reached_at timestamptz, record jsonb, heard_at timestamptz)
ON CONFLICT (milestone_id) DO UPDATE
SET revision = EXCLUDED.revision, retracted = EXCLUDED.retracted, reached_at = EXCLUDED.reached_at,
    record = EXCLUDED.record, updated_at = now();

-- name: upsert_celebrations
-- Write what was planned; one that was withdrawn without an attempt is planned anew.
INSERT INTO celebrations (celebration_id, milestone_id, revision, tenant, client, rule, tier, mode, outcome, moment,
                          planned_at, due_at, expires_at, celebrated_at, heard_at)
SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS r
    (celebration_id text, milestone_id text, revision int, tenant text, client text, rule text, tier text, mode text,
     outcome text, moment text, planned_at timestamptz, due_at timestamptz, expires_at timestamptz,
     celebrated_at timestamptz, heard_at timestamptz)
ON CONFLICT (celebration_id) DO UPDATE
SET revision = EXCLUDED.revision, mode = EXCLUDED.mode, outcome = EXCLUDED.outcome, moment = EXCLUDED.moment,
    planned_at = EXCLUDED.planned_at, due_at = EXCLUDED.due_at, expires_at = EXCLUDED.expires_at,
    celebrated_at = EXCLUDED.celebrated_at, heard_at = EXCLUDED.heard_at;

-- name: upsert_deliveries
-- Write the parts that go by themselves; one that was never attempted starts afresh, any other stays as it is.
INSERT INTO deliveries (delivery_id, celebration_id, channel, tenant, client, rule, tier, state, reason, due_at,
                        expires_at, heard_at, finished_at)
SELECT r.*, CASE WHEN r.state IN ('sent', 'skipped', 'failed') THEN now() END
FROM jsonb_to_recordset($1::text::jsonb) AS r
    (delivery_id text, celebration_id text, channel text, tenant text, client text, rule text, tier text,
     state text, reason text, due_at timestamptz, expires_at timestamptz, heard_at timestamptz)
ON CONFLICT (delivery_id) DO UPDATE
SET state = EXCLUDED.state, reason = EXCLUDED.reason, due_at = EXCLUDED.due_at, expires_at = EXCLUDED.expires_at,
    heard_at = EXCLUDED.heard_at, finished_at = EXCLUDED.finished_at, fence = deliveries.fence + 1,
    lease_until = NULL, retry_at = NULL, attempts = 0, deferrals = 0
WHERE deliveries.state IN ('pending', 'held', 'deferred', 'skipped', 'failed');

-- name: append_decisions
-- Why was what decided?
INSERT INTO decisions (milestone_id, revision, tenant, client, part, outcome, reason, detail, decided_at)
SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS r
    (milestone_id text, revision int, tenant text, client text, part text, outcome text, reason text, detail text,
     decided_at timestamptz);

-- name: upsert_inbox
-- What can the client read in the app from now on?
INSERT INTO inbox (item_id, tenant, client, tier, title, text, html)
SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS r
    (item_id text, tenant text, client text, tier text, title text, text text, html text)
ON CONFLICT (item_id) DO NOTHING;

-- name: withdraw_deliveries
-- What has not left for a milestone that never was does not leave.
UPDATE deliveries SET state = 'skipped', reason = 'retracted', fence = fence + 1, lease_until = NULL, finished_at = now()
WHERE celebration_id = ANY ($1::text[]) AND state IN ('pending', 'deferred', 'held');

-- name: withdraw_celebrations
-- These celebrations are taken back whole.
UPDATE celebrations SET outcome = 'withdrawn', celebrated_at = NULL WHERE celebration_id = ANY ($1::text[]);

-- name: drop_tasks
-- Nobody needs to do by hand what is withdrawn.
UPDATE coach_tasks SET state = 'dropped', closed_at = now(), closed_by = 'retraction'
WHERE celebration_id = ANY ($1::text[]) AND state = 'open';

-- name: notify_senders
-- Wake the senders once.
SELECT pg_notify('cairn_deliveries', '');
