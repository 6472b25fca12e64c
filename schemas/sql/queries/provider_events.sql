-- Provider events: which delivery a provider speaks of, what was told before, and what becomes of it.

-- name: told_of
-- Which delivery is meant? Its own id says most, then what the provider called it when it took it.
SELECT delivery_id, client FROM deliveries
WHERE tenant = $1 AND channel = ANY ($2::text[])
  AND (delivery_id = $3 OR provider_id = ANY ($4::text[]) OR (celebration_id = $5 AND channel = 'gift')
       OR (channel = 'gift' AND string_to_array(provider_id, '/') && $4::text[]))
ORDER BY delivery_id = $3 DESC NULLS LAST, delivery_id LIMIT 1;

-- name: told_first
-- Was this never told before? Then it is now.
INSERT INTO provider_events (tenant, provider, key_hash) VALUES ($1, $2, sha256(convert_to($3, 'UTF8')))
ON CONFLICT DO NOTHING RETURNING true;

-- name: token_body
-- For which bytes was this one-time token used first? For these, if for none before.
INSERT INTO provider_events (tenant, provider, key_hash, body_hash)
VALUES ($1, $2, sha256(convert_to('token:' || $3, 'UTF8')), sha256($4))
ON CONFLICT (tenant, provider, key_hash) DO UPDATE SET body_hash = provider_events.body_hash
RETURNING body_hash = sha256($4);

-- name: forget_told
-- What was told 30 days ago is not repeated any more. So many at a time that nobody waits.
DELETE FROM provider_events WHERE (tenant, provider, key_hash) IN (
    SELECT tenant, provider, key_hash FROM provider_events
    WHERE heard_at < now() - interval '30 days' ORDER BY heard_at LIMIT 500 FOR UPDATE SKIP LOCKED);

-- name: lock_told
-- How does this delivery stand? It stays so until we commit.
SELECT d.delivery_id, d.celebration_id, d.channel, d.state, d.sending_at IS NOT NULL AS attempted, m.record,
       k.profile ->> 'coach_id' AS coach, coalesce(k.erased_at IS NOT NULL, false) AS erased
FROM deliveries d
JOIN celebrations c USING (celebration_id)
JOIN milestones m USING (milestone_id)
LEFT JOIN clients k ON k.tenant = d.tenant AND k.client = d.client
WHERE d.delivery_id = $1 FOR NO KEY UPDATE OF d;

-- name: record_told
-- What is known of it now? A new state takes it out of every sender's hands.
UPDATE deliveries
SET state = coalesce($2, state), reason = CASE WHEN $2::text IS NULL THEN reason ELSE $3 END,
    provider_id = coalesce(provider_id, $4),
    opened_at = CASE WHEN $5 THEN least(opened_at, $7::timestamptz, now()) ELSE opened_at END,
    clicked_at = CASE WHEN $6 THEN least(clicked_at, $7::timestamptz, now()) ELSE clicked_at END,
    fence = fence + CASE WHEN $2::text IS NULL THEN 0 ELSE 1 END,
    lease_until = CASE WHEN $2::text IS NULL THEN lease_until END,
    finished_at = CASE WHEN $2::text IS NULL THEN finished_at ELSE coalesce(finished_at, now()) END
WHERE delivery_id = $1;

-- name: settle_task
-- The coach need not ask any more whether this part arrived. A task from before tasks had parts stands for all that are
-- unknown.
UPDATE coach_tasks SET state = 'done', closed_at = now(), closed_by = $2
WHERE celebration_id = $1 AND kind = 'undelivered' AND reason = 'lost_in_sending' AND state = 'open'
  AND (part = $3 OR part = '' AND NOT EXISTS (SELECT FROM deliveries d
                                              WHERE d.celebration_id = $1 AND d.state = 'unknown'));

-- name: end_suppression
-- A suppression that ends by itself, or has ended, gives way to one that does not. What was it, if it is still in force?
UPDATE suppressions SET lifted_at = now(), lifted_by = $3
WHERE tenant = $1 AND client = $2 AND lifted_at IS NULL AND until IS NOT NULL
RETURNING CASE WHEN until > $4 THEN answer END;

-- name: suppress_once
-- Nothing goes to this client until a person lifts it; a suppression without an end stays as it is.
INSERT INTO suppressions (tenant, client, answer, reason, author) VALUES ($1, $2, $5, $3, $4)
ON CONFLICT (tenant, client) WHERE lifted_at IS NULL DO NOTHING
RETURNING suppression_id;
