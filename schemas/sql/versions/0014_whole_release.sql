-- The whole release: what is told together, carried along, reminded of and left over decides as well.

ALTER TABLE celebrations
    DROP CONSTRAINT celebrations_outcome_check,
    ADD CONSTRAINT celebrations_outcome_check
        CHECK (outcome IN ('send', 'hold', 'task', 'skip', 'withdrawn', 'merged')),
    ADD CONSTRAINT merged_celebrations_have_a_lead CHECK (outcome <> 'merged' OR merged_into IS NOT NULL),
    ADD COLUMN is_first boolean NOT NULL DEFAULT false,
    ADD COLUMN untold   boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN celebrations.is_first IS 'The first that the client hears from us: the message says what to expect.';
COMMENT ON COLUMN celebrations.untold IS 'Its words came too late or lie unread in the app: the next mail has a line about it.';

ALTER TABLE deliveries ADD COLUMN carried_by text REFERENCES deliveries;
COMMENT ON COLUMN deliveries.carried_by IS 'The message that carries this certificate, badge, referral or video.';

ALTER TABLE coach_tasks
    ADD COLUMN part text NOT NULL DEFAULT '',
    DROP CONSTRAINT coach_tasks_celebration_id_kind_key,
    ADD CONSTRAINT coach_tasks_are_asked_once UNIQUE (celebration_id, kind, part);
COMMENT ON COLUMN coach_tasks.part IS 'The channel that it is about; empty when one task is enough for the whole celebration.';

-- What a client's next plan asks for is found by an index, however many celebrations there were.
DROP INDEX celebrations_of_client;
CREATE INDEX celebrations_of_client ON celebrations (tenant, client, tier, planned_at);
CREATE INDEX celebrations_living ON celebrations (tenant, client, expires_at);
CREATE INDEX celebrations_untold ON celebrations (tenant, client) WHERE untold;
DROP INDEX milestones_of_client;
CREATE INDEX milestones_of_client ON milestones (tenant, client, rule, reached_at);
CREATE INDEX inbox_unread_since ON inbox (created_at) WHERE read_at IS NULL;
CREATE INDEX deliveries_not_sent ON deliveries (finished_at) WHERE state IN ('skipped', 'failed');
CREATE INDEX deliveries_unfinished ON deliveries (channel, state, created_at)
    WHERE state IN ('pending', 'deferred', 'held', 'sending', 'unknown');
CREATE INDEX deliveries_finished ON deliveries USING brin (finished_at);
CREATE INDEX keepsakes_pending ON deliveries (celebration_id)
    WHERE state = 'pending' AND channel IN ('certificate', 'badge', 'referral', 'video');

CREATE INDEX deliveries_by_gift_ids ON deliveries USING gin (string_to_array(provider_id, '/'))
    WHERE channel = 'gift' AND provider_id IS NOT NULL;

CREATE TABLE hourly_sends (
    tenant     text NOT NULL,
    hour       timestamptz NOT NULL,
    deliveries bigint NOT NULL CHECK (deliveries >= 0),
    PRIMARY KEY (tenant, hour)
);
COMMENT ON TABLE hourly_sends IS 'How many messages of each tenant left in an hour of the last days, in real time: what is usual, for the automatic brake.';

DROP FUNCTION begin_as_decided;
DROP FUNCTION release_facts;
CREATE FUNCTION release_facts(
    asked_delivery text, asked_fence bigint, since timestamptz, asked_month date
) RETURNS TABLE (
    celebration_id text, channel text, attempts int, deferrals int, heard_at timestamptz, record jsonb,
    celebrated_at timestamptz, expires_at timestamptz, profile jsonb, erased boolean, answer text, suppression_reason text, until timestamptz,
    opted_out text[], moment_taken boolean, celebrated timestamptz[], celebrated_of_all timestamptz[], pauses jsonb,
    phrase int, is_first boolean, next_step text, variant text, gift_cents int, also jsonb, keepsakes text[],
    core_opened boolean, core_waits boolean, referral_asked_at timestamptz, approved jsonb, money_agreed boolean, in_doubt boolean, client_cents bigint, tenant_cents bigint, digest text
) LANGUAGE sql STABLE AS $$
SELECT f.*, encode(sha256(convert_to(ROW(
    f.channel, f.attempts, f.deferrals, f.record, f.profile, f.erased, f.answer, f.suppression_reason, f.until,
    f.opted_out, f.moment_taken, f.celebrated, f.celebrated_of_all, f.pauses, f.phrase, f.is_first, f.next_step,
    f.variant, f.gift_cents, f.also, f.keepsakes, f.core_opened, f.core_waits,
    f.referral_asked_at, f.approved, f.money_agreed)::text, 'UTF8')), 'hex')
FROM (
    SELECT d.celebration_id, d.channel, d.attempts, d.deferrals, d.heard_at, m.record,
           c.celebrated_at, d.expires_at, wished_profile(k.profile, d.tenant, d.client) AS profile, k.erased_at IS NOT NULL AS erased, s.answer, s.reason AS suppression_reason,
           s.until,
           ARRAY(SELECT o.channel FROM opt_outs o
                 WHERE o.tenant = d.tenant AND o.client = d.client AND o.returned_at IS NULL ORDER BY o.channel)
               AS opted_out,
           c.moment IS NOT NULL AND EXISTS (
               SELECT FROM celebrations x
               WHERE x.tenant = d.tenant AND x.client = d.client AND x.moment = c.moment
                 AND x.celebration_id <> c.celebration_id AND x.celebrated_at IS NOT NULL) AS moment_taken,
           ARRAY(SELECT x.celebrated_at FROM celebrations x
                 WHERE x.tenant = d.tenant AND x.client = d.client AND x.tier = d.tier AND x.expires_at > since
                   AND x.celebration_id <> c.celebration_id AND x.celebrated_at > since ORDER BY x.celebrated_at)
               AS celebrated,
           ARRAY(SELECT x.celebrated_at FROM celebrations x
                 WHERE x.tenant = d.tenant AND x.client = d.client AND x.tier <> 'nudge' AND x.expires_at > since
                   AND x.celebration_id <> c.celebration_id AND x.celebrated_at > since ORDER BY x.celebrated_at)
               AS celebrated_of_all,
           (SELECT jsonb_agg(jsonb_build_object('tenant', p.tenant, 'channel', p.channel, 'rule', p.rule,
                                                'reason', p.reason) ORDER BY p.pause_id)
            FROM pauses p
            WHERE p.lifted_at IS NULL AND coalesce(p.tenant, d.tenant) = d.tenant
              AND coalesce(p.channel, d.channel) = d.channel
              AND (coalesce(p.rule, d.rule) = d.rule
                   OR p.rule IN (SELECT x.rule FROM celebrations x WHERE x.merged_into = d.celebration_id))) AS pauses,
           c.phrase, c.is_first, c.next_step, c.variant, c.gift_cents,
           (SELECT jsonb_agg(n.record ORDER BY n.reached_at, n.milestone_id)
            FROM celebrations x JOIN milestones n USING (milestone_id)
            WHERE x.merged_into = d.celebration_id AND NOT n.retracted) AS also,
           ARRAY(SELECT x.channel FROM deliveries x
                 WHERE x.celebration_id = d.celebration_id AND x.state = 'pending'
                   AND (x.carried_by IS NULL OR x.carried_by = d.delivery_id OR EXISTS (
                       SELECT FROM deliveries y WHERE y.delivery_id = x.carried_by AND y.state IN ('failed', 'skipped')))
                   AND x.channel IN ('certificate', 'badge', 'referral', 'video')
                   AND (d.channel = 'email' OR d.channel = 'in_app' AND NOT EXISTS (
                       SELECT FROM deliveries e WHERE e.celebration_id = d.celebration_id AND e.channel = 'email'
                         AND e.state NOT IN ('skipped', 'failed')))
                 ORDER BY x.channel) AS keepsakes,
           d.channel <> 'email' AND EXISTS (
               SELECT FROM deliveries x WHERE x.celebration_id = d.celebration_id AND x.channel <> d.channel
                 AND (x.opened_at IS NOT NULL OR x.clicked_at IS NOT NULL)) AS core_opened,
           d.channel <> 'email' AND EXISTS (
               SELECT FROM deliveries x WHERE x.celebration_id = d.celebration_id AND x.channel = 'email'
                 AND x.state IN ('pending', 'deferred', 'held', 'sending')) AS core_waits,
           (SELECT max(r.asked_at) FROM referrals r WHERE r.tenant = d.tenant AND r.client = d.client
            AND r.celebration_id <> d.celebration_id) AS referral_asked_at,
           a.words -> d.channel AS approved, a.celebration_id IS NOT NULL AND 'gift' = ANY (a.parts) AS money_agreed,
           coalesce(own.in_doubt, false) AS in_doubt, coalesce(spent.client_cents, 0) AS client_cents,
           coalesce(spent.tenant_cents, 0) AS tenant_cents
    FROM deliveries d
    JOIN celebrations c USING (celebration_id)
    JOIN milestones m USING (milestone_id)
    JOIN clients k ON k.tenant = d.tenant AND k.client = d.client
    LEFT JOIN suppressions s ON s.tenant = d.tenant AND s.client = d.client AND s.lifted_at IS NULL
    LEFT JOIN approvals a ON a.celebration_id = d.celebration_id AND a.state = 'approved' AND a.revision = c.revision
    LEFT JOIN money own ON own.delivery_id = d.delivery_id
    LEFT JOIN LATERAL (
        SELECT sum(n.cents) FILTER (WHERE n.client = d.client) AS client_cents, sum(n.cents) AS tenant_cents FROM money n
        WHERE d.channel = 'gift' AND n.tenant = d.tenant AND n.month = asked_month AND n.state <> 'returned'
          AND n.delivery_id <> d.delivery_id) spent ON true
    WHERE d.delivery_id = asked_delivery AND d.fence = asked_fence AND d.state IN ('pending', 'deferred')
) f
$$;
COMMENT ON FUNCTION release_facts IS 'All that the ledger holds of what decides whether a claimed delivery may leave, and what it says; no row when the claim is lost. The digest is of all but what a claim changes, and the slot: once another part of the celebration has taken it, no cap stands in the way. Nor is it of the month''s money, which reserving counts anew.';

CREATE FUNCTION begin_as_decided(
    asked_tenant text, asked_client text, asked_delivery text, asked_fence bigint, since timestamptz, decided_on text,
    asked_at timestamptz, lease_seconds float8, carried text[], asked_month date, cents int, client_limit int,
    tenant_limit int, referral_code text
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
    IF (SELECT digest FROM release_facts(asked_delivery, asked_fence, since, asked_month)) IS DISTINCT FROM decided_on THEN
        UPDATE deliveries SET lease_until = NULL WHERE delivery_id = asked_delivery;  -- it is asked about anew
        RETURN false;
    END IF;
    IF cents > 0 AND NOT reserve_money(
            asked_delivery, asked_tenant, asked_client, asked_month, cents, client_limit, tenant_limit) THEN
        UPDATE deliveries SET lease_until = NULL WHERE delivery_id = asked_delivery;  -- likewise
        RETURN false;
    END IF;
    UPDATE celebrations SET celebrated_at = asked_at WHERE celebration_id = begun AND celebrated_at IS NULL;
    UPDATE deliveries SET carried_by = asked_delivery
    WHERE celebration_id = begun AND state = 'pending' AND channel = ANY (carried);
    IF 'referral' = ANY (carried) THEN
        INSERT INTO referrals (celebration_id, code, tenant, client, asked_at)
        VALUES (begun, coalesce((SELECT r.code FROM referrals r WHERE r.tenant = asked_tenant AND r.client = asked_client
                                 ORDER BY r.asked_at LIMIT 1), referral_code), asked_tenant, asked_client, asked_at)
        ON CONFLICT (celebration_id) DO NOTHING;
    END IF;
    UPDATE deliveries SET state = 'sending', sending_at = now(), reason = NULL,
           lease_until = now() + make_interval(secs => lease_seconds)
    WHERE delivery_id = asked_delivery;
    RETURN true;
END $$;
COMMENT ON FUNCTION begin_as_decided IS 'The point of no return: the slot of the cap, the money and the state sending, in one commit, if all that the ledger holds of what decides is word for word what was decided on. VOLATILE, so that each statement has a snapshot of its own (CREATE FUNCTION; 38.7).';
