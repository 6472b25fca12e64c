-- Money: what deliveries cost, reserved before they may be ordered, and what is left of a month's budgets.

-- name: reserve_money
-- May this delivery cost so much? False: a limit would be exceeded, and nothing is reserved.
SELECT reserve_money($1, $2, $3, $4, $5, $6, $7);

-- name: spend_money
-- The provider has taken it. How many cents were reserved for it?
SELECT spend_money($1);

-- name: doubt_money
-- It may have been ordered. How many cents are newly in doubt?
SELECT doubt_money($1);

-- name: return_money
-- How many cents go back to the budget?
SELECT return_money($1, $2, $3, $4);

-- name: settle_money
-- What was reserved for deliveries that ended meanwhile, and what became of it?
SELECT move, cents FROM settle_money($1);

-- name: taken
-- How much of the month's budgets is taken, reserved or spent, for each of these clients, by whatever id, and for its
-- tenant?
WITH asked AS (
    SELECT DISTINCT tenant, client FROM unnest($1::text[], $2::text[]) AS pairs (tenant, client)
), of_tenants AS (
    SELECT tenant, sum(cents)::bigint AS cents FROM money
    WHERE tenant IN (SELECT tenant FROM asked) AND month = $3 AND state <> 'returned'
    GROUP BY tenant
), of_clients AS (
    SELECT asked.tenant, asked.client, sum(m.cents)::bigint AS cents
    FROM asked CROSS JOIN LATERAL ids_of(asked.tenant, asked.client) AS own (id)
    JOIN money m ON m.tenant = asked.tenant AND m.client = own.id
    WHERE m.month = $3 AND m.state <> 'returned'
    GROUP BY asked.tenant, asked.client
)
SELECT tenant, client, coalesce(c.cents, 0) AS client_cents, coalesce(t.cents, 0) AS tenant_cents
FROM asked LEFT JOIN of_clients c USING (tenant, client) LEFT JOIN of_tenants t USING (tenant);

-- name: costs
-- What did deliveries cost, newest first, and who gave back what?
SELECT m.delivery_id, d.celebration_id, m.tenant, m.client, d.channel, m.month, m.cents, m.state, m.in_doubt,
       d.state AS delivery_state, d.provider_id, r.author AS returned_by, r.why AS returned_why
FROM money m
JOIN deliveries d USING (delivery_id)
LEFT JOIN LATERAL (
    SELECT author, why FROM money_moves WHERE delivery_id = m.delivery_id AND move = 'returned'
    ORDER BY move_id DESC LIMIT 1) r ON m.state = 'returned'
WHERE ($1::text IS NULL OR m.tenant = $1) AND ($2::date IS NULL OR m.month = $2)
  AND ($3::text IS NULL OR m.delivery_id = $3)
ORDER BY m.created_at DESC, m.delivery_id
LIMIT $4;

-- name: in_doubt
-- How many cents may or may not have been ordered?
SELECT coalesce(sum(cents), 0)::bigint FROM money WHERE state = 'reserved' AND in_doubt;
