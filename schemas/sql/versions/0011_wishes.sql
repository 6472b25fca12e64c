-- Wishes: what providers tell comes back into the ledger; what people want holds at once, with its history.

ALTER TABLE deliveries
    ADD COLUMN resends      int NOT NULL DEFAULT 0 CHECK (resends >= 0),
    ADD COLUMN resolved_at  timestamptz,
    ADD COLUMN resolved_by  text,
    ADD COLUMN resolved_why text;
COMMENT ON COLUMN deliveries.resends IS 'How often an unknown one was sent once more, by a person or by the tenant''s policy.';
COMMENT ON COLUMN deliveries.resolved_by IS 'Who decided last about an unknown one: a person, or policy.';
COMMENT ON COLUMN deliveries.resolved_why IS 'In that person''s words; erasure empties it.';
CREATE INDEX deliveries_by_provider_id ON deliveries (provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX deliveries_unknown ON deliveries (finished_at) WHERE state = 'unknown';

CREATE TABLE provider_events (
    tenant    text  NOT NULL,
    provider  text  NOT NULL,
    key_hash  bytea NOT NULL CHECK (octet_length(key_hash) = 32),
    body_hash bytea CHECK (octet_length(body_hash) = 32),
    heard_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, provider, key_hash)
);
CREATE INDEX provider_events_by_age ON provider_events (heard_at);
COMMENT ON TABLE provider_events IS 'What providers have told already, by hashes alone; rows go after 30 days, longer than any of them repeats itself. body_hash: a one-time token, and the only bytes that it is good for.';

ALTER TABLE opt_outs
    ADD COLUMN author        text NOT NULL DEFAULT 'client',
    ADD COLUMN return_source text;
COMMENT ON COLUMN opt_outs.author IS 'Who said so last: the client, or the provider that told of it.';
COMMENT ON COLUMN opt_outs.return_source IS 'By which way the client came back.';

CREATE TABLE consent_wishes (
    tenant    text NOT NULL,
    client    text NOT NULL,
    kind      text NOT NULL,
    granted   boolean NOT NULL,
    source    text NOT NULL CHECK (source <> ''),
    author    text NOT NULL CHECK (author <> ''),
    wished_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, client, kind)
);
COMMENT ON TABLE consent_wishes IS 'Consents as clients gave or withdrew them with us. They hold from their commit on, while the profile that says the same is on its way through Kafka; of both, the later one counts.';

CREATE FUNCTION wished_profile(known jsonb, of_tenant text, of_client text) RETURNS jsonb LANGUAGE sql STABLE AS $$
SELECT CASE WHEN w.newer IS NULL THEN known
       ELSE jsonb_set(coalesce(known, '{}'), '{consents}', coalesce(known -> 'consents', '{}') || w.newer) END
FROM (SELECT jsonb_object_agg(kind, jsonb_build_object('granted', granted, 'source', source, 'at', wished_at)) AS newer
      FROM consent_wishes
      WHERE tenant = of_tenant AND client = of_client
        AND wished_at > coalesce((known -> 'consents' -> kind ->> 'at')::timestamptz, '-infinity')) w
$$;
COMMENT ON FUNCTION wished_profile IS 'A profile with the consents that count: the profile''s own, or what the client has told us since.';

CREATE TABLE consent_history (
    entry_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant     text NOT NULL,
    client     text NOT NULL,
    about      text NOT NULL CHECK (about IN ('consent', 'channel')),
    name       text NOT NULL,
    granted    boolean,
    source     text NOT NULL,
    author     text NOT NULL,
    given_at   timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant, client, about, name, given_at, granted)
);
COMMENT ON TABLE consent_history IS 'Append-only: each change of a consent or channel, where it came from, and who said so. granted NULL: nothing is recorded any more. Erasure alone deletes.';

CREATE FUNCTION keep_consent_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM clients c WHERE c.tenant = OLD.tenant AND c.client = OLD.client
                                    AND c.erased_at IS NOT NULL) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'consent_history is append-only: write a new row that corrects the old one'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER consent_history_is_kept BEFORE UPDATE OR DELETE ON consent_history
    FOR EACH ROW EXECUTE FUNCTION keep_consent_history();
CREATE TRIGGER consent_history_is_not_emptied BEFORE TRUNCATE ON consent_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE FUNCTION note_consent(
    of_tenant text, of_client text, what text, named text, now_granted boolean, from_source text, said_by text,
    said_at timestamptz
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO consent_history (tenant, client, about, name, granted, source, author, given_at)
    SELECT of_tenant, of_client, what, named, now_granted, from_source, said_by, said_at
    WHERE now_granted IS DISTINCT FROM (SELECT h.granted FROM consent_history h
                                        WHERE h.tenant = of_tenant AND h.client = of_client AND h.about = what
                                          AND h.name = named ORDER BY h.entry_id DESC LIMIT 1)
    ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION note_consent IS 'One more entry, if it says something else than the last one.';

CREATE FUNCTION note_profile_consents() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP = 'UPDATE' THEN OLD.profile END;
BEGIN
    PERFORM note_consent(NEW.tenant, NEW.client, 'consent', said.kind, (said.one ->> 'granted')::boolean,
                         said.one ->> 'source', 'profile', (said.one ->> 'at')::timestamptz)
       FROM jsonb_each(coalesce(NEW.profile -> 'consents', '{}')) AS said (kind, one)
      WHERE said.one IS DISTINCT FROM before -> 'consents' -> said.kind
        AND NOT EXISTS (SELECT FROM consent_wishes w  -- what the client has told us since counts
                        WHERE w.tenant = NEW.tenant AND w.client = NEW.client AND w.kind = said.kind
                          AND w.wished_at > (said.one ->> 'at')::timestamptz);
    PERFORM note_consent(NEW.tenant, NEW.client, 'consent', gone.kind, NULL, 'profile', 'profile', now())
       FROM jsonb_object_keys(coalesce(before -> 'consents', '{}')) AS gone (kind)
      WHERE NOT coalesce(NEW.profile -> 'consents', '{}') ? gone.kind;
    PERFORM note_consent(NEW.tenant, NEW.client, 'channel', said.channel, said.wanted::boolean,
                         'profile', 'profile', now())
       FROM jsonb_each_text(coalesce(NEW.profile -> 'channels', '{}')) AS said (channel, wanted)
      WHERE said.wanted IS DISTINCT FROM before -> 'channels' ->> said.channel;
    RETURN NULL;
END $$;
CREATE TRIGGER first_consents_are_noted AFTER INSERT ON clients
    FOR EACH ROW WHEN (NEW.profile ?| ARRAY['consents', 'channels']) EXECUTE FUNCTION note_profile_consents();
CREATE TRIGGER changed_consents_are_noted AFTER UPDATE OF profile ON clients
    FOR EACH ROW WHEN (NEW.profile IS NOT NULL AND (
        NEW.profile -> 'consents' IS DISTINCT FROM OLD.profile -> 'consents'
        OR NEW.profile -> 'channels' IS DISTINCT FROM OLD.profile -> 'channels'))
    EXECUTE FUNCTION note_profile_consents();

CREATE FUNCTION note_wish() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_consent(NEW.tenant, NEW.client, 'consent', NEW.kind, NEW.granted, NEW.source, NEW.author, NEW.wished_at);
    RETURN NULL;
END $$;
CREATE TRIGGER wishes_are_noted AFTER INSERT OR UPDATE ON consent_wishes
    FOR EACH ROW EXECUTE FUNCTION note_wish();

CREATE FUNCTION note_opt_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_consent(NEW.tenant, NEW.client, 'channel', NEW.channel, NEW.returned_at IS NOT NULL,
                         CASE WHEN NEW.returned_at IS NULL THEN NEW.source ELSE coalesce(NEW.return_source, 'page') END,
                         NEW.author, coalesce(NEW.returned_at, NEW.opted_out_at));
    RETURN NULL;
END $$;
CREATE TRIGGER opt_outs_are_noted AFTER INSERT OR UPDATE ON opt_outs
    FOR EACH ROW EXECUTE FUNCTION note_opt_out();

-- What is known already begins the history of those who were met before there was one.
INSERT INTO consent_history (tenant, client, about, name, granted, source, author, given_at)
SELECT tenant, client, about, name, granted, source, author, given_at
FROM (
    SELECT k.tenant, k.client, 'consent' AS about, said.kind AS name, (said.one ->> 'granted')::boolean AS granted,
           said.one ->> 'source' AS source, 'profile' AS author, (said.one ->> 'at')::timestamptz AS given_at
    FROM clients k, jsonb_each(k.profile -> 'consents') AS said (kind, one)
    UNION ALL
    SELECT k.tenant, k.client, 'channel', said.channel, said.wanted::boolean, 'profile', 'profile', k.updated_at
    FROM clients k, jsonb_each_text(k.profile -> 'channels') AS said (channel, wanted)
    UNION ALL
    SELECT o.tenant, o.client, 'channel', o.channel, word.granted, word.source, o.author, word.given_at
    FROM opt_outs o
    CROSS JOIN LATERAL (VALUES (false, o.source, o.opted_out_at), (true, 'page', o.returned_at))
        AS word (granted, source, given_at)
    WHERE word.given_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM clients k WHERE k.tenant = o.tenant AND k.client = o.client AND k.erased_at IS NOT NULL)
) known
ORDER BY given_at, about, name
ON CONFLICT DO NOTHING;
