-- Coach tasks: what stays human.

-- name: upsert_tasks
-- Ask the coach; a task that was dropped with its celebration opens again, one that is done stays done, unless a part that
-- was sent once more failed once more.
INSERT INTO coach_tasks (tenant, client, coach, celebration_id, kind, part, reason, summary, minutes, planned_at)
SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS r
    (tenant text, client text, coach text, celebration_id text, kind text, part text, reason text, summary text, minutes int,
     planned_at timestamptz)
ON CONFLICT (celebration_id, kind, part) DO UPDATE
SET state = 'open', reason = EXCLUDED.reason, summary = EXCLUDED.summary, minutes = EXCLUDED.minutes,
    coach = EXCLUDED.coach, planned_at = EXCLUDED.planned_at, created_at = now(), closed_at = NULL, closed_by = NULL
WHERE coach_tasks.state = 'dropped'
   OR (coach_tasks.state = 'done' AND coach_tasks.kind = 'undelivered' AND coach_tasks.part <> '');

-- name: open_tasks
-- What is left to a coach to do? Oldest first.
SELECT task_id, tenant, client, coach, celebration_id, kind, reason, summary, minutes, planned_at
FROM coach_tasks
WHERE state = 'open' AND ($1::text IS NULL OR tenant = $1)
ORDER BY task_id
LIMIT $2;

-- name: close_task
-- The coach has done it. Returns a row when it was open.
UPDATE coach_tasks SET state = 'done', closed_at = now(), closed_by = $3
WHERE task_id = $1 AND ($2::text IS NULL OR tenant = $2) AND state = 'open'
RETURNING task_id;

-- name: minutes_asked
-- How many minutes do all open tasks ask of coaches?
SELECT coalesce(sum(minutes), 0) FROM coach_tasks WHERE state = 'open';
