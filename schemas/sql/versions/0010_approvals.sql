-- Approvals: what waits for a coach, and the mails that ask for it.
-- asked_at, escalate_at, close_at, expires_at, escalated_at, decided_at and due_at are domain time; every other time is real.

CREATE TABLE approvals (
    celebration_id text PRIMARY KEY REFERENCES celebrations,
    tenant       text NOT NULL,
    client       text NOT NULL,
    coach        text NOT NULL,
    revision     int  NOT NULL CHECK (revision > 0),
    parts        text[] NOT NULL CHECK (cardinality(parts) > 0),
    cents        int  NOT NULL CHECK (cents >= 0),
    state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'approved', 'declined', 'taken_over', 'closed')),
    reason       text,
    asked_at     timestamptz NOT NULL,
    escalate_at  timestamptz NOT NULL,
    close_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    escalated_at timestamptz,
    decided_by   text,
    decided_at   timestamptz,
    words        jsonb,
    note         text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (state <> 'closed' OR reason IS NOT NULL),
    CHECK (state NOT IN ('approved', 'declined', 'taken_over') OR (decided_by IS NOT NULL AND decided_at IS NOT NULL))
);
CREATE INDEX approvals_open ON approvals (tenant, asked_at) WHERE state = 'open';
CREATE INDEX approvals_of_client ON approvals (tenant, client);
COMMENT ON TABLE approvals IS 'One question to a coach for each celebration with parts that wait for a yes. Whether a part waits is told by this table and not by its delivery: a pause may come on top.';
COMMENT ON COLUMN approvals.words IS 'What was approved, by channel: {subject, paragraphs}. It may name the client: erasure removes it, and note.';
COMMENT ON COLUMN approvals.note IS 'Why somebody declined, in their words.';

CREATE TABLE coach_mails (
    mail_id        text PRIMARY KEY,
    tenant         text NOT NULL,
    coach          text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('approval', 'escalation', 'tasks')),
    celebration_id text REFERENCES celebrations,
    revision       int,
    day            date,
    state          text NOT NULL DEFAULT 'pending' CHECK (state IN
        ('pending', 'sending', 'sent', 'failed', 'unknown', 'skipped')),
    reason         text,
    due_at         timestamptz NOT NULL,
    retry_at       timestamptz,
    lease_until    timestamptz,
    fence          bigint NOT NULL DEFAULT 0,
    attempts       int NOT NULL DEFAULT 0,
    provider_id    text,
    sending_at     timestamptz,
    finished_at    timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CHECK ((kind = 'tasks') = (day IS NOT NULL) AND (kind = 'tasks') = (celebration_id IS NULL)),
    CHECK (state NOT IN ('failed', 'skipped', 'unknown') OR reason IS NOT NULL)
);
CREATE INDEX coach_mails_due ON coach_mails (due_at) WHERE state = 'pending';
CREATE INDEX coach_mails_sending ON coach_mails (mail_id) WHERE state = 'sending';
CREATE INDEX coach_mails_of_coach ON coach_mails (tenant, coach, day) WHERE kind = 'tasks';
COMMENT ON TABLE coach_mails IS 'Mails to coaches, with the states of deliveries: sending may have left us and is never sent again, unknown is not resent. mail_id is a function of what it is about. It holds no name, address or text.';

ALTER TABLE coach_tasks ADD COLUMN mailed_at timestamptz;
COMMENT ON COLUMN coach_tasks.mailed_at IS 'When a mail to the coach first listed it; before created_at for a task that opened again since.';
