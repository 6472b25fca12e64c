-- Links: two clients become one person, and what the linked one has is carried over.

-- name: person_of
-- Under which id is this client known now?
SELECT person_of($1, $2);

-- name: is_known
-- Has anything been heard of this client?
SELECT EXISTS (SELECT FROM clients WHERE tenant = $1 AND client = $2)
    OR EXISTS (SELECT FROM published_profiles WHERE tenant = $1 AND client = $2)
    OR EXISTS (SELECT FROM identities WHERE tenant = $1 AND client = $2)
    OR EXISTS (SELECT FROM client_links WHERE tenant = $1 AND client = $2);

-- name: profiles
-- What was published, or else heard, of these clients, with what they have told us since? Asked after locking.
SELECT asked.client, coalesce(p.profile, k.profile) AS profile,
       wished_profile(coalesce(p.profile, k.profile), $1, asked.client) AS wished
FROM unnest($2::text[]) AS asked (client)
LEFT JOIN published_profiles p ON p.tenant = $1 AND p.client = asked.client
LEFT JOIN clients k ON k.tenant = $1 AND k.client = asked.client;

-- name: is_erased
-- Was this client erased, by whatever way?
SELECT EXISTS (SELECT FROM clients WHERE tenant = $1 AND client = $2 AND erased_at IS NOT NULL)
    OR EXISTS (SELECT FROM published_profiles WHERE tenant = $1 AND client = $2 AND erased_at IS NOT NULL);

-- name: add_link
-- From now on the client is the other one. Later than all of which a milestone was planned, on the broker's clock.
INSERT INTO client_links (tenant, client, into_client, author, linked_at)
SELECT $1, $2, $3, $4,
       greatest(date_trunc('milliseconds', clock_timestamp()),
                (SELECT max(heard_at) + interval '1 millisecond' FROM milestones WHERE tenant = $1 AND client = $2))
RETURNING linked_at;

-- name: follow_on
-- Who was linked to the client is linked to whom the client is linked to. How many?
WITH moved AS (
    UPDATE client_links SET into_client = $3 WHERE tenant = $1 AND into_client = $2 RETURNING client
) SELECT count(*) FROM moved;

-- name: move_keys
-- Every tool's id and every address of the client means the other one. How many?
WITH moved AS (
    UPDATE identities SET client = $3 WHERE tenant = $1 AND client = $2 RETURNING key_hash
) SELECT count(*) FROM moved;

-- name: carry_consents
-- What these linked clients said last of a kind counts, where it is later than what the other one said; of two at one
-- instant the withdrawal, which is made to be the later.
INSERT INTO consent_wishes (tenant, client, kind, granted, source, author, wished_at)
SELECT DISTINCT ON (l.tenant, l.into_client, said.kind) l.tenant, l.into_client, said.kind, said.granted, said.source,
       said.author, said.at + CASE WHEN said.at = theirs.at THEN interval '1 microsecond' ELSE interval '0' END
FROM unnest($1::text[], $2::text[]) AS asked (tenant, client)
JOIN client_links l ON l.tenant = asked.tenant AND l.client = asked.client AND l.erased_at IS NULL
CROSS JOIN LATERAL newest_consents(l.tenant, l.client) said
LEFT JOIN LATERAL (SELECT n.granted, n.at FROM newest_consents(l.tenant, l.into_client) n WHERE n.kind = said.kind) theirs
    ON true
WHERE (theirs.at IS NULL OR said.at > theirs.at OR (said.at = theirs.at AND theirs.granted AND NOT said.granted))
  AND NOT EXISTS (SELECT FROM clients k WHERE k.tenant = l.tenant AND k.client = l.into_client AND k.erased_at IS NOT NULL)
ORDER BY l.tenant, l.into_client, said.kind, said.at DESC, said.granted
ON CONFLICT (tenant, client, kind) DO UPDATE
SET granted = EXCLUDED.granted, source = EXCLUDED.source, author = EXCLUDED.author, wished_at = EXCLUDED.wished_at
RETURNING kind;

-- name: carry_channels
-- A channel that these linked clients have left is left by the other one too, whatever that one said of it.
INSERT INTO opt_outs (tenant, client, channel, source, author, opted_out_at)
SELECT DISTINCT ON (l.tenant, l.into_client, said.channel) l.tenant, l.into_client, said.channel, said.source,
       said.author, said.at
FROM unnest($1::text[], $2::text[]) AS asked (tenant, client)
JOIN client_links l ON l.tenant = asked.tenant AND l.client = asked.client AND l.erased_at IS NULL
CROSS JOIN LATERAL (
    SELECT o.channel, o.source, o.author, o.opted_out_at AS at FROM opt_outs o
    WHERE o.tenant = l.tenant AND o.client = l.client AND o.returned_at IS NULL
    UNION ALL
    SELECT one.key, 'profile', 'profile', now()
    FROM (SELECT k.profile FROM clients k WHERE k.tenant = l.tenant AND k.client = l.client
          UNION ALL
          SELECT p.profile FROM published_profiles p WHERE p.tenant = l.tenant AND p.client = l.client) known,
         jsonb_each_text(coalesce(known.profile -> 'channels', '{}')) AS one
    WHERE NOT one.value::boolean
) said
ORDER BY l.tenant, l.into_client, said.channel, said.at
ON CONFLICT (tenant, client, channel) DO UPDATE
SET source = EXCLUDED.source, author = EXCLUDED.author, opted_out_at = EXCLUDED.opted_out_at, returned_at = NULL,
    return_source = NULL
WHERE opt_outs.returned_at IS NOT NULL
RETURNING channel;

-- name: suppressions_of
-- What holds either of these two back now?
SELECT client, answer, reason, author, until FROM suppressions
WHERE tenant = $1 AND client = ANY ($2::text[]) AND lifted_at IS NULL AND (until IS NULL OR until > $3);

-- name: ask_all_again
-- What waits for the client is asked about once more before it leaves.
UPDATE deliveries SET fence = fence + 1, lease_until = NULL
WHERE tenant = $1 AND client = $2 AND state IN ('pending', 'deferred');

-- name: links
-- Who is linked to whom, and how far is it? Of one tenant, or of all; of one person, or of all.
SELECT tenant, client, into_client, author, linked_at, resent, caught_up_at, erased_at FROM client_links
WHERE ($1::text IS NULL OR tenant = $1) AND ($2::text IS NULL OR $2 IN (client, into_client))
ORDER BY linked_at DESC, tenant, client LIMIT $3;

-- name: claim_links
-- Which links are followed by nobody? Each is held for $1; $2 and $3 name a person, or are null for all.
UPDATE client_links SET lease_until = clock_timestamp() + $1::interval, fence = fence + 1
WHERE (tenant, client) IN (
    SELECT tenant, client FROM client_links
    WHERE erased_at IS NULL AND (lease_until IS NULL OR lease_until <= clock_timestamp())
      AND ($2::text IS NULL OR (tenant = $2 AND into_client = $3))
    ORDER BY tenant, client FOR UPDATE SKIP LOCKED
)
RETURNING tenant, client, into_client, linked_at, next_offset, resent, fence;

-- name: move_on
-- So far it was read, and so many were sent again; no row if somebody else has taken over, or somebody was linked on.
UPDATE client_links SET next_offset = $5, resent = resent + $6, lease_until = clock_timestamp() + $7::interval
WHERE tenant = $1 AND client = $2 AND fence = $3 AND into_client = $4 AND erased_at IS NULL
RETURNING resent;

-- name: let_go
-- It is free for whoever looks next; $5 says whether all was read to its end.
UPDATE client_links
SET lease_until = NULL, caught_up_at = CASE WHEN $5 AND into_client = $4 THEN now() ELSE caught_up_at END
WHERE tenant = $1 AND client = $2 AND fence = $3;

-- name: half_erased
-- Of which people was one id erased, and the tombstones of all of them not handed over yet?
SELECT DISTINCT l.tenant, l.into_client AS client FROM client_links l
WHERE l.erased_at IS NULL
  AND EXISTS (SELECT FROM clients k WHERE k.tenant = l.tenant AND k.client IN (l.client, l.into_client)
              AND k.erased_at IS NOT NULL
              UNION ALL
              SELECT FROM published_profiles p WHERE p.tenant = l.tenant AND p.client IN (l.client, l.into_client)
              AND p.erased_at IS NOT NULL);
