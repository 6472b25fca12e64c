-- The outbox: changes that wait until Kafka has them.

-- name: may_publish
-- Is nobody else publishing? Held until the transaction ends.
SELECT pg_try_advisory_xact_lock(7166185);

-- name: waiting
-- What waits, the oldest first?
SELECT * FROM outbox ORDER BY position LIMIT $1;

-- name: acknowledged
-- Kafka has these.
DELETE FROM outbox WHERE position = ANY ($1::bigint[]);

-- name: backlog
-- How much waits, and since when?
SELECT count(*) AS changes, min(changed_at) AS oldest_at FROM outbox;
