-- Sources that are re-read beside their hooks: what was admitted of each object, so that only changes are admitted.
-- starts_at is domain time, as appointments are.

CREATE TABLE rereads (
    tenant      text NOT NULL,
    source      text NOT NULL,
    object_id   text NOT NULL,
    digest      bytea NOT NULL CHECK (octet_length(digest) = 32),
    starts_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant, source, object_id)
);
CREATE INDEX rereads_by_start ON rereads (tenant, source, starts_at);
COMMENT ON TABLE rereads IS 'What a re-read last admitted of each object of a source. digest is a keyed hash of everything that it says, contact data too, so the table names nobody; rows go when what they stand for is too old to be read again.';
