-- The first schema: the tables of the state, its lock, and the journal with its hash chain.

-- One row: identity and serial of the state, and the end of its journal.
CREATE TABLE state (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    lineage TEXT    NOT NULL,  -- set by the first run, never changed
    serial  INTEGER NOT NULL,  -- up by one with each finished run and each manual edit
    lines   INTEGER NOT NULL,  -- lines in the journal
    head    TEXT    NOT NULL   -- hash of the last line
);
INSERT INTO state (one, lineage, serial, lines, head) VALUES (1, '', 0, 0, '');

-- One row: the lock with its lease. The token only grows; without a holder the lock is free.
CREATE TABLE lock (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    token   INTEGER NOT NULL,
    holder  TEXT    NOT NULL,  -- '' while the lock is free
    host    TEXT    NOT NULL,
    pid     INTEGER NOT NULL,
    born    TEXT    NOT NULL,  -- start time of the process, because numbers are reused
    realm   TEXT    NOT NULL,  -- the boot and process namespace in which the number counts
    since   TEXT    NOT NULL,
    expires TEXT    NOT NULL
);
INSERT INTO lock (one, token, holder, host, pid, born, realm, since, expires)
VALUES (1, 0, '', '', 0, '', '', '', '');

-- The record of each row.
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
    fields  TEXT NOT NULL,  -- JSON, as values.py encodes it
    PRIMARY KEY (mapping, key)
);

-- A license change that was pushed, or settled manually, with its proof: never pushed again.
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
    undone  INTEGER NOT NULL,  -- 1: an undo reversed its units
    PRIMARY KEY (mapping, key)
);

-- One row per apply, with the whole plan document.
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

-- One line per run, entry, effect, manual edit and lock takeover, each with the hash of the line
-- before it. The hash covers all columns but the last.
CREATE TABLE journal (
    seq      INTEGER PRIMARY KEY,  -- 1, 2, 3 … without a gap
    kind     TEXT NOT NULL,        -- run, entry, effects, finished, edit, lock
    run      TEXT NOT NULL,        -- '' for a line of no run
    change   TEXT NOT NULL,        -- entries: id of the change in the run's plan
    step     TEXT NOT NULL,        -- entries: the step of the change
    at       TEXT NOT NULL,
    data     TEXT NOT NULL,        -- canonical JSON
    previous TEXT NOT NULL,        -- hash of the line before; '' in the first
    hash     TEXT NOT NULL
);

-- For the lines of a run and the last entry of a change.
CREATE INDEX journal_of_run ON journal (run, change, seq);
