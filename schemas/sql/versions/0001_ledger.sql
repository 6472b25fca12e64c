-- The ledger: what people and money depend on.
-- Two clocks: columns named due_at, expires_at, planned_at, celebrated_at, reached_at and until are
-- domain time (scaled in the demo); heard_at, retry_at, lease_until, created_at and every other
-- time are real. Ids of clients are pseudonymous; contact data stands in clients.profile alone.

CREATE TABLE positions (
    topic       text   NOT NULL,
    partition   int    NOT NULL CHECK (partition >= 0),
    epoch       bigint NOT NULL CHECK (epoch > 0),
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE positions IS 'Where delivery stands in each Kafka partition; Kafka itself holds no position. A claim raises the epoch, which fences the owner before.';

CREATE TABLE clients (
    tenant        text   NOT NULL,
    client        text   NOT NULL,
    profile       jsonb,
    source_offset bigint NOT NULL DEFAULT -1,
    erased_at     timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, client),
    CHECK (erased_at IS NULL OR profile IS NULL)
);
COMMENT ON TABLE clients IS 'The one table with contact data. A row without profile is a client of whom only events were heard; an erased client stays erased.';

CREATE TABLE milestones (
    milestone_id text PRIMARY KEY,
    revision     int  NOT NULL CHECK (revision > 0),
    retracted    boolean NOT NULL,
    tenant       text NOT NULL,
    client       text NOT NULL,
    rule         text NOT NULL,
    tier         text NOT NULL,
    reached_at   timestamptz NOT NULL,
    record       jsonb NOT NULL,
    heard_at     timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX milestones_of_client ON milestones (tenant, client, reached_at);
COMMENT ON TABLE milestones IS 'Each milestone at its highest revision; record is the whole of it as it travelled.';

CREATE TABLE celebrations (
    celebration_id text PRIMARY KEY,
    milestone_id   text NOT NULL UNIQUE REFERENCES milestones,
    revision       int  NOT NULL,
    tenant         text NOT NULL,
    client         text NOT NULL,
    rule           text NOT NULL,
    tier           text NOT NULL,
    mode           text NOT NULL CHECK (mode IN ('live', 'shadow')),
    outcome        text NOT NULL CHECK (outcome IN ('send', 'hold', 'task', 'skip', 'withdrawn')),
    moment         text,
    planned_at     timestamptz NOT NULL,
    due_at         timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    celebrated_at  timestamptz,
    heard_at       timestamptz NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX celebrations_of_client ON celebrations (tenant, client, planned_at);
CREATE INDEX celebrations_by_moment ON celebrations (tenant, client, moment) WHERE moment IS NOT NULL;
COMMENT ON TABLE celebrations IS 'One answer for each milestone. moment names what is celebrated once however many rules see it; celebrated_at is when its first part was released.';

CREATE TABLE deliveries (
    delivery_id    text PRIMARY KEY,
    celebration_id text NOT NULL REFERENCES celebrations,
    channel        text NOT NULL,
    tenant         text NOT NULL,
    client         text NOT NULL,
    rule           text NOT NULL,
    tier           text NOT NULL,
    state          text NOT NULL CHECK (state IN
        ('pending', 'held', 'deferred', 'sending', 'sent', 'delivered', 'bounced', 'failed', 'skipped', 'unknown')),
    reason         text,
    due_at         timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    retry_at       timestamptz,
    lease_until    timestamptz,
    fence          bigint NOT NULL DEFAULT 0,
    attempts       int NOT NULL DEFAULT 0,
    deferrals      int NOT NULL DEFAULT 0,
    provider_id    text,
    heard_at       timestamptz NOT NULL,
    sending_at     timestamptz,
    finished_at    timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (celebration_id, channel),
    CHECK (state NOT IN ('held', 'deferred', 'failed', 'skipped') OR reason IS NOT NULL),
    CHECK (state <> 'sending' OR lease_until IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX deliveries_due ON deliveries (channel, due_at) WHERE state IN ('pending', 'deferred');
CREATE INDEX deliveries_retrying ON deliveries (channel, retry_at)
    WHERE state IN ('pending', 'deferred') AND retry_at IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (tenant, client) WHERE state = 'held';
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE state = 'sending';
CREATE INDEX deliveries_expiring ON deliveries (expires_at) WHERE state IN ('pending', 'deferred', 'held');
CREATE INDEX deliveries_unsent_of_client ON deliveries (tenant, client)
    WHERE state IN ('pending', 'deferred', 'held');
COMMENT ON TABLE deliveries IS 'One channel of a celebration. pending with a lease is claimed and may be taken again; sending may have left us and is never sent again; unknown is never resent by itself.';
COMMENT ON COLUMN deliveries.fence IS 'Raised by each claim: a sender whose fence is old may record nothing.';
COMMENT ON COLUMN deliveries.attempts IS 'Conversations begun with the provider; deferrals counts waits for something of ours, such as a profile.';

CREATE TABLE decisions (
    decision_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    milestone_id   text NOT NULL,
    revision       int  NOT NULL,
    tenant         text NOT NULL,
    client         text NOT NULL,
    part           text NOT NULL,
    outcome        text NOT NULL,
    reason         text NOT NULL,
    detail         text,
    decided_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX decisions_of_milestone ON decisions (milestone_id);
CREATE INDEX decisions_of_client ON decisions (tenant, client, decision_id);
COMMENT ON TABLE decisions IS 'Append-only: what was decided for each part of a celebration, and why. part is a channel, or celebration for the whole.';

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: write a new row that corrects the old one', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER decisions_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE inbox (
    item_id     text PRIMARY KEY REFERENCES deliveries (delivery_id),
    position    bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    tenant      text NOT NULL,
    client      text NOT NULL,
    tier        text NOT NULL,
    title       text NOT NULL,
    text        text NOT NULL,
    html        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    read_at     timestamptz
);
CREATE INDEX inbox_of_client ON inbox (tenant, client, position DESC);
CREATE INDEX inbox_unread ON inbox (tenant, client) WHERE read_at IS NULL;
COMMENT ON TABLE inbox IS 'In-app messages as the client reads them; erasure deletes them. item_id is the delivery.';

CREATE TABLE suppressions (
    suppression_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant      text NOT NULL,
    client      text NOT NULL,
    answer      text NOT NULL CHECK (answer IN ('hold', 'drop')),
    reason      text NOT NULL CHECK (reason <> ''),
    author      text NOT NULL CHECK (author <> ''),
    until       timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    lifted_at   timestamptz,
    lifted_by   text
);
CREATE UNIQUE INDEX suppressions_in_force ON suppressions (tenant, client) WHERE lifted_at IS NULL;
COMMENT ON TABLE suppressions IS 'The human override for one client. hold keeps what is planned until it is lifted or expires; drop closes it.';

CREATE TABLE pauses (
    pause_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant      text,
    channel     text,
    rule        text,
    reason      text NOT NULL CHECK (reason <> ''),
    author      text NOT NULL CHECK (author <> ''),
    created_at  timestamptz NOT NULL DEFAULT now(),
    lifted_at   timestamptz,
    lifted_by   text
);
CREATE UNIQUE INDEX pauses_in_force ON pauses (tenant, channel, rule) NULLS NOT DISTINCT WHERE lifted_at IS NULL;
COMMENT ON TABLE pauses IS 'The brake: nothing in its scope is sent while it is in force; NULL means every one.';

CREATE TABLE opt_outs (
    tenant      text NOT NULL,
    client      text NOT NULL,
    channel     text NOT NULL,
    source      text NOT NULL,
    opted_out_at timestamptz NOT NULL DEFAULT now(),
    returned_at timestamptz,
    PRIMARY KEY (tenant, client, channel)
);
COMMENT ON TABLE opt_outs IS 'Channels that a client left by the unsubscribe link or a reply; returned_at undoes it.';

CREATE TABLE coach_tasks (
    task_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant         text NOT NULL,
    client         text NOT NULL,
    coach          text,
    celebration_id text REFERENCES celebrations,
    kind           text NOT NULL,
    reason         text NOT NULL,
    summary        text NOT NULL,
    minutes        int  NOT NULL CHECK (minutes >= 0),
    state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'dropped')),
    created_at     timestamptz NOT NULL DEFAULT now(),
    planned_at     timestamptz NOT NULL,
    closed_at      timestamptz,
    closed_by      text,
    UNIQUE (celebration_id, kind)
);
CREATE INDEX coach_tasks_open ON coach_tasks (tenant, task_id) WHERE state = 'open';
CREATE INDEX coach_tasks_of_client ON coach_tasks (tenant, client);
COMMENT ON TABLE coach_tasks IS 'What stays human: one task for what a celebration needs a person for, one for each thing that went wrong after.';

CREATE TABLE refused_records (
    topic       text   NOT NULL,
    partition   int    NOT NULL,
    "offset"    bigint NOT NULL,
    reason      text   NOT NULL,
    detail      text   NOT NULL,
    key         bytea,
    value       bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, "offset")
);
COMMENT ON TABLE refused_records IS 'Records that could not be read or planned, byte-identical; a profile is kept without its value, which may hold contact data.';
