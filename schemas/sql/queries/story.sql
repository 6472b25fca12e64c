-- The story: everything that the ledger knows of what a client reached and was told. No contact data.

-- name: client
-- Is the client known, and erased?
SELECT erased_at FROM clients WHERE tenant = $1 AND client = $2;

-- name: suppressions
-- Who switched automatic messages off, when, why, and until when?
SELECT answer, reason, author, until, created_at, lifted_at, lifted_by
FROM suppressions WHERE tenant = $1 AND client = $2 ORDER BY suppression_id DESC;

-- name: milestones
-- What did the client reach, the newest first, and what was planned as the answer?
SELECT m.milestone_id, m.revision, m.retracted, m.rule, m.tier, m.record ->> 'name' AS name, m.reached_at, m.heard_at,
       c.celebration_id, c.outcome, c.mode, c.moment, c.variant, c.planned_at, c.due_at, c.expires_at, c.celebrated_at,
       c.gift_cents, c.next_step,
       (SELECT x.record ->> 'name' FROM celebrations o JOIN milestones x USING (milestone_id)
        WHERE o.celebration_id = c.merged_into) AS merged_into,
       ARRAY(SELECT x.record ->> 'name' FROM celebrations o JOIN milestones x USING (milestone_id)
             WHERE o.merged_into = c.celebration_id ORDER BY x.reached_at) AS tells_of
FROM milestones m LEFT JOIN celebrations c USING (milestone_id)
WHERE m.tenant = $1 AND m.client = $2 AND ($3::text IS NULL OR m.milestone_id = $3)
ORDER BY m.reached_at DESC, m.milestone_id LIMIT $4;

-- name: deliveries
-- What became of each part that goes by itself?
SELECT c.milestone_id, d.channel, d.state, d.reason, d.due_at, d.retry_at, d.attempts, d.sending_at, d.finished_at,
       d.opened_at, d.clicked_at
FROM deliveries d JOIN celebrations c USING (celebration_id)
WHERE c.milestone_id = ANY ($1::text[]) ORDER BY d.created_at, d.channel;

-- name: decisions
-- What was decided, in its order?
SELECT milestone_id, revision, part, outcome, reason, detail, decided_at
FROM decisions WHERE milestone_id = ANY ($1::text[]) ORDER BY decision_id;

-- name: tasks
-- What was left to a person?
SELECT c.milestone_id, t.kind, t.summary, t.state, t.created_at, t.closed_at, t.closed_by
FROM coach_tasks t JOIN celebrations c USING (celebration_id)
WHERE c.milestone_id = ANY ($1::text[]) ORDER BY t.task_id;
