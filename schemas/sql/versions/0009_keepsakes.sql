-- Keepsakes: which clients were asked to recommend the practice, and what came of it.

CREATE TABLE referrals (
    celebration_id  text PRIMARY KEY REFERENCES celebrations,
    code            text NOT NULL CHECK (code <> ''),
    tenant          text NOT NULL,
    client          text NOT NULL,
    asked_at        timestamptz NOT NULL,
    clicks          bigint NOT NULL DEFAULT 0 CHECK (clicks >= 0),
    last_clicked_at timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX referrals_of_client ON referrals (tenant, client, asked_at DESC);
CREATE INDEX referrals_by_code ON referrals (code);
COMMENT ON TABLE referrals IS 'Each time a client was asked to recommend the practice; asked_at is domain time. code is the client''s, random and the same each time; erasure deletes the rows, and nothing leads from a code to the client any more.';
