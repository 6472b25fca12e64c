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

-- name: ask_to_release
-- Everything that decides whether this claimed delivery may leave, itself and its client locked, and its slot of the cap
-- taken; no celebration_id when the claim is lost. The statements are in the schema: each has to see what was committed
-- before the one that locks.
SELECT * FROM ask_to_release($1, $2, $3, $4, $5, $6);

-- name: give_back_slot
-- It may not go now: the celebration has not begun.
UPDATE celebrations SET celebrated_at = NULL WHERE celebration_id = $1;

-- name: begin_sending
-- The point of no return. No row: the lease is lost, or somebody held, withdrew or erased it meanwhile.
UPDATE deliveries SET state = 'sending', sending_at = now(), reason = NULL,
       lease_until = now() + make_interval(secs => $3)
WHERE delivery_id = $1 AND fence = $2 AND state IN ('pending', 'deferred') AND lease_until > now()
  AND expires_at > $4
RETURNING delivery_id;

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
RETURNING delivery_id, tenant, client, channel, celebration_id;

-- name: sweep_expired
-- What waited too long?
WITH late AS (
    SELECT delivery_id FROM deliveries
    WHERE state IN ('pending', 'deferred', 'held') AND expires_at <= $1
      AND (lease_until IS NULL OR lease_until < now())
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
)
UPDATE deliveries d SET state = 'skipped', reason = 'expired', fence = fence + 1, lease_until = NULL,
       finished_at = now()
FROM late WHERE d.delivery_id = late.delivery_id
RETURNING d.delivery_id, d.tenant, d.client, d.channel, d.celebration_id;

-- name: milestones_of
-- Which milestones do these celebrations answer?
SELECT c.celebration_id, m.milestone_id, m.revision, m.record, k.profile ->> 'coach_id' AS coach
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
