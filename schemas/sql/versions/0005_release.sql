-- Release: a mail's point of no return is one statement, which asks again; claiming writes no index entry.

CREATE FUNCTION release_facts(asked_delivery text, asked_fence bigint, since timestamptz) RETURNS TABLE (
    celebration_id text, channel text, attempts int, deferrals int, heard_at timestamptz, record jsonb,
    celebrated_at timestamptz, profile jsonb, erased boolean, answer text, suppression_reason text, until timestamptz,
    opted_out text[], moment_taken boolean, celebrated timestamptz[], pauses jsonb, digest text
) LANGUAGE sql STABLE AS $$
SELECT f.*, encode(sha256(convert_to(ROW(
    f.channel, f.attempts, f.deferrals, f.record, f.profile, f.erased, f.answer, f.suppression_reason, f.until,
    f.opted_out, f.moment_taken, f.celebrated, f.pauses)::text, 'UTF8')), 'hex')
FROM (
    SELECT d.celebration_id, d.channel, d.attempts, d.deferrals, d.heard_at, m.record,
           c.celebrated_at, k.profile, k.erased_at IS NOT NULL AS erased, s.answer, s.reason AS suppression_reason,
           s.until,
           ARRAY(SELECT o.channel FROM opt_outs o
                 WHERE o.tenant = d.tenant AND o.client = d.client AND o.returned_at IS NULL ORDER BY o.channel)
               AS opted_out,
           c.moment IS NOT NULL AND EXISTS (
               SELECT FROM celebrations x
               WHERE x.tenant = d.tenant AND x.client = d.client AND x.moment = c.moment
                 AND x.celebration_id <> c.celebration_id AND x.celebrated_at IS NOT NULL) AS moment_taken,
           ARRAY(SELECT x.celebrated_at FROM celebrations x
                 WHERE x.tenant = d.tenant AND x.client = d.client AND x.tier = d.tier
                   AND x.celebration_id <> c.celebration_id AND x.celebrated_at > since ORDER BY x.celebrated_at)
               AS celebrated,
           (SELECT jsonb_agg(jsonb_build_object('tenant', p.tenant, 'channel', p.channel, 'rule', p.rule,
                                                'reason', p.reason) ORDER BY p.pause_id)
            FROM pauses p
            WHERE p.lifted_at IS NULL AND coalesce(p.tenant, d.tenant) = d.tenant
              AND coalesce(p.channel, d.channel) = d.channel AND coalesce(p.rule, d.rule) = d.rule) AS pauses
    FROM deliveries d
    JOIN celebrations c USING (celebration_id)
    JOIN milestones m USING (milestone_id)
    JOIN clients k ON k.tenant = d.tenant AND k.client = d.client
    LEFT JOIN suppressions s ON s.tenant = d.tenant AND s.client = d.client AND s.lifted_at IS NULL
    WHERE d.delivery_id = asked_delivery AND d.fence = asked_fence AND d.state IN ('pending', 'deferred')
) f
$$;
COMMENT ON FUNCTION release_facts IS 'All that the ledger holds of what decides whether a claimed delivery may leave; no row when the claim is lost. The digest is of all but what a claim changes, and the slot: once another part of the celebration has taken it, no cap stands in the way.';

CREATE FUNCTION begin_as_decided(
    asked_tenant text, asked_client text, asked_delivery text, asked_fence bigint, since timestamptz, decided_on text,
    asked_at timestamptz, lease_seconds float8
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    begun text;
BEGIN
    -- Locked in the order of everybody who locks both. Each statement sees what was committed before it began.
    PERFORM FROM clients WHERE tenant = asked_tenant AND client = asked_client FOR NO KEY UPDATE;
    SELECT celebration_id INTO begun FROM deliveries
    WHERE delivery_id = asked_delivery AND fence = asked_fence AND state IN ('pending', 'deferred')
      AND lease_until > clock_timestamp() AND expires_at > asked_at
    FOR NO KEY UPDATE;
    IF begun IS NULL THEN
        RETURN false;
    END IF;
    IF (SELECT digest FROM release_facts(asked_delivery, asked_fence, since)) IS DISTINCT FROM decided_on THEN
        UPDATE deliveries SET lease_until = NULL WHERE delivery_id = asked_delivery;  -- it is asked about anew
        RETURN false;
    END IF;
    UPDATE celebrations SET celebrated_at = asked_at WHERE celebration_id = begun AND celebrated_at IS NULL;
    UPDATE deliveries SET state = 'sending', sending_at = now(), reason = NULL,
           lease_until = now() + make_interval(secs => lease_seconds)
    WHERE delivery_id = asked_delivery;
    RETURN true;
END $$;
COMMENT ON FUNCTION begin_as_decided IS 'The point of no return: the slot of the cap and the state sending, in one commit, if all that the ledger holds of what decides is word for word what was decided on. VOLATILE, so that each statement has a snapshot of its own (CREATE FUNCTION; 38.7).';

-- Nothing that a claim changes stands in an index any more, so that its rows stay where they are (heap-only tuples).
DROP INDEX deliveries_leased;
CREATE INDEX deliveries_sending ON deliveries (delivery_id) WHERE state = 'sending';
ALTER TABLE celebrations SET (fillfactor = 80);
