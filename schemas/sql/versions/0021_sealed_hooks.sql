-- Hooks that wait for their tool are sealed: those of tools that sign nothing hold names and addresses.
-- Rows of before are thin hooks, and are read as they are.

ALTER TABLE kept_hooks ADD COLUMN is_sealed boolean NOT NULL DEFAULT false;
COMMENT ON TABLE kept_hooks IS 'Verified hooks whose tool could not be asked about what they name, sealed under the identity key as dead letters are. body_hash is a keyed hash; a row goes when the tool has answered.';
