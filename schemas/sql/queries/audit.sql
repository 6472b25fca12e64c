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
-- How do these decisions stand in the ledger? Joined, so that each is found by the index whatever is known of sizes.
SELECT d.decision_id, d.milestone_id, d.revision, d.tenant, d.client, d.part, d.outcome, d.reason, d.decided_at,
       d.created_at, d.detail, d.salt,
       EXISTS (SELECT FROM clients k WHERE k.tenant = d.tenant AND k.client = d.client AND k.erased_at IS NOT NULL)
           AS erased
FROM unnest($1::bigint[]) AS asked (decision_id) JOIN decisions d USING (decision_id);

-- name: unchained
-- Which batch never came into a chain?
SELECT chain, decisions FROM decision_batches WHERE sequence IS NULL OR digest IS NULL ORDER BY batch_id LIMIT 1;

-- name: unsealed
-- Which decision is in no batch? A set operation sorts or hashes, whatever is known of sizes; a join may not.
SELECT decision_id FROM decisions EXCEPT SELECT unnest(decisions) FROM decision_batches ORDER BY 1 LIMIT 1;
