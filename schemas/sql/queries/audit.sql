-- The audit: chains of sealed decisions, as they are walked again.

-- name: heads
-- Where does each chain stand?
SELECT chain, sequence, digest FROM decision_chains ORDER BY chain;

-- name: count_decisions
-- How many decisions are there to look at?
SELECT count(*) FROM decisions;

-- name: batches
-- What follows in this chain?
SELECT sequence, decisions, seals, hashes, digest FROM decision_batches
WHERE chain = $1 AND sequence > $2 ORDER BY sequence LIMIT $3;

-- name: recorded
-- How do these decisions stand in the ledger?
SELECT d.decision_id, d.milestone_id, d.revision, d.tenant, d.client, d.part, d.outcome, d.reason, d.decided_at,
       d.created_at, d.detail, d.salt,
       EXISTS (SELECT FROM clients k WHERE k.tenant = d.tenant AND k.client = d.client AND k.erased_at IS NOT NULL)
           AS erased
FROM decisions d WHERE d.decision_id = ANY ($1::bigint[]);

-- name: unchained
-- Which batch never came into a chain?
SELECT chain, decisions FROM decision_batches WHERE sequence IS NULL OR digest IS NULL ORDER BY batch_id LIMIT 1;

-- name: unsealed
-- Which decision is in no batch?
SELECT d.decision_id
FROM decisions d LEFT JOIN (SELECT unnest(decisions) AS decision_id FROM decision_batches) AS sealed USING (decision_id)
WHERE sealed.decision_id IS NULL ORDER BY d.decision_id LIMIT 1;
