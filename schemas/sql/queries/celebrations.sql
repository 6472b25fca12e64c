-- Celebrations: what the celebrator reads before it plans a batch, and what it writes.

-- name: keep_unsent
-- Nothing more of these milestones' celebrations begins to be sent until we commit.
SELECT FROM deliveries
WHERE celebration_id IN (SELECT celebration_id FROM celebrations WHERE milestone_id = ANY ($1::text[]))
  AND state IN ('pending', 'deferred', 'held')
ORDER BY delivery_id FOR NO KEY UPDATE;

-- name: standing
-- What is known of these milestones, and was anything of their celebrations attempted?
SELECT m.milestone_id, m.revision, m.retracted, m.heard_at, c.celebration_id, c.outcome,
       EXISTS (SELECT FROM deliveries d WHERE d.celebration_id IN (c.celebration_id, c.merged_into) AND d.state IN
               ('sending', 'sent', 'delivered', 'bounced', 'unknown'))
       OR EXISTS (SELECT FROM deliveries d JOIN money y USING (delivery_id)
                  WHERE d.celebration_id = c.celebration_id AND y.in_doubt) AS attempted,
       EXISTS (SELECT FROM coach_tasks t WHERE t.celebration_id = c.celebration_id AND t.state = 'done') AS done_by_hand
FROM milestones m LEFT JOIN celebrations c USING (milestone_id)
WHERE m.milestone_id = ANY ($1::text[]);

-- name: history
-- What were these clients celebrated for lately, and under these moments ever, also under ids that were linked to theirs?
-- Nothing is celebrated after it expires, so an index finds what was since $3, however much there was before.
SELECT tenant, whose AS client, milestone_id, tier, coalesce(celebrated_at, due_at) AS at, moment,
       outcome IN ('send', 'hold') AS counts
FROM (SELECT known.tenant, known.client, known.client AS whose FROM unnest($1::text[], $2::text[]) AS known (tenant, client)
      UNION ALL
      SELECT l.tenant, l.client, l.into_client FROM unnest($1::text[], $2::text[]) AS known (tenant, client)
      JOIN client_links l ON l.tenant = known.tenant AND l.into_client = known.client) AS asked
JOIN LATERAL (
    SELECT milestone_id, tier, celebrated_at, due_at, moment, outcome FROM celebrations c
    WHERE c.tenant = asked.tenant AND c.client = asked.client AND c.expires_at > $3
    UNION
    SELECT milestone_id, tier, celebrated_at, due_at, moment, outcome FROM celebrations c
    WHERE c.tenant = asked.tenant AND c.client = asked.client AND c.moment = ANY ($4::text[])
) c ON c.outcome IN ('send', 'hold', 'task', 'merged');

-- name: accounts
-- What else stands to these clients' accounts: which phrasing came last in this tier, and were they ever celebrated? Only
-- words that went, or go, count: not those of a shadow, nor of what was told in another's message.
SELECT asked.tenant, asked.client, asked.tier,
       (SELECT c.phrase FROM celebrations c
        WHERE c.tenant = asked.tenant AND c.client = asked.client AND c.tier = asked.tier
          AND c.mode = 'live' AND c.outcome IN ('send', 'hold')
        ORDER BY c.planned_at DESC, c.phrase DESC LIMIT 1) AS phrase,
       EXISTS (SELECT FROM celebrations c
               WHERE c.tenant = asked.tenant AND c.client = asked.client AND c.celebrated_at IS NOT NULL) AS is_known,
       EXISTS (SELECT FROM celebrations c
               WHERE c.tenant = asked.tenant AND c.client = asked.client AND c.tier = 'streak'
                 AND c.mode = 'live' AND c.outcome IN ('send', 'hold', 'merged')) AS had_streak
FROM unnest($1::text[], $2::text[], $3::text[]) AS asked (tenant, client, tier);

-- name: earlier
-- How often had these clients reached these rules before? Counted no further than a reward grows, and without what is
-- planned just now.
SELECT asked.milestone_id,
       (SELECT count(*) FROM (
            SELECT FROM milestones m
            WHERE m.tenant = asked.tenant AND m.client = asked.client AND m.rule = asked.rule AND NOT m.retracted
              AND m.reached_at <= asked.reached_at AND m.milestone_id <> ALL ($1::text[])
            LIMIT 100) AS found) AS times
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
    AS asked (milestone_id, tenant, client, rule, reached_at);

-- name: followers
-- Which milestones are told in these celebrations' messages? What may have been told before a restore is not told again.
SELECT c.merged_into, m.record FROM celebrations c JOIN milestones m USING (milestone_id)
WHERE c.merged_into = ANY ($1::text[]) AND NOT m.retracted
  AND NOT EXISTS (SELECT FROM recoveries r WHERE m.heard_at < r.lost_at AND (r.tenant IS NULL OR r.tenant = c.tenant));

-- name: untold
-- Of which celebrations have these clients not heard: whose words wait, whole and unclaimed by the point of no return, or
-- came too late? The earliest first. What may have gone before a restore goes by itself, if a person lets it go.
SELECT c.tenant, c.client, c.celebration_id, c.tier, m.record, NOT c.untold AS waits
FROM celebrations c JOIN milestones m USING (milestone_id)
WHERE NOT m.retracted AND c.mode = 'live' AND c.tier <> 'nudge' AND c.merged_into IS NULL
  AND NOT EXISTS (SELECT FROM recoveries r WHERE m.heard_at < r.lost_at AND (r.tenant IS NULL OR r.tenant = c.tenant))
  AND NOT EXISTS (SELECT FROM approvals a  -- what a coach has approved goes as it was approved
                  WHERE a.celebration_id = c.celebration_id AND a.parts && ARRAY['in_app', 'email', 'sms'])
  AND c.celebration_id IN (
      SELECT d.celebration_id FROM deliveries d
      WHERE (d.tenant, d.client) IN (SELECT * FROM unnest($1::text[], $2::text[]))
        AND d.state IN ('pending', 'deferred') AND d.channel IN ('in_app', 'email', 'sms')
        AND NOT EXISTS (SELECT FROM deliveries x WHERE x.celebration_id = d.celebration_id
                        AND x.channel IN ('in_app', 'email', 'sms') AND x.state NOT IN ('pending', 'deferred', 'skipped'))
      UNION
      SELECT u.celebration_id FROM celebrations u
      WHERE u.untold AND (u.tenant, u.client) IN (SELECT * FROM unnest($1::text[], $2::text[])))
ORDER BY c.planned_at, c.celebration_id;

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
                          planned_at, due_at, expires_at, celebrated_at, heard_at, variant, phrase, merged_into,
                          gift_cents, next_step, is_first, untold)
SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS r
    (celebration_id text, milestone_id text, revision int, tenant text, client text, rule text, tier text, mode text,
     outcome text, moment text, planned_at timestamptz, due_at timestamptz, expires_at timestamptz,
     celebrated_at timestamptz, heard_at timestamptz, variant text, phrase int, merged_into text, gift_cents int,
     next_step text, is_first boolean, untold boolean)
ON CONFLICT (celebration_id) DO UPDATE
SET revision = EXCLUDED.revision, mode = EXCLUDED.mode, outcome = EXCLUDED.outcome, moment = EXCLUDED.moment,
    planned_at = EXCLUDED.planned_at, due_at = EXCLUDED.due_at, expires_at = EXCLUDED.expires_at,
    celebrated_at = EXCLUDED.celebrated_at, heard_at = EXCLUDED.heard_at, variant = EXCLUDED.variant,
    phrase = EXCLUDED.phrase, merged_into = EXCLUDED.merged_into, gift_cents = EXCLUDED.gift_cents,
    next_step = EXCLUDED.next_step, is_first = EXCLUDED.is_first, untold = EXCLUDED.untold;

-- name: upsert_deliveries
-- Write the parts that go by themselves; one that was never attempted starts afresh, any other stays as it is.
INSERT INTO deliveries (delivery_id, celebration_id, channel, tenant, client, rule, tier, state, reason, due_at,
                        expires_at, heard_at, carried_by, finished_at)
SELECT r.*, CASE WHEN r.state IN ('sent', 'skipped', 'failed') THEN now() END
FROM jsonb_to_recordset($1::text::jsonb) AS r
    (delivery_id text, celebration_id text, channel text, tenant text, client text, rule text, tier text,
     state text, reason text, due_at timestamptz, expires_at timestamptz, heard_at timestamptz, carried_by text)
ON CONFLICT (delivery_id) DO UPDATE
SET state = EXCLUDED.state, reason = EXCLUDED.reason, due_at = EXCLUDED.due_at, expires_at = EXCLUDED.expires_at,
    heard_at = EXCLUDED.heard_at, finished_at = EXCLUDED.finished_at, carried_by = EXCLUDED.carried_by,
    fence = deliveries.fence + 1,
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
-- What has not left for a milestone that never was does not leave; what may have been ordered stays unknown.
UPDATE deliveries SET state = CASE WHEN EXISTS (SELECT FROM money y WHERE y.delivery_id = deliveries.delivery_id AND y.in_doubt) THEN 'unknown' ELSE 'skipped' END,
       reason = CASE WHEN EXISTS (SELECT FROM money y WHERE y.delivery_id = deliveries.delivery_id AND y.in_doubt) THEN 'lost_in_sending' ELSE 'retracted' END, fence = fence + 1, lease_until = NULL, finished_at = now()
WHERE celebration_id = ANY ($1::text[]) AND state IN ('pending', 'deferred', 'held');

-- name: withdraw_celebrations
-- These celebrations are taken back whole.
UPDATE celebrations SET outcome = 'withdrawn', celebrated_at = NULL, merged_into = NULL, untold = false
WHERE celebration_id = ANY ($1::text[]);

-- name: merge_celebrations
-- These celebrations are told in others' messages.
UPDATE celebrations c SET outcome = 'merged', merged_into = r.lead, untold = false
FROM unnest($1::text[], $2::text[]) AS r (celebration_id, lead) WHERE c.celebration_id = r.celebration_id;

-- name: merge_deliveries
-- Their own words and keepsakes do not go.
UPDATE deliveries SET state = 'skipped', reason = 'merged', fence = fence + 1, lease_until = NULL, finished_at = now()
WHERE celebration_id = ANY ($1::text[]) AND state IN ('pending', 'deferred')
  AND channel IN ('in_app', 'email', 'sms', 'certificate', 'badge', 'referral', 'video');

-- name: free_merged
-- Whose lead does not go? Each is told by itself again, if it is not too late, and senders ask everything once more; what
-- was too late before waits for another mail. What was withdrawn stays withdrawn.
WITH free AS (
    UPDATE celebrations c SET outcome = 'send', merged_into = NULL,
           untold = NOT EXISTS (SELECT FROM deliveries own WHERE own.celebration_id = c.celebration_id
                                AND own.state = 'skipped' AND own.reason = 'merged')
    WHERE c.merged_into = ANY ($1::text[]) AND c.outcome = 'merged'
      AND NOT EXISTS (SELECT FROM milestones m WHERE m.milestone_id = c.milestone_id AND m.retracted)
      AND NOT EXISTS (SELECT FROM deliveries x WHERE x.celebration_id = c.merged_into
                      AND x.channel IN ('in_app', 'email', 'sms') AND x.state NOT IN ('skipped', 'failed'))
    RETURNING c.celebration_id
)
UPDATE deliveries d SET state = 'pending', reason = 'released', finished_at = NULL, fence = fence + 1
FROM free WHERE d.celebration_id = free.celebration_id AND d.state = 'skipped' AND d.reason = 'merged'
RETURNING d.delivery_id;

-- name: part_from
-- These milestones are not told in that celebration's message: somebody objects to them alone, which their own release says.
WITH apart AS (
    UPDATE celebrations c SET outcome = 'send', merged_into = NULL,
           untold = NOT EXISTS (SELECT FROM deliveries own WHERE own.celebration_id = c.celebration_id
                                AND own.state = 'skipped' AND own.reason = 'merged')
    WHERE c.merged_into = $1 AND c.outcome = 'merged' AND c.milestone_id = ANY ($2::text[])
    RETURNING c.celebration_id
)
UPDATE deliveries d SET state = 'pending', reason = 'released', finished_at = NULL, fence = fence + 1
FROM apart WHERE d.celebration_id = apart.celebration_id AND d.state = 'skipped' AND d.reason = 'merged';

-- name: follow_further
-- Who followed these follows their lead now.
UPDATE celebrations x SET merged_into = c.merged_into
FROM celebrations c
WHERE c.celebration_id = ANY ($1::text[]) AND c.merged_into IS NOT NULL AND x.merged_into = c.celebration_id;

-- name: drop_tasks
-- Nobody needs to do by hand what is withdrawn.
UPDATE coach_tasks SET state = 'dropped', closed_at = now(), closed_by = 'retraction'
WHERE celebration_id = ANY ($1::text[]) AND state = 'open';

-- name: notify_senders
-- Wake the senders once.
SELECT pg_notify('cairn_deliveries', '');
