-- Hooks that wait for their tool are sealed: those of tools that sign nothing hold names and addresses.
-- Rows of before are thin hooks, and are read as they are.
-- Processes of before claim what retry_at makes due, and would take sealed bytes for a body: so what is sealed is due by
-- due_at, and its retry_at never comes. What they still keep is due at once; read by both, it is the same events.

ALTER TABLE kept_hooks
    ADD COLUMN is_sealed boolean NOT NULL DEFAULT false,
    ADD COLUMN due_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN heard_at timestamptz,
    ALTER COLUMN retry_at SET DEFAULT 'infinity';
CREATE INDEX kept_hooks_by_source ON kept_hooks (tenant, source, due_at);
CREATE INDEX kept_hooks_by_due ON kept_hooks (due_at, tenant, source);
COMMENT ON TABLE kept_hooks IS 'Verified hooks whose tool could not be asked about what they name, sealed under the identity key as dead letters are. body_hash is a keyed hash; a row goes when the tool has answered, or is set aside after a day.';
COMMENT ON COLUMN kept_hooks.retry_at IS 'When versions before this one read the row: never, but for what they kept themselves.';
COMMENT ON COLUMN kept_hooks.heard_at IS 'Domain time of its receipt, which dates what has no time of its own. NULL: not known, it is dated when it is read.';
