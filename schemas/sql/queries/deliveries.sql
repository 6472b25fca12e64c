-- Deliveries: how senders take them, ask once more, and record what happened.

-- name: claim
-- What is due on this channel and free? The lease is for the asking and rendering; each claim raises the fence.
WITH due AS (
    SELECT delivery_id FROM deliveries
    WHERE channel = $1 AND state IN ('pending', 'deferred') AND due_at <= $2
      AND (retry_at IS NULL OR retry_at <= now())
      AND (lease_until IS NULL OR lease_until < now())
    ORDER BY due_at
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE deliveries d SET fence = d.fence + 1, lease_until = now() + make_interval(secs => $4)
FROM due WHERE d.delivery_id = due.delivery_id
RETURNING d.delivery_id, d.tenant, d.client, d.fence;

-- name: next_due
-- When does the next delivery of this channel fall due, in domain time, and which retry is next, in real seconds?
-- Each is the first entry of an index, however many wait: a night's backlog is asked about at every wake-up.
SELECT (SELECT due_at FROM deliveries
        WHERE channel = $1 AND state IN ('pending', 'deferred') AND due_at > $2
        ORDER BY due_at LIMIT 1) AS due_at,
       (SELECT extract(epoch FROM retry_at - now())::float8 FROM deliveries
        WHERE channel = $1 AND state IN ('pending', 'deferred') AND retry_at > now()
        ORDER BY retry_at LIMIT 1) AS retry_seconds;

-- name: release_facts
-- All that the ledger holds of what decides whether these claimed deliveries may leave; no row where the claim is lost.
SELECT f.* FROM unnest($1::text[], $2::bigint[]) AS asked (delivery_id, fence)
CROSS JOIN LATERAL release_facts(asked.delivery_id, asked.fence, $3, $4) f;

-- name: keep_delivery
-- This claimed delivery stays as it is until we commit, so that a pause either finds it undecided or waits for what was
-- decided. No row when the claim is lost.
SELECT FROM deliveries WHERE delivery_id = $1 AND fence = $2 AND state IN ('pending', 'deferred') FOR NO KEY UPDATE;

-- name: take_slot
-- The celebration begins: its slot of the cap is taken.
UPDATE celebrations SET celebrated_at = coalesce(celebrated_at, $2) WHERE celebration_id = $1;

-- name: carry
-- These keepsakes go with this message.
UPDATE deliveries SET state = 'sent', reason = NULL, carried_by = $2, finished_at = now()
WHERE celebration_id = $1 AND channel = ANY ($3::text[]) AND state = 'pending';

-- name: unclaim
-- What was decided on is no longer so: it is asked about anew.
UPDATE deliveries SET lease_until = NULL WHERE delivery_id = $1 AND fence = $2 AND state IN ('pending', 'deferred');

-- name: begin_as_decided
-- The point of no return. False: the lease is lost, somebody held, withdrew or erased it meanwhile, or anything that
-- decides has changed since it was read.
SELECT begin_as_decided($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: record_outcome
-- What became of it? Only the sender that holds the claim may say so.
UPDATE deliveries SET state = $3, reason = $4, provider_id = coalesce($5, provider_id), lease_until = NULL,
       retry_at = now() + make_interval(secs => $6),
       due_at = coalesce($7, due_at),
       attempts = attempts + $8, deferrals = deferrals + $9,
       finished_at = CASE WHEN $3 IN ('pending', 'deferred', 'held') THEN NULL ELSE now() END
WHERE delivery_id = $1 AND fence = $2 AND state IN ('pending', 'deferred', 'sending')
RETURNING heard_at, finished_at;

-- name: sweep_sending
-- Whose sender died after the point of no return? Nobody knows whether these left, so they are never sent again.
UPDATE deliveries SET state = 'unknown', reason = 'lost_in_sending', fence = fence + 1, lease_until = NULL,
       finished_at = now()
WHERE state = 'sending' AND lease_until < now()
RETURNING delivery_id, tenant, client, channel, celebration_id, state;

-- name: sweep_expired
-- What waited too long? A gift that may have been ordered stays unknown, and a keepsake goes with a message that left.
WITH late AS (
    SELECT d.delivery_id, d.reason = 'recovered' AS recovered, EXISTS (SELECT FROM money y WHERE y.delivery_id = d.delivery_id AND y.in_doubt) AS in_doubt
    FROM deliveries d
    WHERE d.state IN ('pending', 'deferred', 'held') AND d.expires_at <= $1
      AND (d.lease_until IS NULL OR d.lease_until < now())
      AND NOT EXISTS (SELECT FROM deliveries c WHERE c.delivery_id = d.carried_by
                      AND c.state IN ('sending', 'unknown', 'sent', 'delivered', 'bounced'))
    LIMIT 1000
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE deliveries d SET state = CASE WHEN late.in_doubt THEN 'unknown' ELSE 'skipped' END,
       reason = CASE WHEN late.in_doubt THEN 'lost_in_sending' ELSE 'expired' END,
       fence = fence + 1, lease_until = NULL, finished_at = now()
FROM late WHERE d.delivery_id = late.delivery_id
RETURNING d.delivery_id, d.tenant, d.client, d.channel, d.celebration_id, d.state,
          coalesce(late.recovered, false) AS recovered;

-- name: follow_carriers
-- Which keepsakes went with their message? One of which nobody knows whether it left is left waiting with it.
UPDATE deliveries k SET state = 'sent', reason = NULL, finished_at = now()
FROM deliveries c
WHERE k.state = 'pending' AND k.channel IN ('certificate', 'badge', 'referral', 'video')
  AND c.delivery_id = k.carried_by AND c.state IN ('sent', 'delivered', 'bounced')
RETURNING k.channel;

-- name: drop_uncarried
-- Which keepsakes has no message carried, and none will? One that left after its keepsakes were last looked at is asked about
-- at the next look: each statement has a snapshot of its own.
UPDATE deliveries k SET state = 'skipped', reason = 'not_carried', fence = fence + 1, finished_at = now()
WHERE k.state = 'pending' AND k.channel IN ('certificate', 'badge', 'referral', 'video')
  AND NOT EXISTS (SELECT FROM deliveries c WHERE c.celebration_id = k.celebration_id
                  AND c.channel IN ('email', 'in_app')
                  AND (c.state IN ('pending', 'deferred', 'held', 'sending') OR c.delivery_id = k.carried_by
                       AND c.state IN ('unknown', 'sent', 'delivered', 'bounced')))
RETURNING k.delivery_id, k.tenant, k.client, k.channel, k.celebration_id, k.state;

-- name: leave_untold
-- What came too late, and what lay unread in the app for a day, is told in a line of the next mail. Looks back further than
-- the time between two looks, so that one that was late misses nothing.
UPDATE celebrations c SET untold = true
WHERE NOT c.untold AND c.merged_into IS NULL AND c.mode = 'live' AND c.tier NOT IN ('major', 'nudge')
  AND c.celebration_id IN (
      SELECT d.celebration_id FROM deliveries d
      WHERE d.finished_at > now() - interval '15 minutes' AND d.state = 'skipped'
        AND d.reason IN ('expired', 'cap_reached', 'quiet_hours') AND d.channel IN ('in_app', 'email', 'sms')
        AND NOT EXISTS (SELECT FROM deliveries x WHERE x.celebration_id = d.celebration_id
                        AND x.channel IN ('in_app', 'email', 'sms') AND x.state <> 'skipped')
      UNION ALL
      SELECT d.celebration_id FROM inbox i JOIN deliveries d ON d.delivery_id = i.item_id
      WHERE i.created_at BETWEEN now() - interval '24 hours 15 minutes' AND now() - interval '24 hours'
        AND i.read_at IS NULL
        AND NOT EXISTS (SELECT FROM deliveries x WHERE x.celebration_id = d.celebration_id
                        AND x.channel IN ('email', 'sms') AND x.state <> 'skipped'))
RETURNING c.celebration_id;

-- name: leads_that_ended
-- Which celebrations that were to tell of others too have ended unsent lately?
SELECT DISTINCT d.celebration_id FROM deliveries d
WHERE d.finished_at > now() - interval '15 minutes' AND d.state IN ('skipped', 'failed')
  AND d.channel IN ('in_app', 'email', 'sms')
  AND EXISTS (SELECT FROM celebrations x WHERE x.merged_into = d.celebration_id);

-- name: milestones_of
-- Which milestones do these celebrations answer?
SELECT c.celebration_id, m.milestone_id, m.revision, m.record, k.profile ->> 'coach_id' AS coach,
       k.erased_at IS NOT NULL AS erased
FROM celebrations c
JOIN milestones m USING (milestone_id)
JOIN clients k ON k.tenant = c.tenant AND k.client = c.client
WHERE c.celebration_id = ANY ($1::text[]);

-- name: figures
-- How many deliveries stand in each state, and since when does the oldest wait?
SELECT channel, state, count(*) AS deliveries, min(created_at) AS oldest_at
FROM deliveries
WHERE state IN ('pending', 'deferred', 'held', 'sending', 'unknown')
GROUP BY channel, state;
