-- Tags that stand for events: which event the last adding made, so that a removal takes back that one.

CREATE TABLE tag_changes (
    tenant     text  NOT NULL,
    source     text  NOT NULL,
    tag_key    bytea NOT NULL CHECK (octet_length(tag_key) = 32),
    added_id   text,
    added_at   timestamptz,
    removed_at timestamptz,
    PRIMARY KEY (tenant, source, tag_key),
    CHECK ((added_id IS NULL) = (added_at IS NULL)),
    CHECK (added_at IS NOT NULL OR removed_at IS NOT NULL)
);
COMMENT ON TABLE tag_changes IS 'What a tool said last of a contact''s tag that stands for an event. tag_key is a keyed hash of contact and tag, added_id a digest, so the table names nobody. Times are the tool''s own.';
