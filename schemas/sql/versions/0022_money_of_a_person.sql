-- Money: the budget of a client is that of the person, whatever ids they had; and what was reserved and not ordered may be
-- decided anew.

CREATE OR REPLACE FUNCTION reserve_money(
    asked_delivery text, asked_tenant text, asked_client text, asked_month date, asked_cents int,
    client_limit int, tenant_limit int
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    known money%ROWTYPE;
    own   text[] := ARRAY(SELECT ids_of(asked_tenant, asked_client));
BEGIN
    -- Writing to the row, rather than locking it, also makes a transaction with an older snapshot fail instead of
    -- adding up what it cannot see. Each statement below sees what was committed before it began.
    INSERT INTO money_months AS m (tenant, month) VALUES (asked_tenant, asked_month)
    ON CONFLICT (tenant, month) DO UPDATE SET reservations = m.reservations + 1;
    SELECT * INTO known FROM money WHERE delivery_id = asked_delivery FOR UPDATE;
    IF known.state <> 'returned' AND known.cents = asked_cents THEN
        RETURN true;
    ELSIF known.state = 'spent' OR known.in_doubt THEN
        RAISE EXCEPTION 'delivery % has % cents ordered, not %', asked_delivery, known.cents, asked_cents
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM return_money(asked_delivery, 'cairn', 'its amount changed before it was ordered');
    IF (SELECT coalesce(sum(cents) FILTER (WHERE client = ANY (own)), 0) + asked_cents > client_limit
            OR coalesce(sum(cents), 0) + asked_cents > tenant_limit
        FROM money WHERE tenant = asked_tenant AND month = asked_month AND state <> 'returned') THEN
        RETURN false;
    END IF;
    INSERT INTO money (delivery_id, tenant, client, month, cents, state)
    VALUES (asked_delivery, asked_tenant, asked_client, asked_month, asked_cents, 'reserved')
    ON CONFLICT (delivery_id) DO UPDATE
    SET month = EXCLUDED.month, cents = EXCLUDED.cents, state = 'reserved', updated_at = now();
    INSERT INTO money_moves (delivery_id, move, cents, author)
    VALUES (asked_delivery, 'reserved', asked_cents, 'cairn');
    RETURN true;
END $$;
COMMENT ON FUNCTION reserve_money IS 'Whether the delivery may cost so much: false when it would exceed a limit (NULL is none), and nothing more is reserved. Asked again for the same delivery it answers true and reserves nothing more; another amount takes the place of one that was not ordered. VOLATILE, so that each statement has a snapshot of its own (CREATE FUNCTION; 38.7).';
