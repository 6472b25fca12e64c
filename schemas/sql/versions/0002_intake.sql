-- The intake: who a client is in each tool, what is polled when, and hooks kept for later.
-- Columns named due_at are domain time (scaled in the demo); every other time is real.

CREATE TABLE identities (
    tenant     text  NOT NULL,
    key_hash   bytea NOT NULL CHECK (octet_length(key_hash) = 32),
    client     text  NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, key_hash)
);
CREATE INDEX identities_of_client ON identities (tenant, client);
COMMENT ON TABLE identities IS 'Which client an id or e-mail address of a tool means. key_hash is a keyed hash of either, so the table names nobody; rows stay after erasure, so that nobody returns.';

CREATE TABLE published_profiles (
    tenant     text NOT NULL,
    client     text NOT NULL,
    profile    jsonb,
    erased_at  timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, client),
    CHECK (erased_at IS NULL OR profile IS NULL)
);
COMMENT ON TABLE published_profiles IS 'Contact data: the profile last produced to coaching.clients.v1, to which the next fact is joined. Its row is the lock under which a client''s profiles are produced in order. Erasure empties it.';

CREATE TABLE polls (
    tenant      text NOT NULL,
    source      text NOT NULL,
    cursor      text,
    due_at      timestamptz NOT NULL,
    held_until  timestamptz,
    fence       bigint NOT NULL DEFAULT 0,
    failures    int    NOT NULL DEFAULT 0 CHECK (failures >= 0),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, source)
);
COMMENT ON TABLE polls IS 'Sources that are asked on a schedule. held_until is the lease of the worker that asks, or after a failure the end of its back-off; a claim raises the fence.';

CREATE TABLE kept_hooks (
    kept_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant      text  NOT NULL,
    source      text  NOT NULL,
    body        bytea NOT NULL,
    body_hash   bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    retry_at    timestamptz NOT NULL,
    attempts    int   NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant, source, body_hash)
);
CREATE INDEX kept_hooks_by_retry ON kept_hooks (retry_at);
COMMENT ON TABLE kept_hooks IS 'Verified hooks whose tool could not be asked for the object that they name. They hold its id and no contact data; a row goes when the tool has answered.';
