-- Unknown deliveries: nobody can say whether they left. Providers tell, a person decides, or the tenant's policy.

-- name: unknowns
-- What is unknown, and since when? Oldest first.
SELECT d.delivery_id, d.tenant, d.client, d.channel, d.rule, d.tier, m.record ->> 'name' AS name, d.sending_at,
       coalesce(d.finished_at, d.sending_at) AS unknown_since, d.expires_at, d.provider_id
FROM deliveries d
JOIN celebrations c USING (celebration_id)
JOIN milestones m USING (milestone_id)
WHERE d.state = 'unknown' AND ($1::text IS NULL OR d.tenant = $1)
ORDER BY d.finished_at, d.delivery_id LIMIT $2;

-- name: whose
-- Whose delivery is this?
SELECT client FROM deliveries WHERE delivery_id = $1 AND tenant = $2;

-- name: tenant_of
-- Which tenant's delivery is this?
SELECT tenant FROM deliveries WHERE delivery_id = $1;

-- name: lock_unknown
-- Is it still unknown? It stays so until we commit.
SELECT d.delivery_id, d.celebration_id, d.channel, d.expires_at, m.record
FROM deliveries d
JOIN celebrations c USING (celebration_id)
JOIN milestones m USING (milestone_id)
WHERE d.delivery_id = $1 AND d.state = 'unknown' FOR NO KEY UPDATE OF d;

-- name: resolve
-- Somebody has decided. What is sent once more waits for a sender, which asks everything anew.
UPDATE deliveries
SET state = $2, reason = $3, resolved_at = now(), resolved_by = $4, resolved_why = $5,
    resends = resends + CASE WHEN $2 = 'pending' THEN 1 ELSE 0 END, fence = fence + 1, lease_until = NULL,
    retry_at = NULL, due_at = CASE WHEN $2 = 'pending' THEN least(due_at, $6) ELSE due_at END,
    finished_at = CASE WHEN $2 = 'pending' THEN NULL ELSE now() END
WHERE delivery_id = $1;

-- name: unknown_to_resend
-- Which of these tenants' have been unknown for so long that no provider will tell, and were never sent once more?
SELECT delivery_id, client, tenant FROM deliveries
WHERE state = 'unknown' AND tenant = ANY ($1::text[]) AND resends = 0 AND expires_at > $2
  AND finished_at <= now() - make_interval(secs => $3)
ORDER BY finished_at LIMIT 100;
