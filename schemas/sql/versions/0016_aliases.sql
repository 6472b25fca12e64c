-- Aliases: a tool that makes a new booking of every reschedule gives one session many ids.

CREATE TABLE session_aliases (
    tenant     text   NOT NULL,
    source     text   NOT NULL,
    alias_hash bytea  NOT NULL CHECK (octet_length(alias_hash) = 32),
    session_id text   NOT NULL,
    given_up   text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, source, alias_hash)
);
CREATE INDEX session_aliases_of_session ON session_aliases (tenant, source, session_id);
COMMENT ON TABLE session_aliases IS 'Which session a booking is that was rescheduled: SHA-256 of the booking''s own id, and the id under which its session is told. given_up holds ids under which a part of the session may have been told before a late hook said that both are one.';
