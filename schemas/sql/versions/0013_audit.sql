-- The audit: every decision is sealed in a chain of digests; and renewals are noted, for the read-out.

ALTER TABLE decisions ADD COLUMN salt bytea DEFAULT uuid_send(gen_random_uuid());
COMMENT ON COLUMN decisions.salt IS 'Hides detail in its seal; erasure takes both, and what is left can still be checked.';

CREATE TABLE decision_chains (
    chain    int    PRIMARY KEY,
    sequence bigint NOT NULL DEFAULT 0,
    digest   bytea  NOT NULL CHECK (octet_length(digest) = 32)
) WITH (fillfactor = 20);
INSERT INTO decision_chains (chain, digest)
SELECT chain, sha256(convert_to('cairn decisions ' || chain, 'UTF8')) FROM generate_series(0, 31) AS chain;
COMMENT ON TABLE decision_chains IS 'The head of each chain. A transaction''s decisions go to one chain by its number, so that few wait for each other.';

CREATE TABLE decision_batches (
    batch_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain       int      NOT NULL CHECK (chain BETWEEN 0 AND 31),
    sequence    bigint,
    decisions   bigint[] NOT NULL,
    seals       bytea[]  NOT NULL,
    hashes      bytea    NOT NULL,
    digest      bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (octet_length(hashes) = 32 * cardinality(decisions)),
    UNIQUE (chain, sequence)
);
COMMENT ON TABLE decision_batches IS 'The decisions of one statement, ascending: their ids, the seal of each detail (NULL where there was none), and the hash of each, 32 bytes after the other. sequence and digest are given when the transaction commits.';

-- The words of a decision that stay after erasure, each behind its length in bytes; times in microseconds.
CREATE FUNCTION framed(word text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT octet_length(word)::text || ':' || word $$;
CREATE FUNCTION microseconds(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
SELECT (extract(epoch FROM at) * 1000000)::bigint::text
$$;
CREATE FUNCTION decision_hash(
    decision_id bigint, milestone_id text, revision int, tenant text, client text, part text, outcome text,
    reason text, decided_at timestamptz, created_at timestamptz, seal bytea
) RETURNS bytea LANGUAGE sql STABLE AS $$
SELECT sha256(convert_to(
    framed(decision_id::text) || framed(milestone_id) || framed(revision::text) || framed(tenant) || framed(client)
    || framed(part) || framed(outcome) || framed(reason) || framed(microseconds(decided_at))
    || framed(microseconds(created_at)), 'UTF8') || coalesce(seal, ''))
$$;
CREATE FUNCTION detail_seal(salt bytea, detail text) RETURNS bytea LANGUAGE sql STABLE AS $$
SELECT CASE WHEN detail IS NOT NULL THEN sha256(salt || convert_to(detail, 'UTF8')) END
$$;

CREATE FUNCTION seal_decisions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO decision_batches (chain, decisions, seals, hashes)
    SELECT pg_current_xact_id()::text::numeric % 32, array_agg(decision_id ORDER BY decision_id),
           array_agg(seal ORDER BY decision_id),
           string_agg(decision_hash(decision_id, milestone_id, revision, tenant, client, part, outcome, reason,
                                    decided_at, created_at, seal), ''::bytea ORDER BY decision_id)
    FROM (SELECT d.*, detail_seal(d.salt, d.detail) AS seal FROM new_decisions d) AS sealed
    HAVING count(*) > 0;
    RETURN NULL;
END $$;

-- Chained when the transaction commits: the head is locked for the commit alone, and after every other lock.
CREATE FUNCTION chain_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE decision_chains
    SET sequence = sequence + 1, digest = sha256(digest || int8send(sequence + 1) || NEW.hashes)
    WHERE chain = NEW.chain;
    UPDATE decision_batches b SET sequence = c.sequence, digest = c.digest
    FROM decision_chains c WHERE b.batch_id = NEW.batch_id AND c.chain = NEW.chain;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER batches_are_chained AFTER INSERT ON decision_batches
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chain_batch();

-- What was decided before this version is sealed as it stands.
INSERT INTO decision_batches (chain, decisions, seals, hashes)
SELECT 0, array_agg(decision_id ORDER BY decision_id), array_agg(seal ORDER BY decision_id),
       string_agg(decision_hash(decision_id, milestone_id, revision, tenant, client, part, outcome, reason,
                                decided_at, created_at, seal), ''::bytea ORDER BY decision_id)
FROM (SELECT d.*, detail_seal(d.salt, d.detail) AS seal FROM decisions d) AS sealed
GROUP BY decision_id / 1000 ORDER BY decision_id / 1000;
SET CONSTRAINTS batches_are_chained IMMEDIATE;
SET CONSTRAINTS batches_are_chained DEFERRED;

CREATE TRIGGER decisions_are_sealed AFTER INSERT ON decisions
    REFERENCING NEW TABLE AS new_decisions FOR EACH STATEMENT EXECUTE FUNCTION seal_decisions();

-- Append-only, with one way out: an erased client's detail and its salt are taken, and nothing else is.
DROP TRIGGER decisions_are_append_only ON decisions;
CREATE TRIGGER decisions_are_append_only BEFORE DELETE OR TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE FUNCTION refuse_all_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.detail IS NULL AND NEW.salt IS NULL
       AND to_jsonb(NEW) - 'detail' - 'salt' = to_jsonb(OLD) - 'detail' - 'salt'
       AND EXISTS (SELECT FROM clients WHERE tenant = OLD.tenant AND client = OLD.client AND erased_at IS NOT NULL)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: write a new row that corrects the old one', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER decisions_are_only_erased BEFORE UPDATE ON decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_erasure();

CREATE TRIGGER batches_are_append_only BEFORE DELETE OR TRUNCATE ON decision_batches
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE FUNCTION refuse_all_but_chaining() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.sequence IS NULL AND OLD.digest IS NULL
       AND to_jsonb(NEW) - 'sequence' - 'digest' = to_jsonb(OLD) - 'sequence' - 'digest'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: what is chained stays', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER batches_are_only_chained BEFORE UPDATE ON decision_batches
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_chaining();

CREATE TABLE renewals (
    tenant      text NOT NULL,
    client      text NOT NULL,
    renewal_on  date NOT NULL,
    heard_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, client, renewal_on)
);
COMMENT ON TABLE renewals IS 'A client''s day of renewal moved on to a later one, and when a profile said so. Erasure deletes them.';

CREATE FUNCTION note_renewal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO renewals (tenant, client, renewal_on)
    VALUES (NEW.tenant, NEW.client, (NEW.profile ->> 'renewal_on')::date) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER renewals_are_noted AFTER UPDATE OF profile ON clients
    FOR EACH ROW WHEN (NEW.profile ->> 'renewal_on' > OLD.profile ->> 'renewal_on') EXECUTE FUNCTION note_renewal();
