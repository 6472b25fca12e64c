-- Keepsakes: what a client keeps, shows or hands on, asked when somebody opens its address.

-- name: keepsake
-- What does this address show, and may it still? No row unless the celebration has this part and gave it: one that waits
-- for its message counts if that went or goes, one that waits for a coach does not.
SELECT m.record, k.profile, k.erased_at IS NOT NULL AS erased,
       m.retracted OR c.outcome = 'withdrawn' AS withdrawn
FROM deliveries d
JOIN celebrations c USING (celebration_id)
JOIN milestones m USING (milestone_id)
LEFT JOIN clients k ON k.tenant = d.tenant AND k.client = d.client
WHERE d.tenant = $1 AND d.celebration_id = $2 AND d.channel = $3
  AND (d.state IN ('sent', 'delivered', 'bounced', 'unknown')
       OR d.state = 'pending' AND EXISTS (
           SELECT FROM deliveries carrier
           WHERE carrier.celebration_id = d.celebration_id AND carrier.channel IN ('email', 'in_app')
             AND carrier.state IN ('pending', 'deferred', 'sending', 'sent', 'delivered', 'bounced', 'unknown'))
       OR m.retracted OR k.erased_at IS NOT NULL);

-- name: record_asked
-- The client is asked to recommend the practice: under the code of the time before, or else under this new one.
INSERT INTO referrals (celebration_id, code, tenant, client, asked_at)
VALUES ($3, coalesce((SELECT code FROM referrals WHERE tenant = $1 AND client = $2 ORDER BY asked_at LIMIT 1), $4),
        $1, $2, $5)
ON CONFLICT (celebration_id) DO NOTHING;

-- name: last_asked
-- When was each of these clients last asked, by whatever id?
SELECT asked.tenant, asked.whose AS client, max(r.asked_at) AS asked_at
FROM (SELECT known.tenant, known.client, known.client AS whose FROM unnest($1::text[], $2::text[]) AS known (tenant, client)
      UNION ALL
      SELECT l.tenant, l.client, l.into_client FROM unnest($1::text[], $2::text[]) AS known (tenant, client)
      JOIN client_links l ON l.tenant = known.tenant AND l.into_client = known.client) AS asked
JOIN referrals r ON r.tenant = asked.tenant AND r.client = asked.client
GROUP BY asked.tenant, asked.whose;

-- name: referral_code
-- Whose code does this address carry?
SELECT code FROM referrals WHERE tenant = $1 AND celebration_id = $2;

-- name: count_click
-- Somebody opened the address.
UPDATE referrals SET clicks = clicks + 1, last_clicked_at = now()
WHERE tenant = $1 AND celebration_id = $2
RETURNING code;
