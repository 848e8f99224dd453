-- The first schema: what the tables of SQLite hold after its third migration, for many tenants.
--
-- Texts compare by code point, as in SQLite: exports are in the same order. Instants, days and JSON
-- are texts, exactly as they were written, because the hashes of the journal are made of them.

CREATE SCHEMA IF NOT EXISTS trueup;

-- One row: how many migrations these tables have seen.
CREATE TABLE trueup.schema_version (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL
);

-- One row per tenant: identity and serial of its state, and the end of its journal. Each call that
-- writes locks this row first, so that the writers of a tenant take turns.
CREATE TABLE trueup.state (
    tenant  text COLLATE "C" PRIMARY KEY,
    lineage text   NOT NULL,  -- set by the first run, never changed
    serial  bigint NOT NULL,  -- up by one with each finished run and each manual edit
    lines   bigint NOT NULL,  -- lines in the journal
    head    text   NOT NULL   -- hash of the last line
);

-- One row per tenant: the lock with its lease. The token only grows; without a holder it is free.
CREATE TABLE trueup.lock (
    tenant  text COLLATE "C" PRIMARY KEY,
    token   bigint NOT NULL,
    holder  text   NOT NULL,  -- '' while the lock is free
    host    text   NOT NULL,
    pid     bigint NOT NULL,
    born    text   NOT NULL,  -- start time of the process, because numbers are reused
    realm   text   NOT NULL,  -- the boot and process namespace in which the number counts
    since   text   NOT NULL,  -- by the clock of the server
    expires text   NOT NULL
);

-- The record of each row.
CREATE TABLE trueup.links (
    tenant  text   COLLATE "C" NOT NULL,
    mapping text   COLLATE "C" NOT NULL,
    key     text   COLLATE "C" NOT NULL,
    entity  text   NOT NULL,
    record  bigint NOT NULL,
    how     text   NOT NULL,  -- created, decision, identity, match
    PRIMARY KEY (tenant, mapping, key)
);

-- The owned values last applied to a row's record.
CREATE TABLE trueup.applied (
    tenant  text COLLATE "C" NOT NULL,
    mapping text COLLATE "C" NOT NULL,
    key     text COLLATE "C" NOT NULL,
    fields  text NOT NULL,  -- JSON, as values.py encodes it
    PRIMARY KEY (tenant, mapping, key)
);

-- A license change that was pushed, or settled manually, with its proof: never pushed again.
CREATE TABLE trueup.pushed (
    tenant  text    COLLATE "C" NOT NULL,
    mapping text    COLLATE "C" NOT NULL,
    key     text    COLLATE "C" NOT NULL,
    record  bigint  NOT NULL,  -- the contract service
    day     text    NOT NULL,  -- effective date as sent
    units   bigint  NOT NULL,  -- what the whole merged adjustment changed
    change  text    NOT NULL,
    run     text    NOT NULL,
    proof   text    NOT NULL,  -- JSON: unit rows
    marked  integer NOT NULL,  -- 1: the source row carries its mark
    undone  integer NOT NULL,  -- 1: an undo reversed its units
    PRIMARY KEY (tenant, mapping, key)
);

-- One row per apply, with the whole plan document.
CREATE TABLE trueup.runs (
    tenant      text   COLLATE "C" NOT NULL,
    number      bigint NOT NULL,  -- in the order in which they began
    id          text   COLLATE "C" NOT NULL,
    plan_digest text   NOT NULL,
    plan        text   NOT NULL,
    who         text   NOT NULL,
    host        text   NOT NULL,
    started     text   NOT NULL,
    status      text   NOT NULL,
    ended       text,
    undo_of     text   NOT NULL,
    anchor      text   NOT NULL,  -- the head of the journal at its end; '' until then
    PRIMARY KEY (tenant, number),
    UNIQUE (tenant, id)
);

-- One line per run, entry, effect, edit, statement and lock takeover, each with the hash of the line
-- before it. The hash covers all columns but the tenant and the last.
CREATE TABLE trueup.journal (
    tenant   text   COLLATE "C" NOT NULL,
    seq      bigint NOT NULL,  -- 1, 2, 3 … without a gap
    kind     text   COLLATE "C" NOT NULL,
    run      text   COLLATE "C" NOT NULL,  -- '' for a line of no run
    change   text   COLLATE "C" NOT NULL,  -- entries: id of the change in the run's plan
    step     text   NOT NULL,  -- entries: the step of the change
    at       text   NOT NULL,
    data     text   NOT NULL,  -- canonical JSON
    previous text   NOT NULL,  -- hash of the line before; '' in the first
    hash     text   NOT NULL,
    PRIMARY KEY (tenant, seq)
);

-- For the lines of a run and the last entry of a change.
CREATE INDEX journal_of_run ON trueup.journal (tenant, run, change, seq);

-- The last entry of each change whose outcome is unknown: each plan needs them.
CREATE TABLE trueup.doubts (
    tenant text   COLLATE "C" NOT NULL,
    run    text   COLLATE "C" NOT NULL,
    change text   COLLATE "C" NOT NULL,
    seq    bigint NOT NULL,  -- the entry
    PRIMARY KEY (tenant, run, change)
);

CREATE FUNCTION trueup.keep_the_journal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is only ever added to';
END $$;

CREATE TRIGGER journal_keeps_its_lines BEFORE UPDATE OR DELETE ON trueup.journal
FOR EACH ROW EXECUTE FUNCTION trueup.keep_the_journal();

CREATE TRIGGER journal_keeps_all_lines BEFORE TRUNCATE ON trueup.journal
FOR EACH STATEMENT EXECUTE FUNCTION trueup.keep_the_journal();

CREATE FUNCTION trueup.tell_doubts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM trueup.doubts
    WHERE tenant = new.tenant AND run = new.run AND change = new.change;
    IF new.step IN ('started', 'in doubt', 'answered', 'unclear') THEN
        INSERT INTO trueup.doubts (tenant, run, change, seq)
        VALUES (new.tenant, new.run, new.change, new.seq);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER journal_tells_doubts AFTER INSERT ON trueup.journal
FOR EACH ROW WHEN (new.kind = 'entry') EXECUTE FUNCTION trueup.tell_doubts();

-- The rows that the plan of a tenant's last run kept out. Undo runs and runs of a part know less, and
-- a plan that is no JSON knows nothing. Plans are large: this reads no more of them than it must.
CREATE FUNCTION trueup.last_blocked(of_tenant text) RETURNS TABLE (mapping text, key text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    known text;
    parsed json;
BEGIN
    FOR known IN
        SELECT plan FROM trueup.runs WHERE tenant = of_tenant AND undo_of = '' ORDER BY number DESC
    LOOP
        BEGIN
            parsed := known::json;
            IF coalesce(parsed ->> 'selection', '') = '' THEN
                IF json_typeof(parsed -> 'blocked') = 'array' THEN
                    RETURN QUERY SELECT row ->> 'mapping', row ->> 'key'
                    FROM json_array_elements(parsed -> 'blocked') AS row;
                END IF;
                RETURN;
            END IF;
        EXCEPTION WHEN data_exception THEN
            NULL;  -- no JSON: the run before it is asked
        END;
    END LOOP;
END $$;
