-- Links: two clients who are one person. What comes under the linked id counts for the other one.

CREATE TABLE client_links (
    tenant        text NOT NULL,
    client        text NOT NULL,
    into_client   text NOT NULL,
    author        text NOT NULL CHECK (author <> ''),
    linked_at     timestamptz NOT NULL,
    next_offset   bigint NOT NULL DEFAULT 0 CHECK (next_offset >= 0),
    resent        bigint NOT NULL DEFAULT 0 CHECK (resent >= 0),
    caught_up_at  timestamptz,
    fence         bigint NOT NULL DEFAULT 0,
    lease_until   timestamptz,
    erased_at     timestamptz,
    PRIMARY KEY (tenant, client),
    CHECK (client <> into_client)
);
CREATE INDEX client_links_into ON client_links (tenant, into_client);
COMMENT ON TABLE client_links IS 'Redirects: client is the same person as into_client, which is never a redirect itself. Rows stay after erasure, so that nobody returns.';
COMMENT ON COLUMN client_links.linked_at IS 'Real time, later than every event whose milestone was planned for the linked id. What was appended before is sent again in silence, what comes later as it is.';
COMMENT ON COLUMN client_links.next_offset IS 'How far the linked id''s partition of coaching.events.v1 was read; a fence keeps a worker whose lease is over from moving it.';
COMMENT ON COLUMN client_links.erased_at IS 'When the tombstones of the whole person were handed over.';

CREATE FUNCTION person_of(of_tenant text, of_client text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT l.into_client FROM client_links l WHERE l.tenant = of_tenant AND l.client = of_client), of_client)
$$;
COMMENT ON FUNCTION person_of IS 'The id under which a client is known now.';

CREATE FUNCTION ids_of(of_tenant text, of_client text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT person_of(of_tenant, of_client)
    UNION ALL
    SELECT l.client FROM client_links l WHERE l.tenant = of_tenant AND l.into_client = person_of(of_tenant, of_client)
$$;
COMMENT ON FUNCTION ids_of IS 'Every id that this person has or had.';

CREATE FUNCTION newest_consents(of_tenant text, of_client text) RETURNS TABLE (
    kind text, granted boolean, source text, author text, at timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (said.kind) said.kind, said.granted, said.source, said.author, said.at
    FROM (
        SELECT one.key AS kind, (one.value ->> 'granted')::boolean AS granted, one.value ->> 'source' AS source,
               'profile' AS author, (one.value ->> 'at')::timestamptz AS at
        FROM (SELECT k.profile FROM clients k WHERE k.tenant = of_tenant AND k.client = of_client
              UNION ALL
              SELECT p.profile FROM published_profiles p WHERE p.tenant = of_tenant AND p.client = of_client) known,
             jsonb_each(coalesce(known.profile -> 'consents', '{}')) AS one
        UNION ALL
        SELECT w.kind, w.granted, w.source, w.author, w.wished_at FROM consent_wishes w
        WHERE w.tenant = of_tenant AND w.client = of_client
    ) said
    ORDER BY said.kind, said.at DESC, said.granted
$$;
COMMENT ON FUNCTION newest_consents IS 'What was said last of each kind, by whatever way; of two at one instant the withdrawal.';

ALTER TABLE identities ADD COLUMN is_vouched boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN identities.is_vouched IS 'Whether a source that signs, or that we asked, has named this key.';
