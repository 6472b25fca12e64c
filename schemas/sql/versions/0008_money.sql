-- Money: what is reserved and spent a calendar month, never more than was allowed.
-- Locks are taken in one order by everybody: clients, deliveries, money_months, money.

CREATE TABLE money (
    delivery_id text PRIMARY KEY REFERENCES deliveries,
    tenant      text NOT NULL,
    client      text NOT NULL,
    month       date NOT NULL CHECK (extract(day FROM month) = 1),
    cents       int  NOT NULL CHECK (cents >= 0),
    state       text NOT NULL CHECK (state IN ('reserved', 'spent', 'returned')),
    in_doubt    boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (state = 'reserved' OR NOT in_doubt)
);
CREATE INDEX money_of_month ON money (tenant, month, client) INCLUDE (cents) WHERE state <> 'returned';
CREATE INDEX money_reserved ON money (delivery_id) WHERE state = 'reserved';
COMMENT ON TABLE money IS 'What a delivery costs; pseudonymous, so that erasing a client leaves it. What is reserved or spent counts against the budgets of its month.';
COMMENT ON COLUMN money.month IS 'The first day of the calendar month in UTC, domain time, in which it was reserved; what comes back comes back to it.';
COMMENT ON COLUMN money.in_doubt IS 'Nobody knows whether it was ordered: it stays reserved until somebody does.';

CREATE TABLE money_months (
    tenant       text NOT NULL,
    month        date NOT NULL,
    reservations bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, month)
) WITH (fillfactor = 50);
COMMENT ON TABLE money_months IS 'A row to lock: whoever reserves writes to it first, so that reservations of a tenant''s month come one after the other.';

CREATE TABLE money_moves (
    move_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id text NOT NULL REFERENCES money,
    move        text NOT NULL CHECK (move IN ('reserved', 'doubted', 'spent', 'returned')),
    cents       int  NOT NULL,
    author      text NOT NULL CHECK (author <> ''),
    why         text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX money_moves_of_delivery ON money_moves (delivery_id, move_id);
COMMENT ON TABLE money_moves IS 'Append-only: what happened to the money of a delivery, when, by whom and why.';
CREATE TRIGGER money_moves_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON money_moves
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE FUNCTION reserve_money(
    asked_delivery text, asked_tenant text, asked_client text, asked_month date, asked_cents int,
    client_limit int, tenant_limit int
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    known money%ROWTYPE;
BEGIN
    -- Writing to the row, rather than locking it, also makes a transaction with an older snapshot fail instead of
    -- adding up what it cannot see. Each statement below sees what was committed before it began.
    INSERT INTO money_months AS m (tenant, month) VALUES (asked_tenant, asked_month)
    ON CONFLICT (tenant, month) DO UPDATE SET reservations = m.reservations + 1;
    SELECT * INTO known FROM money WHERE delivery_id = asked_delivery FOR UPDATE;
    IF known.state <> 'returned' THEN
        IF known.cents <> asked_cents THEN
            RAISE EXCEPTION 'delivery % has % cents reserved, not %: its amount is decided once',
                asked_delivery, known.cents, asked_cents USING ERRCODE = 'invalid_parameter_value';
        END IF;
        RETURN true;
    END IF;
    IF (SELECT coalesce(sum(cents) FILTER (WHERE client = asked_client), 0) + asked_cents > client_limit
            OR coalesce(sum(cents), 0) + asked_cents > tenant_limit
        FROM money WHERE tenant = asked_tenant AND month = asked_month AND state <> 'returned') THEN
        RETURN false;
    END IF;
    INSERT INTO money (delivery_id, tenant, client, month, cents, state)
    VALUES (asked_delivery, asked_tenant, asked_client, asked_month, asked_cents, 'reserved')
    ON CONFLICT (delivery_id) DO UPDATE
    SET month = EXCLUDED.month, cents = EXCLUDED.cents, state = 'reserved', updated_at = now()
    WHERE money.state = 'returned';
    IF FOUND THEN
        INSERT INTO money_moves (delivery_id, move, cents, author)
        VALUES (asked_delivery, 'reserved', asked_cents, 'cairn');
    END IF;
    RETURN true;
END $$;
COMMENT ON FUNCTION reserve_money IS 'Whether the delivery may cost so much: false when it would exceed a limit (NULL is none), and nothing is reserved. Asked again for the same delivery it answers true and reserves nothing more. VOLATILE, so that each statement has a snapshot of its own (CREATE FUNCTION; 38.7).';

CREATE FUNCTION spend_money(asked_delivery text) RETURNS int LANGUAGE sql VOLATILE AS $$
WITH spent AS (
    UPDATE money SET state = 'spent', in_doubt = false, updated_at = now()
    WHERE delivery_id = asked_delivery AND state = 'reserved'
    RETURNING delivery_id, cents
), moved AS (
    INSERT INTO money_moves (delivery_id, move, cents, author) SELECT delivery_id, 'spent', cents, 'cairn' FROM spent
)
SELECT cents FROM spent
$$;
COMMENT ON FUNCTION spend_money IS 'The provider has taken it. The cents that were reserved; NULL when none were.';

CREATE FUNCTION doubt_money(asked_delivery text) RETURNS int LANGUAGE sql VOLATILE AS $$
WITH doubted AS (
    UPDATE money SET in_doubt = true, updated_at = now()
    WHERE delivery_id = asked_delivery AND state = 'reserved' AND NOT in_doubt
    RETURNING delivery_id, cents
), moved AS (
    INSERT INTO money_moves (delivery_id, move, cents, author)
    SELECT delivery_id, 'doubted', cents, 'cairn' FROM doubted
)
SELECT cents FROM doubted
$$;
COMMENT ON FUNCTION doubt_money IS 'It may have been ordered: the cents stay reserved until it is spent, or returned by somebody who is certain. NULL when nothing new is in doubt.';

CREATE FUNCTION return_money(
    asked_delivery text, asked_author text DEFAULT 'cairn', asked_why text DEFAULT NULL, certain boolean DEFAULT false
) RETURNS int LANGUAGE sql VOLATILE AS $$
WITH returned AS (
    UPDATE money SET state = 'returned', in_doubt = false, updated_at = now()
    WHERE delivery_id = asked_delivery AND state <> 'returned' AND (certain OR (state = 'reserved' AND NOT in_doubt))
    RETURNING delivery_id, cents
), moved AS (
    INSERT INTO money_moves (delivery_id, move, cents, author, why)
    SELECT delivery_id, 'returned', cents, asked_author, asked_why FROM returned
)
SELECT cents FROM returned
$$;
COMMENT ON FUNCTION return_money IS 'The cents go back to the budget of their month. Spent ones, and ones in doubt, only when the caller is certain, as the provider''s own word is. NULL when nothing came back.';

CREATE FUNCTION settle_money(most int) RETURNS TABLE (move text, cents int) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ended record;
BEGIN
    -- The delivery is locked too, so that it is not reopened and reserved for again meanwhile.
    FOR ended IN
        SELECT d.delivery_id, d.state FROM deliveries d JOIN money m USING (delivery_id)
        WHERE m.state = 'reserved' AND (d.state IN ('sent', 'delivered', 'bounced')
                                        OR (NOT m.in_doubt AND d.state IN ('unknown', 'failed', 'skipped')))
        LIMIT most FOR NO KEY UPDATE OF d, m SKIP LOCKED
    LOOP
        IF ended.state IN ('failed', 'skipped') THEN
            RETURN QUERY SELECT 'returned', return_money(ended.delivery_id, 'cairn', 'the delivery ended without it');
        ELSIF ended.state = 'unknown' THEN
            RETURN QUERY SELECT 'doubted', doubt_money(ended.delivery_id);
        ELSE
            RETURN QUERY SELECT 'spent', spend_money(ended.delivery_id);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION settle_money IS 'Deliveries that ended, by whoever, settle what was reserved for them: sent is spent, unknown is in doubt, what never left comes back unless it is in doubt. At most so many at a time.';
