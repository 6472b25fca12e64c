-- The health of sources: when each was last heard, what it said last that could be used, and what went wrong last.

CREATE TABLE source_health (
    tenant      text NOT NULL,
    source      text NOT NULL,
    known_at    timestamptz NOT NULL DEFAULT now(),
    heard_at    timestamptz,
    accepted_at timestamptz,
    failed_at   timestamptz,
    failure     text CHECK (failure ~ '^[a-z][a-z_]{0,39}$'),
    tried_at   timestamptz,
    trial_id     text CHECK (trial_id ~ '^[0-9a-f]{32}$'),
    PRIMARY KEY (tenant, source),
    CHECK ((failed_at IS NULL) = (failure IS NULL)),
    CHECK ((tried_at IS NULL) = (trial_id IS NULL))
) WITH (fillfactor = 50);
COMMENT ON TABLE source_health IS 'One row for each source that the intake serves; real times. failure is a code, never a text: it can hold no name and no address. tried_at is of the hook that cairn connect sends, which is no word of the tool''s own. Written every few seconds from memory, not for each hook.';

CREATE TABLE source_hours (
    tenant   text NOT NULL,
    source   text NOT NULL,
    hour     timestamptz NOT NULL,
    accepted bigint NOT NULL DEFAULT 0 CHECK (accepted >= 0),
    failed   bigint NOT NULL DEFAULT 0 CHECK (failed >= 0),
    PRIMARY KEY (tenant, source, hour)
) WITH (fillfactor = 50);
COMMENT ON TABLE source_hours IS 'How often a source said something within an hour, and how often it could not be used; of a poll each turn counts once. Kept for eight days.';
