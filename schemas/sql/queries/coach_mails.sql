-- Mails to coaches: the question about an approval, once more when nobody answers, and the day's open tasks.

-- name: queue_tasks
-- A coach whose tasks of before $5 stand in no mail yet gets one, once a local day; $4 says whether the coach answers for
-- tasks of nobody, and $6 who else is a coach. The tasks are marked in the same statement.
WITH fresh AS (
    SELECT t.task_id FROM coach_tasks t
    WHERE t.tenant = $1 AND t.state = 'open' AND t.planned_at < $5
      AND (t.mailed_at IS NULL OR t.mailed_at < t.created_at)
      AND (t.coach = $2 OR ($4 AND (t.coach IS NULL OR t.coach <> ALL ($6::text[]))))
      AND NOT EXISTS (SELECT FROM coach_mails m WHERE m.kind = 'tasks' AND m.tenant = $1 AND m.coach = $2 AND m.day = $3)
    FOR NO KEY UPDATE SKIP LOCKED
), queued AS (
    INSERT INTO coach_mails (mail_id, tenant, coach, kind, day, due_at)
    SELECT substr(encode(sha256(convert_to(concat_ws(':', 'tasks', $1::text, $2::text, $3::date), 'UTF8')), 'hex'), 1, 32),
           $1, $2, 'tasks', $3, $5
    WHERE EXISTS (SELECT FROM fresh)
    ON CONFLICT DO NOTHING
    RETURNING mail_id
)
UPDATE coach_tasks t SET mailed_at = now()
FROM fresh WHERE t.task_id = fresh.task_id AND EXISTS (SELECT FROM queued)
RETURNING t.task_id;

-- name: tasks_of_coach
-- What is open for this coach? Of erased clients nothing is.
SELECT t.task_id, t.summary, t.minutes, k.profile
FROM coach_tasks t JOIN clients k ON k.tenant = t.tenant AND k.client = t.client
WHERE t.tenant = $1 AND t.state = 'open' AND k.erased_at IS NULL
  AND (t.coach = $2 OR ($3 AND (t.coach IS NULL OR t.coach <> ALL ($4::text[]))))
ORDER BY t.task_id
LIMIT $5;

-- name: claim_mails
-- Which mails are due and free? Each claim raises the fence.
WITH due AS (
    SELECT mail_id FROM coach_mails
    WHERE state = 'pending' AND due_at <= $1 AND (retry_at IS NULL OR retry_at <= now())
      AND (lease_until IS NULL OR lease_until < now())
    ORDER BY due_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE coach_mails m SET fence = m.fence + 1, lease_until = now() + make_interval(secs => $3)
FROM due WHERE m.mail_id = due.mail_id
RETURNING m.mail_id, m.tenant, m.coach, m.kind, m.celebration_id, m.revision, m.attempts, m.fence;

-- name: begin_mail
-- The point of no return: no row when the claim is lost, or what it asks about has been answered.
UPDATE coach_mails m SET state = 'sending', sending_at = now(), lease_until = now() + make_interval(secs => $3)
WHERE m.mail_id = $1 AND m.fence = $2 AND m.state = 'pending' AND m.lease_until > now()
  AND (m.kind = 'tasks' OR EXISTS (SELECT FROM approvals a WHERE a.celebration_id = m.celebration_id
                                   AND a.state = 'open' AND a.revision = m.revision))
RETURNING m.mail_id;

-- name: record_mail
-- What became of it? Only the one who holds the claim may say so.
UPDATE coach_mails SET state = $3, reason = $4, provider_id = $5, lease_until = NULL,
       retry_at = now() + make_interval(secs => $6), attempts = attempts + $7,
       finished_at = CASE WHEN $3 = 'pending' THEN NULL ELSE now() END
WHERE mail_id = $1 AND fence = $2 AND state IN ('pending', 'sending')
RETURNING mail_id;

-- name: sweep_mails
-- Whose sender died after the point of no return? Nobody knows whether these left, so they are never sent again.
UPDATE coach_mails SET state = 'unknown', reason = 'lost_in_sending', fence = fence + 1, lease_until = NULL,
       finished_at = now()
WHERE state = 'sending' AND lease_until < now()
RETURNING mail_id, kind;

-- name: unmark_tasks
-- The mail did not go: the next one lists these as new.
UPDATE coach_tasks t SET mailed_at = NULL
WHERE t.tenant = $1 AND t.state = 'open'
  AND (t.coach = $2 OR ($3 AND (t.coach IS NULL OR t.coach <> ALL ($4::text[]))));
