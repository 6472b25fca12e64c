-- Clients: the one table with contact data, and what they decided about channels.

-- name: meet_clients
-- A client of whom only events were heard gets a row, so that it can be locked.
INSERT INTO clients (tenant, client)
SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS met (tenant, client) ORDER BY 1, 2
ON CONFLICT DO NOTHING;

-- name: share_clients
-- Nobody may erase or suppress these clients until we commit; in one order, so that no two lock crosswise.
SELECT FROM clients
WHERE (tenant, client) IN (SELECT * FROM unnest($1::text[], $2::text[]))
ORDER BY tenant, client FOR SHARE;

-- name: lock_client
-- One change about this client at a time. Is the client erased?
SELECT erased_at IS NOT NULL FROM clients WHERE tenant = $1 AND client = $2 FOR NO KEY UPDATE;

-- name: person_of
-- Under which id is this client known now?
SELECT person_of($1, $2);

-- name: ids_of
-- Which ids does this person have, or had? In the order in which clients are locked.
SELECT ids_of($1, $2) AS client ORDER BY 1;

-- name: clients_to_plan_for
-- What decides about these clients? Asked after locking, so that it sees what was committed before.
SELECT c.tenant, c.client, wished_profile(c.profile, c.tenant, c.client) AS profile,
       c.erased_at IS NOT NULL AS erased,
       s.answer, s.reason AS suppression_reason, s.until, l.linked_at,
       ARRAY(SELECT o.channel FROM opt_outs o
             WHERE o.tenant = c.tenant AND o.client = c.client AND o.returned_at IS NULL) AS opted_out
FROM clients c
LEFT JOIN client_links l ON l.tenant = c.tenant AND l.client = c.client
LEFT JOIN suppressions s ON s.tenant = c.tenant AND s.client = c.client AND s.lifted_at IS NULL
WHERE (c.tenant, c.client) IN (SELECT * FROM unnest($1::text[], $2::text[]));

-- name: upsert_profiles
-- The newest profile wins; an erased client stays erased.
INSERT INTO clients (tenant, client, profile, source_offset)
SELECT r.tenant, r.client, r.profile, r.source_offset
FROM jsonb_to_recordset($1::text::jsonb) AS r (tenant text, client text, profile jsonb, source_offset bigint)
ORDER BY 1, 2
ON CONFLICT (tenant, client) DO UPDATE
SET profile = EXCLUDED.profile, source_offset = EXCLUDED.source_offset, updated_at = now()
WHERE clients.source_offset < EXCLUDED.source_offset AND clients.erased_at IS NULL;

-- name: has_moved_on
-- Was anything newer than this offset heard of the client, or was the client erased?
SELECT EXISTS (SELECT FROM clients
               WHERE tenant = $1 AND client = $2 AND (source_offset > $3 OR erased_at IS NOT NULL));

-- name: erase_client
-- The profile goes for good; the row stays, so that nothing brings the client back.
INSERT INTO clients (tenant, client, source_offset, erased_at)
VALUES ($1, $2, $3, now())
ON CONFLICT (tenant, client) DO UPDATE
SET profile = NULL, source_offset = greatest(clients.source_offset, EXCLUDED.source_offset),
    erased_at = coalesce(clients.erased_at, now()), updated_at = now();

-- name: erase_inbox
-- The messages that an erased client could read are gone.
DELETE FROM inbox WHERE tenant = $1 AND client = $2;

-- name: keep_sending
-- Who says meanwhile what became of a message that is on its way is waited for, or sees the erasure.
SELECT FROM deliveries
WHERE tenant = $1 AND client = $2 AND state = 'sending' ORDER BY delivery_id FOR NO KEY UPDATE;

-- name: erase_deliveries
-- Nothing more goes to an erased client; what has left stays recorded without its words.
UPDATE deliveries SET state = CASE WHEN EXISTS (SELECT FROM money y WHERE y.delivery_id = deliveries.delivery_id AND y.in_doubt) THEN 'unknown' ELSE 'skipped' END,
       reason = CASE WHEN EXISTS (SELECT FROM money y WHERE y.delivery_id = deliveries.delivery_id AND y.in_doubt) THEN 'lost_in_sending' ELSE 'erased' END, fence = fence + 1, lease_until = NULL, finished_at = now()
WHERE tenant = $1 AND client = $2 AND state IN ('pending', 'deferred', 'held');

-- name: erase_tasks
-- Nobody is asked to write to an erased client, and what was asked says nothing about them any more.
UPDATE coach_tasks SET summary = 'erased', state = CASE state WHEN 'open' THEN 'dropped' ELSE state END,
       closed_at = coalesce(closed_at, now()), closed_by = coalesce(closed_by, 'erasure')
WHERE tenant = $1 AND client = $2;

-- name: erase_words
-- What people wrote about an erased client in their own words is gone; that they decided, and when, stays.
WITH resolved AS (
    UPDATE deliveries SET resolved_why = NULL WHERE tenant = $1 AND client = $2 AND resolved_why IS NOT NULL
)
UPDATE suppressions SET reason = 'erased' WHERE tenant = $1 AND client = $2;

-- name: erase_facts
-- What a client reached keeps its rule and its time; the facts, such as the title of a goal, are gone.
UPDATE milestones SET record = record - 'facts', updated_at = now() WHERE tenant = $1 AND client = $2;

-- name: erase_wishes
-- Nobody is left whose consents they were. Channels that were left stay left.
WITH history AS (DELETE FROM consent_history WHERE tenant = $1 AND client = $2)
DELETE FROM consent_wishes WHERE tenant = $1 AND client = $2;

-- name: erase_approvals
-- Nobody decides about an erased client any more, and what was approved or said is forgotten.
UPDATE approvals SET words = NULL, note = NULL, state = CASE state WHEN 'open' THEN 'closed' ELSE state END,
       reason = CASE state WHEN 'open' THEN 'erased' ELSE reason END
WHERE tenant = $1 AND client = $2;

-- name: erase_published
-- The copy that the intake joins facts to is gone, and no tool brings the client back.
INSERT INTO published_profiles (tenant, client, erased_at) VALUES ($1, $2, now())
ON CONFLICT (tenant, client) DO UPDATE
SET profile = NULL, erased_at = coalesce(published_profiles.erased_at, now()), updated_at = now();

-- name: erase_referrals
-- No code leads to the client any more.
DELETE FROM referrals WHERE tenant = $1 AND client = $2;
-- name: erase_decisions
-- What was said about an erased client beside the reason goes, with the salt that hides it; its seal stays.
UPDATE decisions SET detail = NULL, salt = NULL WHERE tenant = $1 AND client = $2 AND salt IS NOT NULL;

-- name: erase_refused
-- What was refused of an erased client, with its facts, is not applied any more.
DELETE FROM refused_records WHERE key = convert_to($1 || '/' || $2, 'UTF8');

-- name: erase_renewals
-- When an erased client renewed is nobody's business any more.
DELETE FROM renewals WHERE tenant = $1 AND client = $2;

-- name: clients_by_phone
-- Whose number is this?
SELECT client FROM clients WHERE tenant = $1 AND profile ? 'phone' AND profile ->> 'phone' = $2 ORDER BY client;

-- name: opt_out
-- The client leaves a channel; a second time changes nothing. Returns a row when it is news.
INSERT INTO opt_outs (tenant, client, channel, source, author)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, client, channel) DO UPDATE
SET source = EXCLUDED.source, author = EXCLUDED.author, opted_out_at = now(), returned_at = NULL, return_source = NULL
WHERE opt_outs.returned_at IS NOT NULL
RETURNING channel;

-- name: ask_again
-- A message that was asked about just now and has not left is asked about once more.
UPDATE deliveries SET fence = fence + 1, lease_until = NULL
WHERE tenant = $1 AND client = $2 AND channel = $3 AND state IN ('pending', 'deferred');

-- name: opt_in
-- The client comes back to a channel. Returns a row when it had left.
UPDATE opt_outs SET returned_at = now(), return_source = $4, author = $5
WHERE tenant = $1 AND client = $2 AND channel = $3 AND returned_at IS NULL
RETURNING channel;

-- name: has_opted_out
-- Has the client left this channel?
SELECT EXISTS (SELECT FROM opt_outs
               WHERE tenant = $1 AND client = person_of($1, $2) AND channel = $3 AND returned_at IS NULL);
