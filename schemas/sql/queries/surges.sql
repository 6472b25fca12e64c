-- Surges: how much each tenant sends, and how much is usual.

-- name: count_hours
-- How many messages left in the hours that are over? Those of the last week are kept; the row without a tenant says that
-- the last of them is counted, so that nobody counts it again each minute.
WITH gone AS (DELETE FROM hourly_sends WHERE hour < now() - interval '8 days'),
     last AS (SELECT date_trunc('hour', now()) AS ended
              WHERE NOT EXISTS (SELECT FROM hourly_sends
                                WHERE tenant = '' AND hour = date_trunc('hour', now()) - interval '1 hour'))
INSERT INTO hourly_sends (tenant, hour, deliveries)
SELECT d.tenant, date_trunc('hour', d.finished_at), count(*)
FROM last JOIN deliveries d ON d.finished_at >= last.ended - interval '3 hours' AND d.finished_at < last.ended
WHERE d.state IN ('sent', 'delivered', 'bounced', 'unknown') AND d.channel IN ('in_app', 'email', 'sms', 'slack')
GROUP BY 1, 2
UNION ALL
SELECT '', last.ended - interval '1 hour', 0 FROM last
ON CONFLICT DO NOTHING;

-- name: last_hour
-- How many messages left in the last hour, and how many do in an hour of the week before? Only of tenants that are known
-- for a day, and that nobody has resumed within the hour; $1 is the brake's author.
SELECT d.tenant, d.deliveries, u.usual
FROM (SELECT tenant, count(*) AS deliveries FROM deliveries
      WHERE finished_at > now() - interval '1 hour'
        AND state IN ('sent', 'delivered', 'bounced', 'unknown') AND channel IN ('in_app', 'email', 'sms', 'slack')
      GROUP BY tenant) d
JOIN (SELECT tenant, sum(deliveries) / greatest(1, extract(epoch FROM now() - min(hour)) / 3600) AS usual
      FROM hourly_sends GROUP BY tenant HAVING min(hour) <= now() - interval '24 hours') u USING (tenant)
WHERE NOT EXISTS (SELECT FROM pauses p WHERE p.tenant = d.tenant AND p.author = $1
                  AND (p.lifted_at IS NULL OR p.lifted_at > now() - interval '1 hour'));
