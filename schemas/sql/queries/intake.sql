-- Named queries of the intake: identities, profiles as published, polls, kept hooks.

-- name: known_client
-- Which clients do these key hashes mean, with what was last published about each? Has any source that vouches for what
-- it says named them? LIMIT 1 keeps tables read by their keys: a plan made while they were small would compare every
-- client of a batch with every profile. So does (SELECT $1), which hides the tenant's name from the planner: of one that
-- statistics do not know yet it expects a single row, and would read all of the tenant's for each key.
SELECT i.key_hash, i.is_vouched, c.client, p.profile, p.erased_at IS NOT NULL AS is_erased,
       i.is_vouched OR (SELECT true FROM identities v WHERE v.tenant = (SELECT $1) AND v.client = c.client
                        AND v.is_vouched LIMIT 1) IS NOT NULL AS has_voucher
FROM unnest($2::bytea[]) AS k (key_hash)
CROSS JOIN LATERAL (SELECT * FROM identities WHERE tenant = (SELECT $1) AND key_hash = k.key_hash LIMIT 1) i
CROSS JOIN LATERAL (SELECT person_of($1, i.client) AS client) c
LEFT JOIN LATERAL (SELECT * FROM published_profiles WHERE tenant = $1 AND client = c.client LIMIT 1) p ON true;

-- name: claim_key
-- Whose is this key? The given client's, if it is nobody's yet; the row is locked until commit. Vouched for once, it stays so.
INSERT INTO identities (tenant, key_hash, client, is_vouched) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, key_hash) DO UPDATE SET is_vouched = identities.is_vouched OR excluded.is_vouched
RETURNING client, (xmax = 0) AS is_new;

-- name: give_key
-- Give a key, claimed in this transaction, to the client who turned out to be the same person. (SELECT $1): as above.
UPDATE identities SET client = $3 WHERE tenant = (SELECT $1) AND key_hash = $2;

-- name: drop_key
-- A key that was claimed in this transaction is nobody's after all.
DELETE FROM identities WHERE tenant = $1 AND key_hash = $2;

-- name: lock_profile
-- What was last published about this client, and what with the consents that they gave us since? The row is locked
-- until commit, and made when missing.
INSERT INTO published_profiles (tenant, client) VALUES ($1, $2)
ON CONFLICT (tenant, client) DO UPDATE SET client = excluded.client
RETURNING profile, CASE WHEN profile IS NOT NULL THEN wished_profile(profile, tenant, client) END AS wished,
          erased_at IS NOT NULL AS is_erased;

-- name: person_of
-- Under which id is this client known now? Asked after locking.
SELECT person_of($1, $2);

-- name: ids_of
-- Which ids does this person have, or had?
SELECT ids_of($1, $2) AS client ORDER BY 1;

-- name: record_profile
-- Remember what was published about this client.
UPDATE published_profiles SET profile = $3::jsonb, updated_at = now() WHERE tenant = $1 AND client = $2;

-- name: erase_profile
-- Forget everything about this client but that they were erased.
UPDATE published_profiles SET profile = NULL, erased_at = coalesce(erased_at, now()), updated_at = now()
WHERE tenant = $1 AND client = $2;

-- name: links_erased
-- The tombstones of this whole person were handed over.
UPDATE client_links SET erased_at = coalesce(erased_at, now()), lease_until = NULL
WHERE tenant = $1 AND client = ANY ($2::text[]);

-- name: add_poll
-- Make a source known to the schedule; one that is known keeps its cursor.
INSERT INTO polls (tenant, source, due_at) VALUES ($1, $2, $3) ON CONFLICT (tenant, source) DO NOTHING;

-- name: claim_poll
-- Is this source due at domain time $3, and held by nobody? Then hold it for $4.
UPDATE polls SET held_until = now() + $4::interval, fence = fence + 1, updated_at = now()
WHERE tenant = $1 AND source = $2 AND due_at <= $3 AND (held_until IS NULL OR held_until <= now())
RETURNING cursor, fence, failures;

-- name: poll_moved
-- A step of a poll is done: move the cursor and hold the source for another $5. No row: another worker has taken over.
UPDATE polls SET cursor = $4, held_until = now() + $5::interval, updated_at = now()
WHERE tenant = $1 AND source = $2 AND fence = $3
RETURNING true;

-- name: poll_succeeded
-- Move the cursor and the due time on, unless another worker has taken over meanwhile.
UPDATE polls SET cursor = $4, due_at = $5, held_until = NULL, failures = 0, updated_at = now()
WHERE tenant = $1 AND source = $2 AND fence = $3;

-- name: poll_failed
-- Leave the cursor where it is and hold the source for a back-off of $4.
UPDATE polls SET held_until = now() + $4::interval, failures = failures + 1, updated_at = now()
WHERE tenant = $1 AND source = $2 AND fence = $3;

-- name: end_back_off
-- What failed under this fence was mended: hold the source no more, unless another worker has taken over meanwhile.
UPDATE polls SET held_until = NULL, updated_at = now() WHERE tenant = $1 AND source = $2 AND fence = $3;

-- name: poll_due_at
-- When is this source due next, in domain time, and how long in real seconds is it still held?
SELECT due_at, greatest(extract(epoch FROM held_until - now()), 0)::float8 AS held_seconds
FROM polls WHERE tenant = $1 AND source = $2;

-- name: know_sources
-- Make these sources known from now on; one that is known stays as it is.
INSERT INTO source_health (tenant, source) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (tenant, source) DO NOTHING;

-- name: tell_health
-- Add what was heard of these sources since the last time. Another process may have told of something later.
INSERT INTO source_health AS h (tenant, source, heard_at, accepted_at, failed_at, failure, tried_at, trial_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::text[],
                     $7::timestamptz[], $8::text[])
ON CONFLICT (tenant, source) DO UPDATE SET
    heard_at = greatest(h.heard_at, excluded.heard_at),
    accepted_at = greatest(h.accepted_at, excluded.accepted_at),
    failed_at = greatest(h.failed_at, excluded.failed_at),
    failure = CASE WHEN excluded.failed_at >= coalesce(h.failed_at, '-infinity') THEN excluded.failure
                   ELSE h.failure END,
    tried_at = greatest(h.tried_at, excluded.tried_at),
    trial_id = CASE WHEN excluded.tried_at >= coalesce(h.tried_at, '-infinity') THEN excluded.trial_id
                   ELSE h.trial_id END;

-- name: tell_hours
-- Add to the counts of these hours.
INSERT INTO source_hours AS c (tenant, source, hour, accepted, failed)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[])
ON CONFLICT (tenant, source, hour) DO UPDATE SET
    accepted = c.accepted + excluded.accepted, failed = c.failed + excluded.failed;

-- name: forget_hours
-- Drop the counts of hours that nobody asks for any more.
DELETE FROM source_hours WHERE hour < now() - interval '8 days';

-- name: sources_health
-- How are these sources: last heard, counts of the last 24 hours, hooks kept for later, and the poll's due time?
SELECT s.tenant, s.source, h.known_at, h.heard_at, h.accepted_at, h.failed_at, h.failure, h.tried_at,
       coalesce(c.accepted, 0) AS accepted, coalesce(c.failed, 0) AS failed,
       coalesce(k.kept, 0) AS kept, p.due_at
FROM unnest($1::text[], $2::text[]) AS s(tenant, source)
LEFT JOIN source_health h USING (tenant, source)
LEFT JOIN polls p USING (tenant, source)
LEFT JOIN LATERAL (
    SELECT sum(x.accepted)::bigint AS accepted, sum(x.failed)::bigint AS failed FROM source_hours x
    WHERE x.tenant = s.tenant AND x.source = s.source AND x.hour > now() - interval '24 hours'
) c ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS kept FROM kept_hooks x WHERE x.tenant = s.tenant AND x.source = s.source
) k ON true
ORDER BY s.tenant, s.source;

-- name: trial_of_source
-- Which trial was heard last of this source?
SELECT trial_id FROM source_health WHERE tenant = $1 AND source = $2;

-- name: keep_hook
-- Keep a verified hook, sealed, until its tool can be asked. The same hook again is the same row, as new, and due as soon
-- as either: it may tell of a later change, so a worker that is at it must not drop the row. Of one source 10,000 are kept,
-- and what is among them may come again. $6 is the domain time of its receipt, NULL if that is not known; the latest counts.
INSERT INTO kept_hooks (tenant, source, body, body_hash, due_at, heard_at, is_sealed)
SELECT $1, $2, $3, $4, now() + $5::interval, $6::timestamptz, true
WHERE 10000 > (SELECT count(*) FROM (SELECT FROM kept_hooks WHERE tenant = $1 AND source = $2 LIMIT 10000) few)
   OR EXISTS (SELECT FROM kept_hooks WHERE tenant = $1 AND source = $2 AND body_hash = $4)
ON CONFLICT (tenant, source, body_hash) DO UPDATE SET
    created_at = now(), attempts = 0, due_at = least(kept_hooks.due_at, excluded.due_at),
    heard_at = greatest(excluded.heard_at, kept_hooks.heard_at);

-- name: due_sources
-- Of which sources are kept hooks due?
SELECT DISTINCT tenant, source FROM kept_hooks WHERE due_at <= now();

-- name: claim_hooks
-- Which kept hooks of this source are due, $4 at most? Each is held for $3, so that it is tried by one worker at a time.
UPDATE kept_hooks SET due_at = now() + $3::interval, attempts = attempts + 1
WHERE kept_id IN (
    SELECT kept_id FROM kept_hooks WHERE tenant = $1 AND source = $2 AND due_at <= now()
    ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED
)
RETURNING kept_id, tenant, source, body, is_sealed, attempts, created_at, heard_at;

-- name: put_hook_off
-- Try this kept hook again after a back-off of $2.
UPDATE kept_hooks SET due_at = now() + $2::interval WHERE kept_id = $1;

-- name: drop_hook
-- The kept hook is done, unless the same bytes came again after the tool was asked.
DELETE FROM kept_hooks WHERE kept_id = $1 AND created_at = $2;

-- name: heard_profile
-- What does the ledger hold of a client whose profiles somebody else publishes?
SELECT profile FROM clients WHERE tenant = $1 AND client = $2 AND erased_at IS NULL;

-- name: known_aliases
-- Of which sessions are these bookings known to be, and which ids did they give up?
SELECT session_id, given_up FROM session_aliases
WHERE tenant = $1 AND source = $2 AND alias_hash = ANY($3::bytea[]);

-- name: lock_aliases
-- Nobody else joins bookings of this source until commit.
SELECT pg_advisory_xact_lock(hashtextextended('session aliases ' || $1::text || '/' || $2::text, 0));

-- name: session_of_alias
-- Of which session is this booking known to be?
SELECT session_id FROM session_aliases WHERE tenant = $1 AND source = $2 AND alias_hash = $3;

-- name: add_alias
-- Remember of which session this booking is.
INSERT INTO session_aliases (tenant, source, alias_hash, session_id) VALUES ($1, $2, $3, $4);

-- name: join_sessions
-- Two sessions turned out to be one: what was of $3 is of $4, and remembers the id that it gave up.
UPDATE session_aliases SET session_id = $4, given_up = given_up || $3::text
WHERE tenant = $1 AND source = $2 AND session_id = $3;

-- name: note_tag
-- What is the last that was said of this contact's tag, this change included? An earlier change moves nothing, nor
-- where changes are confirmed ($7) the adding of a tag that stands.
INSERT INTO tag_changes AS known (tenant, source, tag_key, added_id, added_at, removed_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant, source, tag_key) DO UPDATE SET
    (added_id, added_at) = (
        SELECT CASE WHEN is_news THEN excluded.added_id ELSE known.added_id END,
               CASE WHEN is_news THEN excluded.added_at ELSE known.added_at END
        FROM (SELECT known.added_at IS NULL OR (
                  excluded.added_at > known.added_at
                  AND NOT ($7::boolean AND coalesce(known.removed_at < known.added_at, true))
              ) AS is_news) change
    ),
    removed_at = greatest(known.removed_at, excluded.removed_at)
RETURNING added_id, added_at, removed_at;

-- name: remembered_objects
-- What was last admitted of these objects by a re-read?
SELECT object_id, digest, starts_at FROM rereads
WHERE tenant = $1 AND source = $2 AND object_id = ANY($3::text[]);

-- name: remember_objects
-- Remember what was admitted of these objects, each named once.
INSERT INTO rereads (tenant, source, object_id, digest, starts_at)
SELECT $1, $2, new.object_id, new.digest, new.starts_at
FROM unnest($3::text[], $4::bytea[], $5::timestamptz[]) AS new (object_id, digest, starts_at)
ON CONFLICT (tenant, source, object_id) DO UPDATE SET digest = excluded.digest, starts_at = excluded.starts_at;

-- name: forget_objects
-- Forget what began before $3: no re-read reaches so far back.
DELETE FROM rereads WHERE tenant = $1 AND source = $2 AND starts_at < $3;

-- name: claim_keys
-- Whose are these keys? Each the given client's, if it is nobody's yet; claimed in the order given, locked until commit,
-- and vouched for by who imports them.
INSERT INTO identities (tenant, key_hash, client)
SELECT $1, n.key_hash, n.client FROM unnest($2::bytea[], $3::text[]) WITH ORDINALITY AS n (key_hash, client, place)
ORDER BY n.place
ON CONFLICT (tenant, key_hash) DO UPDATE SET is_vouched = true
RETURNING key_hash, client, (xmax = 0) AS is_new;

-- name: lock_profiles
-- What was last published about these clients, and what does the ledger hold of those about whom nothing was? The rows
-- are locked until commit in the order of the clients' ids, and made when missing.
INSERT INTO published_profiles (tenant, client)
SELECT $1, n.client FROM unnest($2::text[]) AS n (client) ORDER BY n.client
ON CONFLICT (tenant, client) DO UPDATE SET client = excluded.client
RETURNING client, CASE WHEN profile IS NOT NULL THEN wished_profile(profile, tenant, client) END AS wished,
          erased_at IS NOT NULL AS is_erased;

-- name: heard_profiles
-- What does the ledger hold of these clients, whose profiles somebody else may publish, and who of them was erased?
SELECT client, profile, erased_at IS NOT NULL AS is_erased FROM clients WHERE tenant = $1 AND client = ANY($2::text[]);

-- name: record_profiles
-- Remember what was published about these clients; their rows are there and locked, and so are found by their keys.
INSERT INTO published_profiles (tenant, client, profile)
SELECT $1, n.client, n.profile::jsonb FROM unnest($2::text[], $3::text[]) AS n (client, profile)
ON CONFLICT (tenant, client) DO UPDATE SET profile = excluded.profile, updated_at = now();

-- name: moved_people
-- Which of these clients were linked to another one, and to whom?
SELECT client, into_client FROM client_links WHERE tenant = $1 AND client = ANY($2::text[]);
