-- Planning: what was decided about a celebration's words, weight and money is pinned with it.

ALTER TABLE celebrations
    ADD COLUMN variant     text,
    ADD COLUMN phrase      int NOT NULL DEFAULT 0,
    ADD COLUMN merged_into text REFERENCES celebrations,
    ADD COLUMN gift_cents  int NOT NULL DEFAULT 0 CHECK (gift_cents >= 0),
    ADD COLUMN next_step   text;
COMMENT ON COLUMN celebrations.variant IS 'The experiment and the variant that the client was assigned to, EXPERIMENT/VARIANT.';
COMMENT ON COLUMN celebrations.phrase IS 'Counts the client''s messages of the tier, so that equal words are never taken twice in a row.';
COMMENT ON COLUMN celebrations.merged_into IS 'The celebration whose message tells of this one too.';
CREATE INDEX celebrations_merged ON celebrations (merged_into) WHERE merged_into IS NOT NULL;

ALTER TABLE deliveries
    ADD COLUMN opened_at  timestamptz,
    ADD COLUMN clicked_at timestamptz;
COMMENT ON COLUMN deliveries.opened_at IS 'When it was first seen to be opened or read.';
