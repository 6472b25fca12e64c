-- Parked: records that delivery refused, until they are applied after all.

-- name: park_records
-- Which records could not be used, and why?
INSERT INTO refused_records (topic, partition, "offset", reason, detail, key, value, headers, appended_ms)
SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bigint[])
ON CONFLICT DO NOTHING;

-- name: parked
-- What is parked, and why?
SELECT * FROM refused_records ORDER BY created_at, topic, partition, "offset";

-- name: parked_by_reason
-- How much is parked?
SELECT topic, reason, count(*) AS records FROM refused_records GROUP BY topic, reason ORDER BY topic, reason;

-- name: ask_for
-- These are to be applied again. Returns a row for each that is still parked.
UPDATE refused_records r SET replay_asked_at = coalesce(r.replay_asked_at, now())
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS asked (topic, partition, "offset")
WHERE r.topic = asked.topic AND r.partition = asked.partition AND r."offset" = asked."offset"
RETURNING r."offset";

-- name: asked_for
-- What is to be applied again? Profiles first, each partition in its order.
SELECT * FROM refused_records WHERE replay_asked_at IS NOT NULL ORDER BY topic, partition, "offset" LIMIT $1;

-- name: still_asked_for
-- Which of these are still to be applied? Nobody else applies them until we commit.
SELECT "offset" FROM refused_records
WHERE topic = $1 AND partition = $2 AND "offset" = ANY ($3::bigint[]) AND replay_asked_at IS NOT NULL
ORDER BY "offset" FOR UPDATE;

-- name: unpark
-- These are applied.
DELETE FROM refused_records WHERE topic = $1 AND partition = $2 AND "offset" = ANY ($3::bigint[]);

-- name: park_again
-- These could not be used this time either; they wait until somebody asks once more.
UPDATE refused_records r SET reason = again.reason, detail = again.detail, replay_asked_at = NULL
FROM unnest($3::bigint[], $4::text[], $5::text[]) AS again ("offset", reason, detail)
WHERE r.topic = $1 AND r.partition = $2 AND r."offset" = again."offset";
