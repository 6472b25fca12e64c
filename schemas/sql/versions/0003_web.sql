-- The web: who may administer. Keys are 256 random bits; only their SHA-256 is kept.

CREATE TABLE api_keys (
    key_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_hash     bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
    tenant       text,
    name         text NOT NULL CHECK (name <> ''),
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz
);
COMMENT ON TABLE api_keys IS 'Keys of the administration API. tenant NULL means every tenant; name signs what is done with the key.';

-- Who listens to a client's inbox hears of each new item; the payload holds no content.
CREATE FUNCTION announce_inbox_items() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cairn_inbox', reader.key)
       FROM (SELECT DISTINCT tenant || '/' || client AS key FROM new_items) AS reader;
    RETURN NULL;
END $$;
CREATE TRIGGER inbox_items_are_announced AFTER INSERT ON inbox
    REFERENCING NEW TABLE AS new_items FOR EACH STATEMENT EXECUTE FUNCTION announce_inbox_items();
