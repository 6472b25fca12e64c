-- Outcomes: what clients did after they were celebrated. Times are real; erased clients are left out everywhere.

-- name: groups
-- How many clients did each tier, or each variant of an experiment ($1), reach, and what did they do? A client counts
-- once in a group. Somebody can be looked at for an opt-out a week after a message, and for a renewal ninety days after
-- the first one, if a day of renewal is known.
WITH told AS (
    SELECT CASE WHEN $1::text IS NULL THEN c.tier ELSE split_part(c.variant, '/', 2) END AS name, d.tenant, d.client,
           count(*) AS messages, min(d.finished_at) AS first_at,
           bool_or(d.opened_at IS NOT NULL OR d.clicked_at IS NOT NULL) AS opened,
           bool_or(d.clicked_at IS NOT NULL) AS clicked,
           bool_or(d.finished_at < now() - interval '7 days') AS is_past_a_week,
           bool_or(d.finished_at < now() - interval '7 days' AND EXISTS (
               SELECT FROM opt_outs o
               WHERE o.tenant = d.tenant AND o.client = d.client AND o.opted_out_at >= d.finished_at
                 AND o.opted_out_at < d.finished_at + interval '7 days')) AS opted_out
    FROM deliveries d
    JOIN celebrations c USING (celebration_id)
    JOIN clients k ON k.tenant = d.tenant AND k.client = d.client AND k.erased_at IS NULL
    WHERE d.state IN ('sent', 'delivered') AND d.channel = ANY ($4::text[]) AND d.finished_at >= $2
      AND ($3::text IS NULL OR d.tenant = $3) AND ($1::text IS NULL OR split_part(c.variant, '/', 1) = $1)
    GROUP BY 1, 2, 3
), looked_at AS (
    SELECT t.*, t.first_at < now() - interval '90 days' AND k.profile ? 'renewal_on' AS is_past_a_term,
           EXISTS (SELECT FROM renewals r
                   WHERE r.tenant = t.tenant AND r.client = t.client AND r.heard_at >= t.first_at
                     AND r.heard_at < t.first_at + interval '90 days') AS renewed
    FROM told t JOIN clients k USING (tenant, client)
)
SELECT name, count(*) AS clients, sum(messages)::bigint AS messages,
       count(*) FILTER (WHERE opened) AS opened, count(*) FILTER (WHERE clicked) AS clicked,
       count(*) FILTER (WHERE is_past_a_week) AS past_a_week, count(*) FILTER (WHERE opted_out) AS opted_out,
       count(*) FILTER (WHERE is_past_a_term) AS past_a_term,
       count(*) FILTER (WHERE is_past_a_term AND renewed) AS renewed
FROM looked_at GROUP BY name ORDER BY name;

-- name: hold_out
-- How many renewed within ninety days of those who were held out, and of those who were celebrated and never held out?
-- The time of a client runs from the first message that went, or would have gone.
WITH held AS (
    SELECT tenant, client, min(created_at) AS first_at FROM decisions
    WHERE reason = 'hold_out' AND created_at >= $1 AND ($2::text IS NULL OR tenant = $2) GROUP BY 1, 2
), celebrated AS (
    SELECT d.tenant, d.client, min(d.finished_at) AS first_at FROM deliveries d
    WHERE d.state IN ('sent', 'delivered') AND d.channel = ANY ($3::text[]) AND d.finished_at >= $1
      AND ($2::text IS NULL OR d.tenant = $2)
      AND NOT EXISTS (SELECT FROM held h WHERE h.tenant = d.tenant AND h.client = d.client)
    GROUP BY 1, 2
), everybody AS (
    SELECT 'held out' AS name, held.* FROM held UNION ALL SELECT 'celebrated', celebrated.* FROM celebrated
)
SELECT e.name, count(*) AS clients, count(*) FILTER (WHERE past) AS past_a_term,
       count(*) FILTER (WHERE past AND EXISTS (
           SELECT FROM renewals r
           WHERE r.tenant = e.tenant AND r.client = e.client AND r.heard_at >= e.first_at
             AND r.heard_at < e.first_at + interval '90 days')) AS renewed
FROM everybody e
JOIN clients k ON k.tenant = e.tenant AND k.client = e.client AND k.erased_at IS NULL
CROSS JOIN LATERAL (SELECT e.first_at < now() - interval '90 days' AND k.profile ? 'renewal_on' AS past) AS since
GROUP BY e.name ORDER BY e.name;

-- name: first_heard_at
-- Since when is there anything to look back on?
SELECT min(heard_at) FROM milestones WHERE tenant = $1;

-- name: met
-- Which rules were met since, and how often?
SELECT rule, count(*) AS milestones FROM milestones
WHERE tenant = $1 AND heard_at >= $2 AND NOT retracted GROUP BY rule;

-- name: sent
-- What went out since, by what decides which words it had, and was any of it opened?
SELECT c.rule, m.record ->> 'kind' AS kind, c.tier, d.channel, c.variant, count(*) AS sent,
       count(*) FILTER (WHERE d.opened_at IS NOT NULL OR d.clicked_at IS NOT NULL) AS opened
FROM deliveries d JOIN celebrations c USING (celebration_id) JOIN milestones m USING (milestone_id)
WHERE d.tenant = $1 AND d.state IN ('sent', 'delivered') AND d.channel = ANY ($3::text[]) AND d.finished_at >= $2
GROUP BY 1, 2, 3, 4, 5;
