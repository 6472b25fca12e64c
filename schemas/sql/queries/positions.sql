-- Where delivery stands in each partition. Postgres alone holds the position.

-- name: claim_position
-- From where does the new owner of this partition read on? Raises the epoch, which turns the old owner away.
INSERT INTO positions (topic, partition, epoch, next_offset)
VALUES ($1, $2, 1, 0)
ON CONFLICT (topic, partition) DO UPDATE SET epoch = positions.epoch + 1, updated_at = now()
RETURNING epoch, next_offset;

-- name: lock_position
-- Who owns this partition, and what is its next offset? Nobody else may move it until we commit.
SELECT epoch, next_offset FROM positions WHERE topic = $1 AND partition = $2 FOR UPDATE;

-- name: advance_position
-- Everything below this offset is applied.
UPDATE positions SET next_offset = $3, updated_at = now() WHERE topic = $1 AND partition = $2;
