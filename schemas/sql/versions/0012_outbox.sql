-- The outbox: what became of each delivery and celebration, until Kafka has acknowledged it.
-- Pseudonymous ids only, in columns: a document (jsonb) with a random id costs five times as much for a row.
-- Positions of one delivery, and of one celebration, stand in the order of its commits, because whoever
-- changes a row next waits for its lock; those of two rows may not.

CREATE TABLE outbox (
    position       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant         text NOT NULL,
    client         text NOT NULL,
    milestone_id   text NOT NULL,
    revision       int  NOT NULL,
    celebration_id text NOT NULL,
    rule           text NOT NULL,
    tier           text NOT NULL,
    delivery_id    text,
    channel        text,
    state          text,
    reason         text,
    attempts       int,
    outcome        text,
    mode           text,
    variant        text,
    merged_into    text,
    changed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((delivery_id IS NULL) = (outcome IS NOT NULL))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000);
COMMENT ON TABLE outbox IS 'Changes that wait for coaching.celebrations.v1; a row goes when Kafka has it. A queue is emptied from its beginning, so it is vacuumed by count. With a delivery_id it is about that delivery, without one about the celebration.';

CREATE FUNCTION publish_new_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (tenant, client, milestone_id, revision, celebration_id, rule, tier,
                        delivery_id, channel, state, reason, attempts)
    SELECT n.tenant, n.client, c.milestone_id, c.revision, n.celebration_id, n.rule, n.tier,
           n.delivery_id, n.channel, n.state, n.reason, n.attempts
    FROM new_deliveries n JOIN celebrations c USING (celebration_id);
    RETURN NULL;
END $$;
CREATE TRIGGER new_deliveries_are_published AFTER INSERT ON deliveries
    REFERENCING NEW TABLE AS new_deliveries FOR EACH STATEMENT EXECUTE FUNCTION publish_new_deliveries();

-- Claims write deliveries far more often than states change. A trigger with transition tables can have neither
-- a column list nor a useful WHEN; one for each row has both, so a claim does not even queue it.
CREATE FUNCTION publish_changed_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (tenant, client, milestone_id, revision, celebration_id, rule, tier,
                        delivery_id, channel, state, reason, attempts)
    SELECT NEW.tenant, NEW.client, c.milestone_id, c.revision, NEW.celebration_id, NEW.rule, NEW.tier,
           NEW.delivery_id, NEW.channel, NEW.state, NEW.reason, NEW.attempts
    FROM celebrations c WHERE c.celebration_id = NEW.celebration_id;
    RETURN NULL;
END $$;
CREATE TRIGGER changed_deliveries_are_published AFTER UPDATE OF state ON deliveries
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION publish_changed_delivery();

CREATE FUNCTION publish_new_celebrations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (tenant, client, milestone_id, revision, celebration_id, rule, tier,
                        outcome, mode, variant, merged_into)
    SELECT tenant, client, milestone_id, revision, celebration_id, rule, tier, outcome, mode, variant, merged_into
    FROM new_celebrations;
    RETURN NULL;
END $$;
CREATE TRIGGER new_celebrations_are_published AFTER INSERT ON celebrations
    REFERENCING NEW TABLE AS new_celebrations FOR EACH STATEMENT EXECUTE FUNCTION publish_new_celebrations();

CREATE FUNCTION publish_changed_celebration() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (tenant, client, milestone_id, revision, celebration_id, rule, tier,
                        outcome, mode, variant, merged_into)
    VALUES (NEW.tenant, NEW.client, NEW.milestone_id, NEW.revision, NEW.celebration_id, NEW.rule, NEW.tier,
            NEW.outcome, NEW.mode, NEW.variant, NEW.merged_into);
    RETURN NULL;
END $$;
CREATE TRIGGER changed_celebrations_are_published AFTER UPDATE OF outcome, revision, merged_into ON celebrations
    FOR EACH ROW WHEN ((OLD.outcome, OLD.revision, OLD.merged_into)
                       IS DISTINCT FROM (NEW.outcome, NEW.revision, NEW.merged_into))
    EXECUTE FUNCTION publish_changed_celebration();
