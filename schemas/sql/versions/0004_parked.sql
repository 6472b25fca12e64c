-- Parked records: what delivery refused can be applied again, as it came.

ALTER TABLE refused_records
    ADD COLUMN headers         bytea,
    ADD COLUMN appended_ms     bigint,
    ADD COLUMN replay_asked_at timestamptz;
CREATE INDEX refused_records_asked_for ON refused_records (topic, partition, "offset")
    WHERE replay_asked_at IS NOT NULL;
COMMENT ON TABLE refused_records IS 'Records that could not be read or planned, byte-identical; a profile is kept without its value and headers, which may hold contact data. A row goes when its record is applied.';
COMMENT ON COLUMN refused_records.headers IS 'MessagePack: pairs of a name and bytes or nil, in order. NULL before version 0004.';
COMMENT ON COLUMN refused_records.appended_ms IS 'When the broker appended the record, real milliseconds. NULL before version 0004.';
COMMENT ON COLUMN refused_records.replay_asked_at IS 'Somebody asked to apply it again; delivery does at its next look.';
