-- Every statement of the state store under its name. A name is the line `-- name: …`, what follows up to
-- the semicolon is the statement. The tables are explained in migrations/.

-- name: read_state
-- Which state this is, how often it has moved, and where its journal ends.
SELECT lineage, serial, lines, head FROM state;

-- name: bear_lineage
-- Lineage is born once.
UPDATE state SET lineage = :lineage WHERE lineage = '';

-- name: raise_serial
-- A finished run or a change by hand.
UPDATE state SET serial = serial + 1;

-- name: set_head
-- The journal's new end.
UPDATE state SET lines = :lines, head = :head;

-- name: restore_state
-- An import brings its own lineage, serial and end of the journal.
UPDATE state SET lineage = :lineage, serial = :serial, lines = :lines, head = :head;

-- name: read_lock
-- The lease as it stands.
SELECT token, holder, host, pid, born, realm, since, expires FROM lock;

-- name: take_lock
-- A new holder, and always a new token.
UPDATE lock SET token = token + 1, holder = :holder, host = :host, pid = :pid, born = :born, realm = :realm,
                since = :since, expires = :expires;

-- name: restore_lock
-- Its row was taken out by another program: a token that nobody can have had.
INSERT INTO lock (one, token, holder, host, pid, born, realm, since, expires)
VALUES (1, :token, '', '', 0, '', '', '', '');

-- name: extend_lock
-- The heartbeat.
UPDATE lock SET expires = :expires;

-- name: free_lock
-- Given back; nothing happens if it is no longer ours.
UPDATE lock SET holder = '' WHERE token = :token;

-- name: read_links
-- In the order of their keys.
SELECT mapping, key, entity, record, how FROM links ORDER BY mapping, key;

-- name: put_link
-- The newest word counts.
INSERT INTO links (mapping, key, entity, record, how) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (mapping, key) DO UPDATE SET entity = excluded.entity, record = excluded.record, how = excluded.how;

-- name: drop_link
-- The row is nobody's record any more.
DELETE FROM links WHERE mapping = ? AND key = ?;

-- name: read_applied
-- Values last applied, in the order of their keys.
SELECT mapping, key, fields FROM applied ORDER BY mapping, key;

-- name: put_applied
-- The newest word counts.
INSERT INTO applied (mapping, key, fields) VALUES (?, ?, ?)
ON CONFLICT (mapping, key) DO UPDATE SET fields = excluded.fields;

-- name: drop_applied
-- Goes with the link: values applied to some record say nothing about the next one.
DELETE FROM applied WHERE mapping = ? AND key = ?;

-- name: read_pushed
-- Logs that were pushed, in the order of their keys.
SELECT mapping, key, record, day, units, change, run, proof, marked, undone FROM pushed ORDER BY mapping, key;

-- name: put_pushed
-- The newest word counts.
INSERT INTO pushed (mapping, key, record, day, units, change, run, proof, marked, undone)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (mapping, key) DO UPDATE SET
    record = excluded.record, day = excluded.day, units = excluded.units, change = excluded.change,
    run = excluded.run, proof = excluded.proof, marked = excluded.marked,
    undone = excluded.undone;

-- name: drop_pushed
-- The log waits for a decision again.
DELETE FROM pushed WHERE mapping = ? AND key = ?;

-- name: read_runs
-- All runs with their plans, oldest first.
SELECT id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor FROM runs ORDER BY number;

-- name: read_runs_without_plans
-- All runs, oldest first; a plan may be large.
SELECT id, plan_digest, '', who, host, started, status, ended, undo_of, anchor FROM runs ORDER BY number;

-- name: read_open_runs
-- Runs that can be resumed, or have changes in doubt, oldest first.
SELECT id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor FROM runs
WHERE status IN ('open', 'interrupted') OR id IN (SELECT run FROM doubts) ORDER BY number;

-- name: read_run
-- One run.
SELECT id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor FROM runs WHERE id = :run;

-- name: run_status
-- How a run stands, if it is known at all.
SELECT status FROM runs WHERE id = :run;

-- name: add_run
-- Numbers are given in the order of arrival.
INSERT INTO runs (id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: finish_run
-- The anchor is the journal's end, this line included.
UPDATE runs SET status = :status, ended = :ended, anchor = :anchor WHERE id = :run;

-- name: read_lines
-- The whole journal, as it stands in the table: an index may be damaged.
SELECT seq, kind, run, change, step, at, data, previous, hash FROM journal NOT INDEXED ORDER BY seq;

-- name: add_line
-- Lines are only ever added.
INSERT INTO journal (seq, kind, run, change, step, at, data, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: read_entries
-- A run's entries, oldest first.
SELECT change, step, at, data, seq FROM journal WHERE run = :run AND kind = 'entry' ORDER BY seq;

-- name: read_systems
-- The last line that says which source and target this state is about; looked for from the end.
SELECT data FROM journal WHERE kind IN ('run', 'edit') AND json_extract(data, '$.systems') IS NOT NULL
ORDER BY seq DESC LIMIT 1;

-- name: read_audit
-- What was done by hand, and whose lock was taken over, oldest first.
SELECT seq, at, kind, run, data FROM journal WHERE kind IN ('edit', 'lock') ORDER BY seq;

-- name: read_doubts
-- The last entry of each change that is neither known to have taken effect nor known not to have.
SELECT line.run, line.change, line.step, line.at, line.data, line.seq
FROM doubts JOIN journal AS line ON line.seq = doubts.seq ORDER BY line.seq;

-- name: read_doubt_rows
-- The table itself, to compare it with the journal.
SELECT run, change, seq FROM doubts;

-- name: is_used
-- Is there anything that an import would overwrite?
SELECT EXISTS (SELECT 1 FROM runs) OR EXISTS (SELECT 1 FROM links) OR EXISTS (SELECT 1 FROM applied)
    OR EXISTS (SELECT 1 FROM pushed) OR (SELECT lines > 0 OR serial > 0 FROM state);

-- name: has_hash
-- Is a hash that was noted earlier still a line of the journal?
SELECT 1 FROM journal WHERE hash = :hash LIMIT 1;

-- name: read_all_entries
-- Entries of all runs, oldest first.
SELECT change, step, at, data, seq FROM journal WHERE kind = 'entry' ORDER BY seq;
