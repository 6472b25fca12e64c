-- Named queries of the web: the client's inbox, keys of the administration.

-- name: inbox_items
-- What does this client's inbox hold, newest first, below the item $3 if one is given?
SELECT item_id AS id, tier, title, text, html, created_at, read_at
FROM inbox
WHERE tenant = $1 AND client = $2
  AND ($3::text IS NULL OR position < (
      SELECT position FROM inbox WHERE tenant = $1 AND client = $2 AND item_id = $3))
ORDER BY position DESC
LIMIT $4;

-- name: inbox_unread
-- How many items has this client not read?
SELECT count(*) FROM inbox WHERE tenant = $1 AND client = $2 AND read_at IS NULL;

-- name: mark_read
-- Mark one of this client's items as read, and so its message as opened; says whether the client has it. The first time
-- stays.
WITH read AS (
    UPDATE inbox SET read_at = coalesce(read_at, now())
    WHERE tenant = $1 AND client = $2 AND item_id = $3
    RETURNING item_id, read_at
), opened AS (
    UPDATE deliveries d SET opened_at = read.read_at FROM read
    WHERE d.delivery_id = read.item_id AND d.opened_at IS NULL
)
SELECT item_id FROM read;

-- name: create_key
-- Keep the hash of a new key.
INSERT INTO api_keys (key_hash, tenant, name) VALUES ($1, $2, $3) RETURNING key_id;

-- name: find_key
-- Whose key is this? Revoked keys are nobody's.
SELECT key_id, key_hash, tenant, name FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL;

-- name: list_keys
-- Which keys are there, and which are revoked?
SELECT key_id, tenant, name, created_at, revoked_at FROM api_keys ORDER BY key_id;

-- name: revoke_key
-- Revoke a key; says whether it was valid until now.
UPDATE api_keys SET revoked_at = now() WHERE key_id = $1 AND revoked_at IS NULL RETURNING key_id;
