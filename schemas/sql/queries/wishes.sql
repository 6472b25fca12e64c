-- Wishes: what people want, as it counts now and as it came about.

-- name: wishes
-- What counts for this client? The profile that was published last knows their wishes first.
SELECT c.erased_at IS NOT NULL OR p.erased_at IS NOT NULL AS erased,
       wished_profile(coalesce(p.profile, c.profile), asked.tenant, asked.client) AS profile,
       ARRAY(SELECT o.channel FROM opt_outs o
             WHERE o.tenant = asked.tenant AND o.client = asked.client AND o.returned_at IS NULL) AS opted_out
FROM (SELECT $1::text AS tenant, person_of($1, $2) AS client) asked
LEFT JOIN clients c ON c.tenant = asked.tenant AND c.client = asked.client
LEFT JOIN published_profiles p ON p.tenant = asked.tenant AND p.client = asked.client;

-- name: history
-- How did it come about, under every id of the person? Newest first. That a linked id's profile was emptied says nothing.
SELECT h.about, h.name, h.granted, h.source, h.author, h.given_at AS at
FROM consent_history h LEFT JOIN client_links l ON l.tenant = h.tenant AND l.client = h.client
WHERE h.tenant = $1 AND h.client IN (SELECT ids_of($1, $2))
  AND (l.client IS NULL OR h.granted IS NOT NULL OR h.given_at < l.linked_at)
ORDER BY h.entry_id DESC LIMIT $3;

-- name: is_erased
-- Is the client erased?
SELECT erased_at IS NOT NULL FROM clients WHERE tenant = $1 AND client = $2;

-- name: wish_consent
-- The client says so from now on, after whatever was said before. Returns when, if it is news.
INSERT INTO consent_wishes AS w (tenant, client, kind, granted, source, author, wished_at)
SELECT $1::text, $2::text, $3::text, $4::boolean, $5::text, $6::text,
       greatest($7::timestamptz, (counting.said ->> 'at')::timestamptz + interval '1 microsecond')
FROM (SELECT wished_profile(
          (SELECT coalesce(p.profile, c.profile) FROM clients c LEFT JOIN published_profiles p USING (tenant, client)
           WHERE c.tenant = $1 AND c.client = $2), $1, $2) -> 'consents' -> $3 AS said) counting
WHERE (counting.said ->> 'granted')::boolean IS DISTINCT FROM $4
ON CONFLICT (tenant, client, kind) DO UPDATE
SET granted = EXCLUDED.granted, source = EXCLUDED.source, author = EXCLUDED.author, wished_at = EXCLUDED.wished_at
RETURNING wished_at;
