-- The first schema: what state remembers, who holds it, and the journal with its hash chain.

-- One row: which state this is, how often it has moved, and where its journal ends.
CREATE TABLE state (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    lineage TEXT    NOT NULL,  -- born at the first run, never changed
    serial  INTEGER NOT NULL,  -- up by one with each finished run and each change by hand
    lines   INTEGER NOT NULL,  -- lines in the journal
    head    TEXT    NOT NULL   -- hash of its last line
);
INSERT INTO state (one, lineage, serial, lines, head) VALUES (1, '', 0, 0, '');

-- One row: the lease. The token only ever grows; without a holder the lock is free.
CREATE TABLE lock (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    token   INTEGER NOT NULL,
    holder  TEXT    NOT NULL,  -- who, in words; '' is nobody
    host    TEXT    NOT NULL,
    pid     INTEGER NOT NULL,
    born    TEXT    NOT NULL,  -- when the process started, so that a number used again is told apart
    realm   TEXT    NOT NULL,  -- the boot and process namespace in which the number means anything
    since   TEXT    NOT NULL,
    expires TEXT    NOT NULL
);
INSERT INTO lock (one, token, holder, host, pid, born, realm, since, expires)
VALUES (1, 0, '', '', 0, '', '', '', '');

-- A row is a record.
CREATE TABLE links (
    mapping TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    entity  TEXT    NOT NULL,
    record  INTEGER NOT NULL,
    how     TEXT    NOT NULL,  -- created, decision, identity, match
    PRIMARY KEY (mapping, key)
) WITHOUT ROWID;

-- The owned values last applied to a row's record.
CREATE TABLE applied (
    mapping TEXT NOT NULL,
    key     TEXT NOT NULL,
    fields  TEXT NOT NULL,  -- JSON, as values.py writes it
    PRIMARY KEY (mapping, key)
);

-- A log that was pushed, or settled by hand, with its proof: never pushed again.
CREATE TABLE pushed (
    mapping TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    record  INTEGER NOT NULL,  -- the contract service
    day     TEXT    NOT NULL,  -- effective date as sent
    units   INTEGER NOT NULL,  -- what the whole merged adjustment changed
    change  TEXT    NOT NULL,
    run     TEXT    NOT NULL,
    proof   TEXT    NOT NULL,  -- JSON: unit rows
    marked  INTEGER NOT NULL,  -- 1: the source row carries its mark
    undone  INTEGER NOT NULL,  -- 1: an undo took its units back
    PRIMARY KEY (mapping, key)
);

-- One apply each, with the whole plan document.
CREATE TABLE runs (
    number      INTEGER PRIMARY KEY,  -- in the order in which they began
    id          TEXT NOT NULL UNIQUE,
    plan_digest TEXT NOT NULL,
    plan        TEXT NOT NULL,
    who         TEXT NOT NULL,
    host        TEXT NOT NULL,
    started     TEXT NOT NULL,
    status      TEXT NOT NULL,
    ended       TEXT,
    undo_of     TEXT NOT NULL
);

-- Every run, entry, effect, change by hand and lock taken over: one line each, each with the hash of the
-- one before it. All columns but the last are what the hash is over.
CREATE TABLE journal (
    seq      INTEGER PRIMARY KEY,  -- 1, 2, 3 … without a gap
    kind     TEXT NOT NULL,        -- run, entry, effects, finished, edit, lock
    run      TEXT NOT NULL,        -- '' where it belongs to none
    change   TEXT NOT NULL,        -- entries: id of the change in the run's plan
    step     TEXT NOT NULL,        -- entries: what became of it
    at       TEXT NOT NULL,
    data     TEXT NOT NULL,        -- canonical JSON
    previous TEXT NOT NULL,        -- hash of the line before; '' in the first
    hash     TEXT NOT NULL
);

-- A run's lines, and the last word on a change.
CREATE INDEX journal_of_run ON journal (run, change, seq);
