-- Release: what decides about a claimed delivery is asked in one round trip, and claiming it writes no index entry.

CREATE FUNCTION ask_to_release(
    asked_tenant text, asked_client text, asked_delivery text, asked_fence bigint, since timestamptz,
    asked_at timestamptz,
    OUT celebration_id text, OUT channel text, OUT attempts int, OUT deferrals int, OUT heard_at timestamptz,
    OUT expires_at timestamptz, OUT record jsonb, OUT profile jsonb, OUT erased boolean,
    OUT answer text, OUT suppression_reason text, OUT until timestamptz, OUT opted_out text[],
    OUT moment_taken boolean, OUT celebrated timestamptz[], OUT pauses jsonb, OUT takes_slot boolean
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
    -- One change about this client at a time; one of whom only events were heard gets a row, so that it can be locked.
    PERFORM FROM clients WHERE tenant = asked_tenant AND client = asked_client FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO clients (tenant, client) VALUES (asked_tenant, asked_client) ON CONFLICT DO NOTHING;
        PERFORM FROM clients WHERE tenant = asked_tenant AND client = asked_client FOR NO KEY UPDATE;
    END IF;
    -- The row stays as it is until we commit, so that a pause either finds it undecided or waits for what was decided.
    SELECT d.celebration_id, d.channel, d.attempts, d.deferrals, d.heard_at, d.expires_at, m.record,
           k.profile, k.erased_at IS NOT NULL, s.answer, s.reason, s.until,
           ARRAY(SELECT o.channel FROM opt_outs o
                 WHERE o.tenant = d.tenant AND o.client = d.client AND o.returned_at IS NULL),
           c.moment IS NOT NULL AND EXISTS (
               SELECT FROM celebrations x
               WHERE x.tenant = d.tenant AND x.client = d.client AND x.moment = c.moment
                 AND x.celebration_id <> c.celebration_id AND x.celebrated_at IS NOT NULL),
           ARRAY(SELECT x.celebrated_at FROM celebrations x
                 WHERE x.tenant = d.tenant AND x.client = d.client AND x.tier = d.tier
                   AND x.celebration_id <> c.celebration_id AND x.celebrated_at > since)
    INTO celebration_id, channel, attempts, deferrals, heard_at, expires_at, record,
         profile, erased, answer, suppression_reason, until, opted_out, moment_taken, celebrated
    FROM deliveries d
    JOIN celebrations c USING (celebration_id)
    JOIN milestones m USING (milestone_id)
    JOIN clients k ON k.tenant = d.tenant AND k.client = d.client
    LEFT JOIN suppressions s ON s.tenant = d.tenant AND s.client = d.client AND s.lifted_at IS NULL
    WHERE d.delivery_id = asked_delivery AND d.fence = asked_fence AND d.state IN ('pending', 'deferred')
    FOR NO KEY UPDATE OF d;
    -- Asked when the row is locked: a pause that came before is seen here, one that comes after waits for us.
    pauses := (SELECT jsonb_agg(jsonb_build_object('tenant', p.tenant, 'channel', p.channel, 'rule', p.rule,
                                                   'reason', p.reason))
               FROM pauses p WHERE p.lifted_at IS NULL);
    -- Its slot of the cap is taken at once; whoever finds that it may not go gives it back before the commit.
    UPDATE celebrations c SET celebrated_at = asked_at
    WHERE c.celebration_id = ask_to_release.celebration_id AND c.celebrated_at IS NULL;
    takes_slot := FOUND;
END $$;
COMMENT ON FUNCTION ask_to_release IS 'Everything that decides whether a claimed delivery may leave, its client and itself locked; no celebration_id when the claim is lost. VOLATILE, so that each statement sees what was committed before it began (CREATE FUNCTION; 13.2.1).';

-- Nothing that a claim changes stands in an index any more, so that its rows stay where they are (heap-only tuples).
DROP INDEX deliveries_leased;
CREATE INDEX deliveries_sending ON deliveries (delivery_id) WHERE state = 'sending';
ALTER TABLE celebrations SET (fillfactor = 80);
