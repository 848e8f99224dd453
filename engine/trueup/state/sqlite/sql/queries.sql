-- The statements of the state store. A line `-- name: …` names the statement that follows it, up to
-- the semicolon. The tables are described in migrations/.

-- name: read_state
-- Identity and serial of the state, and the end of its journal.
SELECT lineage, serial, lines, head FROM state;

-- name: set_lineage
-- The lineage is set once.
UPDATE state SET lineage = :lineage WHERE lineage = '';

-- name: raise_serial
-- For a finished run or a manual edit.
UPDATE state SET serial = serial + 1;

-- name: set_head
-- The new end of the journal.
UPDATE state SET lines = :lines, head = :head;

-- name: restore_state
-- An import sets lineage, serial and end of the journal.
UPDATE state SET lineage = :lineage, serial = :serial, lines = :lines, head = :head;

-- name: read_lock
-- The lock with its lease.
SELECT token, holder, host, pid, born, realm, since, expires FROM lock;

-- name: take_lock
-- A new holder always gets a new token.
UPDATE lock SET token = token + 1, holder = :holder, host = :host, pid = :pid, born = :born, realm = :realm,
                since = :since, expires = :expires;

-- name: restore_lock
-- After another program deleted the row: the token is one that no process has had.
INSERT INTO lock (one, token, holder, host, pid, born, realm, since, expires)
VALUES (1, :token, '', '', 0, '', '', '', '');

-- name: extend_lock
-- For the heartbeat.
UPDATE lock SET expires = :expires;

-- name: free_lock
-- Gives the lock back; no row changes if the token is no longer the holder's.
UPDATE lock SET holder = '' WHERE token = :token;

-- name: read_links
-- All links, by key.
SELECT mapping, key, entity, record, how FROM links ORDER BY mapping, key;

-- name: put_link
-- Adds a link or replaces it.
INSERT INTO links (mapping, key, entity, record, how) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (mapping, key) DO UPDATE SET entity = excluded.entity, record = excluded.record, how = excluded.how;

-- name: drop_link
-- The row has no record any more.
DELETE FROM links WHERE mapping = ? AND key = ?;

-- name: read_applied
-- Values last applied, by key.
SELECT mapping, key, fields FROM applied ORDER BY mapping, key;

-- name: put_applied
-- Adds applied values or replaces them.
INSERT INTO applied (mapping, key, fields) VALUES (?, ?, ?)
ON CONFLICT (mapping, key) DO UPDATE SET fields = excluded.fields;

-- name: drop_applied
-- Deleted with the link: values of one record mean nothing for another one.
DELETE FROM applied WHERE mapping = ? AND key = ?;

-- name: read_pushed
-- Pushed changes, by key.
SELECT mapping, key, record, day, units, change, run, proof, marked, undone FROM pushed ORDER BY mapping, key;

-- name: put_pushed
-- Adds a pushed change or replaces it.
INSERT INTO pushed (mapping, key, record, day, units, change, run, proof, marked, undone)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (mapping, key) DO UPDATE SET
    record = excluded.record, day = excluded.day, units = excluded.units, change = excluded.change,
    run = excluded.run, proof = excluded.proof, marked = excluded.marked,
    undone = excluded.undone;

-- name: drop_pushed
-- The change waits for a decision again.
DELETE FROM pushed WHERE mapping = ? AND key = ?;

-- name: read_runs
-- All runs with their plans, oldest first.
SELECT id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor FROM runs ORDER BY number;

-- name: read_runs_without_plans
-- All runs, oldest first; plans may be large.
SELECT id, plan_digest, '', who, host, started, status, ended, undo_of, anchor FROM runs ORDER BY number;

-- name: read_open_runs
-- Runs that can be resumed or have changes in doubt, oldest first.
SELECT id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor FROM runs
WHERE status IN ('open', 'interrupted') OR id IN (SELECT run FROM doubts) ORDER BY number;

-- name: read_last_blocked
-- The rows that the plan of the last run kept out, by mapping and key. Undo runs and runs of a part know less.
SELECT json_extract(blocked.value, '$.mapping'), json_extract(blocked.value, '$.key')
FROM (
    SELECT plan FROM runs
    WHERE undo_of = '' AND CASE WHEN json_valid(plan) THEN coalesce(json_extract(plan, '$.selection'), '') = '' END
    ORDER BY number DESC LIMIT 1
) AS last, json_each(last.plan, '$.blocked') AS blocked;

-- name: read_run
-- One run with its plan.
SELECT id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor FROM runs WHERE id = :run;

-- name: has_run
-- Whether there is a run with this id: its index tells. For any column behind the plan, SQLite would
-- walk through all pages of the plan, with each journal entry.
SELECT 1 FROM runs WHERE id = :run;

-- name: run_status
-- The status of a run.
SELECT status FROM runs WHERE id = :run;

-- name: add_run
-- Numbers follow the order in which runs begin.
INSERT INTO runs (id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: finish_run
-- The anchor is the head of the journal after the line that finishes the run.
UPDATE runs SET status = :status, ended = :ended, anchor = :anchor WHERE id = :run;

-- name: read_lines
-- The whole journal, from the table: an index may be damaged.
SELECT seq, kind, run, change, step, at, data, previous, hash FROM journal NOT INDEXED ORDER BY seq;

-- name: add_line
-- Lines are only ever added.
INSERT INTO journal (seq, kind, run, change, step, at, data, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: read_entries
-- The entries of a run, oldest first.
SELECT change, step, at, data, seq FROM journal WHERE run = :run AND kind = 'entry' ORDER BY seq;

-- name: read_systems
-- The last line that names the systems of this state; searched from the end.
SELECT data FROM journal WHERE kind IN ('run', 'edit') AND json_extract(data, '$.systems') IS NOT NULL
ORDER BY seq DESC LIMIT 1;

-- name: read_audit
-- Manual edits, statements about plans and lock takeovers, oldest first.
SELECT seq, at, kind, run, data FROM journal WHERE kind IN ('edit', 'approval', 'lock') ORDER BY seq;

-- name: read_after
-- The lines after one line, oldest first.
SELECT seq, kind, run, change, step, at, data, previous, hash FROM journal
WHERE seq > :seq ORDER BY seq;

-- name: read_doubts
-- The last entry of each change in doubt, oldest first.
SELECT line.run, line.change, line.step, line.at, line.data, line.seq
FROM doubts JOIN journal AS line ON line.seq = doubts.seq ORDER BY line.seq;

-- name: read_doubt_rows
-- The table of doubts, to compare it with the journal.
SELECT run, change, seq FROM doubts;

-- name: is_used
-- Whether there is anything that an import would overwrite.
SELECT EXISTS (SELECT 1 FROM runs) OR EXISTS (SELECT 1 FROM links) OR EXISTS (SELECT 1 FROM applied)
    OR EXISTS (SELECT 1 FROM pushed) OR (SELECT lines > 0 OR serial > 0 FROM state);

-- name: has_hash
-- Whether a hash that was noted earlier is still a line of the journal.
SELECT 1 FROM journal WHERE hash = :hash LIMIT 1;

-- name: read_all_entries
-- The entries of all runs, oldest first.
SELECT change, step, at, data, seq FROM journal WHERE kind = 'entry' ORDER BY seq;
