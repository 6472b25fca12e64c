-- Restores: a ledger that came back from a backup does not know what left since, so what was heard before it was lost is held.
-- lost_at, unsent_at and created_at are real time, as milestones.heard_at is, which neither a correction nor a second reading
-- of the topic changes.

CREATE TABLE recoveries (
    recovery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant      text,
    lost_at     timestamptz NOT NULL,
    reason      text NOT NULL CHECK (reason <> ''),
    author      text NOT NULL CHECK (author <> ''),
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX recoveries_by_loss ON recoveries (lost_at);
COMMENT ON TABLE recoveries IS 'Restores from a backup: nothing that answers a milestone first heard before lost_at goes by itself, for it may have left already. NULL means every tenant. None is ever lifted: what is older expires.';

ALTER TABLE deliveries
    ADD COLUMN unsent_at timestamptz,
    ADD COLUMN unsent_by text;
CREATE INDEX deliveries_let_go ON deliveries (unsent_at) WHERE unsent_at IS NOT NULL;
COMMENT ON COLUMN deliveries.unsent_at IS 'When unsent_by said that it had not left before the restore, so that it goes; a later loss of the ledger takes the word back.';

-- As in version 0015, with what a restore holds: by milestone, the delivery's own and those that are told along. And the
-- client's money is that of the person, as in reserve_money: if they differed, a gift would be tried without an end.
DROP FUNCTION release_facts;
CREATE FUNCTION release_facts(
    asked_delivery text, asked_fence bigint, since timestamptz, asked_month date
) RETURNS TABLE (
    delivery_id text, celebration_id text, channel text, attempts int, deferrals int, heard_at timestamptz, record jsonb,
    celebrated_at timestamptz, expires_at timestamptz, profile jsonb, erased boolean, answer text,
    suppression_reason text, until timestamptz, opted_out text[], moment_taken boolean, celebrated timestamptz[],
    celebrated_of_all timestamptz[], pauses jsonb, recovered jsonb, phrase int, is_first boolean, next_step text, variant text,
    gift_cents int, also jsonb, keepsakes text[], core_opened boolean, core_waits boolean,
    referral_asked_at timestamptz, approved jsonb, money_agreed boolean, in_doubt boolean, client_cents bigint,
    tenant_cents bigint, digest text
) LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
RETURN QUERY SELECT f.*, encode(sha256(convert_to(ROW(
    f.channel, f.attempts, f.deferrals, f.record, f.profile, f.erased, f.answer, f.suppression_reason, f.until,
    f.opted_out, f.moment_taken, f.celebrated, f.celebrated_of_all, f.pauses, f.recovered, f.phrase, f.is_first, f.next_step,
    f.variant, f.gift_cents, f.also, f.keepsakes, f.core_opened, f.core_waits,
    f.referral_asked_at, f.approved, f.money_agreed)::text, 'UTF8')), 'hex')
FROM (
    SELECT d.delivery_id, d.celebration_id, d.channel, d.attempts, d.deferrals, d.heard_at, m.record, c.celebrated_at,
           d.expires_at, wished_profile(k.profile, d.tenant, d.client) AS profile, k.erased_at IS NOT NULL AS erased,
           s.answer, s.reason AS suppression_reason, s.until,
           ARRAY(SELECT o.channel FROM opt_outs o
                 WHERE o.tenant = d.tenant AND o.client = d.client AND o.returned_at IS NULL ORDER BY o.channel)
               AS opted_out,
           c.moment IS NOT NULL AND coalesce((
               SELECT true FROM celebrations x
               WHERE x.tenant = d.tenant AND x.client = d.client AND x.moment = c.moment
                 AND x.celebration_id <> c.celebration_id AND x.celebrated_at IS NOT NULL LIMIT 1), false) AS moment_taken,
           coalesce(past.of_tier, '{}') AS celebrated, coalesce(past.of_all, '{}') AS celebrated_of_all,
           (SELECT jsonb_agg(jsonb_build_object('tenant', p.tenant, 'channel', p.channel, 'rule', p.rule,
                                                'reason', p.reason) ORDER BY p.pause_id)
            FROM pauses p
            WHERE p.lifted_at IS NULL AND coalesce(p.tenant, d.tenant) = d.tenant
              AND coalesce(p.channel, d.channel) = d.channel
              AND (coalesce(p.rule, d.rule) = d.rule OR p.rule = ANY (told.rules))) AS pauses,
           (SELECT jsonb_object_agg(n.milestone_id, r.reason ORDER BY r.recovery_id DESC)
            FROM recoveries r
            CROSS JOIN LATERAL (
                SELECT m.milestone_id, m.heard_at UNION ALL
                SELECT o.milestone_id, o.heard_at FROM celebrations x JOIN milestones o ON o.milestone_id = x.milestone_id
                WHERE x.merged_into = d.celebration_id) n
            WHERE d.unsent_at IS NULL AND n.heard_at < r.lost_at AND coalesce(r.tenant, d.tenant) = d.tenant) AS recovered,
           c.phrase, c.is_first, c.next_step, c.variant, c.gift_cents, told.also,
           CASE WHEN d.channel = 'email' OR d.channel = 'in_app' AND NOT coalesce(parts.mail_stands, false)
                THEN coalesce(parts.uncarried, '{}') ELSE '{}' END AS keepsakes,
           d.channel <> 'email' AND coalesce(parts.opened, false) AS core_opened,
           d.channel <> 'email' AND coalesce(parts.mail_waits, false) AS core_waits,
           (SELECT max(r.asked_at) FROM referrals r WHERE r.tenant = d.tenant AND r.client = d.client
            AND r.celebration_id <> d.celebration_id) AS referral_asked_at,
           a.words -> d.channel AS approved, a.celebration_id IS NOT NULL AND 'gift' = ANY (a.parts) AS money_agreed,
           coalesce(own.in_doubt, false) AS in_doubt, coalesce(spent.client_cents, 0) AS client_cents,
           coalesce(spent.tenant_cents, 0) AS tenant_cents
    FROM deliveries d
    JOIN celebrations c ON c.celebration_id = d.celebration_id
    JOIN milestones m ON m.milestone_id = c.milestone_id
    JOIN clients k ON k.tenant = d.tenant AND k.client = d.client
    LEFT JOIN suppressions s ON s.tenant = d.tenant AND s.client = d.client AND s.lifted_at IS NULL
    LEFT JOIN approvals a ON a.celebration_id = d.celebration_id AND a.state = 'approved' AND a.revision = c.revision
    LEFT JOIN money own ON own.delivery_id = d.delivery_id
    CROSS JOIN LATERAL (
        SELECT array_agg(x.celebrated_at ORDER BY x.celebrated_at) FILTER (WHERE x.tier = d.tier) AS of_tier,
               array_agg(x.celebrated_at ORDER BY x.celebrated_at) FILTER (WHERE x.tier <> 'nudge') AS of_all
        FROM celebrations x
        WHERE x.tenant = d.tenant AND x.client = d.client AND x.expires_at > since AND x.celebrated_at > since
          AND x.celebration_id <> c.celebration_id) past
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(n.record ORDER BY n.reached_at, n.milestone_id) FILTER (WHERE NOT n.retracted) AS also,
               array_agg(x.rule) AS rules
        FROM celebrations x JOIN milestones n ON n.milestone_id = x.milestone_id
        WHERE x.merged_into = d.celebration_id) told
    CROSS JOIN LATERAL (
        SELECT array_agg(x.channel ORDER BY x.channel) FILTER (
                   WHERE x.state = 'pending' AND x.channel IN ('certificate', 'badge', 'referral', 'video')
                     AND (x.carried_by IS NULL OR x.carried_by = d.delivery_id
                          OR carrier.state IN ('failed', 'skipped'))) AS uncarried,
               bool_or(x.channel <> d.channel AND (x.opened_at IS NOT NULL OR x.clicked_at IS NOT NULL)) AS opened,
               bool_or(x.channel = 'email' AND x.state NOT IN ('skipped', 'failed')) AS mail_stands,
               bool_or(x.channel = 'email' AND x.state IN ('pending', 'deferred', 'held', 'sending')) AS mail_waits
        FROM deliveries x LEFT JOIN deliveries carrier ON carrier.delivery_id = x.carried_by
        WHERE x.celebration_id = d.celebration_id) parts
    CROSS JOIN LATERAL (
        SELECT sum(n.cents) FILTER (WHERE n.client IN (SELECT ids_of(d.tenant, d.client))) AS client_cents,
               sum(n.cents) AS tenant_cents
        FROM money n
        WHERE d.channel = 'gift' AND n.tenant = d.tenant AND n.month = asked_month AND n.state <> 'returned'
          AND n.delivery_id <> d.delivery_id) spent
    WHERE d.delivery_id = asked_delivery AND d.fence = asked_fence AND d.state IN ('pending', 'deferred')
    OFFSET 0  -- what is selected above is computed once, not again for the digest
) f;
END $$;
COMMENT ON FUNCTION release_facts IS 'All that the ledger holds of what decides whether a claimed delivery may leave, and what it says; no row when the claim is lost. The digest is of all but what a claim changes, and the slot: once another part of the celebration has taken it, no cap stands in the way. Nor is it of the month''s money, which reserving counts anew. The plan is generic: making one for each delivery would take longer than all that it finds.';
