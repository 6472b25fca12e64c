-- Recoveries: after a restore of the ledger from a backup, what may have left already is held until a person lets it go.

-- name: recover
-- What was first heard before $2 is held, of one tenant or of all. Returns a row unless it was already.
INSERT INTO recoveries (tenant, lost_at, reason, author)
SELECT $1, $2, $3, $4
WHERE NOT EXISTS (SELECT FROM recoveries r WHERE r.lost_at >= $2 AND (r.tenant IS NULL OR r.tenant = $1))
RETURNING recovery_id;

-- name: take_back
-- Who said before $2 that something had not left could not know what was sent until then.
UPDATE deliveries SET unsent_at = NULL, unsent_by = NULL
WHERE unsent_at < $2 AND ($1::text IS NULL OR tenant = $1);

-- name: hold_recovered
-- What waits and may have left is held; a keepsake follows its message, if that left. Rows are locked in one order, so that this is never refused for a deadlock.
WITH covered AS (
    SELECT d.delivery_id
    FROM deliveries d JOIN celebrations c USING (celebration_id) JOIN milestones m USING (milestone_id)
    WHERE d.state IN ('pending', 'deferred') AND d.unsent_at IS NULL
      AND NOT EXISTS (SELECT FROM deliveries carrier WHERE carrier.delivery_id = d.carried_by
                      AND carrier.state IN ('sending', 'unknown', 'sent', 'delivered', 'bounced'))
      AND EXISTS (SELECT FROM recoveries r WHERE m.heard_at < r.lost_at AND (r.tenant IS NULL OR r.tenant = d.tenant))
    ORDER BY d.delivery_id FOR NO KEY UPDATE OF d
)
UPDATE deliveries d SET state = 'held', reason = 'recovered', fence = fence + 1, lease_until = NULL
FROM covered WHERE d.delivery_id = covered.delivery_id;

-- name: count_recovered
-- How many deliveries are held that may have left, also such as wait for a coach or are paused?
SELECT count(*)
FROM deliveries d JOIN celebrations c USING (celebration_id) JOIN milestones m USING (milestone_id)
WHERE d.state = 'held' AND d.unsent_at IS NULL AND ($1::text IS NULL OR d.tenant = $1)
  AND EXISTS (SELECT FROM recoveries r WHERE m.heard_at < r.lost_at AND (r.tenant IS NULL OR r.tenant = d.tenant));

-- name: held_that_begin
-- Which held deliveries have an id that begins so?
SELECT delivery_id FROM deliveries WHERE state = 'held' AND starts_with(delivery_id, $1) ORDER BY delivery_id LIMIT 10;

-- name: whose
-- Whose delivery is this?
SELECT tenant, client FROM deliveries WHERE delivery_id = $1;

-- name: lock_recovered
-- Is it held, and may it have left? It stays so until we commit.
SELECT d.celebration_id, d.channel, d.expires_at, m.record
FROM deliveries d JOIN celebrations c USING (celebration_id) JOIN milestones m USING (milestone_id)
WHERE d.delivery_id = $1 AND d.state = 'held' AND d.unsent_at IS NULL
  AND EXISTS (SELECT FROM recoveries r WHERE m.heard_at < r.lost_at AND (r.tenant IS NULL OR r.tenant = d.tenant))
FOR NO KEY UPDATE OF d;

-- name: let_go
-- A person knows that it had not left; with a message go the keepsakes that it carries.
UPDATE deliveries d SET unsent_at = now(), unsent_by = $2
FROM deliveries own
WHERE own.delivery_id = $1 AND d.celebration_id = own.celebration_id AND d.state IN ('pending', 'held')
  AND (d.delivery_id = own.delivery_id OR d.channel IN ('certificate', 'badge', 'referral', 'video')
       AND (own.channel = 'email' OR own.channel = 'in_app' AND NOT EXISTS (
           SELECT FROM deliveries e WHERE e.celebration_id = own.celebration_id AND e.channel = 'email'
             AND e.state NOT IN ('skipped', 'failed'))));
