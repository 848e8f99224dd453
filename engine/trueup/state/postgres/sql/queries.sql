-- The statements of the state on PostgreSQL. A line `-- name: …` names the statement that follows it,
-- up to the semicolon. The tables are described in migrations/. %(tenant)s is always given; a
-- statement whose values are in order gets it as the last one.

-- name: open_reading
-- What a call that reads must know first: the version of the schema, and whether there is this state.
SELECT version, EXISTS (SELECT 1 FROM trueup.state WHERE tenant = %(tenant)s) FROM trueup.schema_version;

-- name: open_writing
-- Locks the row of the tenant until the end of the transaction; selects nothing if there is no such row.
SELECT known.version FROM trueup.state AS mine, trueup.schema_version AS known
WHERE mine.tenant = %(tenant)s FOR UPDATE OF mine;

-- name: add_state
-- A new tenant.
INSERT INTO trueup.state (tenant, lineage, serial, lines, head) VALUES (%(tenant)s, '', 0, 0, '')
ON CONFLICT (tenant) DO NOTHING;

-- name: add_lock
-- The lock of a new tenant.
INSERT INTO trueup.lock (tenant, token, holder, host, pid, born, realm, since, expires)
VALUES (%(tenant)s, 0, '', '', 0, '', '', '', '') ON CONFLICT (tenant) DO NOTHING;

-- name: read_clock
-- The server's time: now() would be the time before this transaction waited for another one.
SELECT clock_timestamp() AT TIME ZONE 'UTC';

-- name: read_state
-- Identity and serial of the state, and the end of its journal.
SELECT lineage, serial, lines, head FROM trueup.state WHERE tenant = %(tenant)s;

-- name: set_lineage
-- The lineage is set once.
UPDATE trueup.state SET lineage = %(lineage)s WHERE tenant = %(tenant)s AND lineage = '';

-- name: raise_serial
-- For a finished run or a manual edit.
UPDATE trueup.state SET serial = serial + 1 WHERE tenant = %(tenant)s;

-- name: set_head
-- The new end of the journal.
UPDATE trueup.state SET lines = %(lines)s, head = %(head)s WHERE tenant = %(tenant)s;

-- name: restore_state
-- An import sets lineage, serial and end of the journal.
UPDATE trueup.state SET lineage = %(lineage)s, serial = %(serial)s, lines = %(lines)s, head = %(head)s
WHERE tenant = %(tenant)s;

-- name: read_lock
-- The lock with its lease.
SELECT token, holder, host, pid, born, realm, since, expires FROM trueup.lock WHERE tenant = %(tenant)s;

-- name: take_lock
-- A new holder always gets a new token.
UPDATE trueup.lock SET token = token + 1, holder = %(holder)s, host = %(host)s, pid = %(pid)s, born = %(born)s,
    realm = %(realm)s, since = %(since)s, expires = %(expires)s WHERE tenant = %(tenant)s;

-- name: restore_lock
-- After another program deleted the row: the token is one that no process has had.
INSERT INTO trueup.lock (tenant, token, holder, host, pid, born, realm, since, expires)
VALUES (%(tenant)s, %(token)s, '', '', 0, '', '', '', '');

-- name: extend_lock
-- For the heartbeat.
UPDATE trueup.lock SET expires = %(expires)s WHERE tenant = %(tenant)s;

-- name: free_lock
-- Gives the lock back; no row changes if the token is no longer the holder's.
UPDATE trueup.lock SET holder = '' WHERE tenant = %(tenant)s AND token = %(token)s;

-- name: read_links
-- All links, by key.
SELECT mapping, key, entity, record, how FROM trueup.links WHERE tenant = %(tenant)s ORDER BY mapping, key;

-- name: put_link
-- Adds a link or replaces it.
INSERT INTO trueup.links (mapping, key, entity, record, how, tenant) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant, mapping, key) DO UPDATE SET entity = excluded.entity, record = excluded.record, how = excluded.how;

-- name: drop_link
-- The row has no record any more.
DELETE FROM trueup.links WHERE mapping = %s AND key = %s AND tenant = %s;

-- name: read_applied
-- Values last applied, by key.
SELECT mapping, key, fields FROM trueup.applied WHERE tenant = %(tenant)s ORDER BY mapping, key;

-- name: put_applied
-- Adds applied values or replaces them.
INSERT INTO trueup.applied (mapping, key, fields, tenant) VALUES (%s, %s, %s, %s)
ON CONFLICT (tenant, mapping, key) DO UPDATE SET fields = excluded.fields;

-- name: drop_applied
-- Deleted with the link: values of one record mean nothing for another one.
DELETE FROM trueup.applied WHERE mapping = %s AND key = %s AND tenant = %s;

-- name: read_pushed
-- Pushed changes, by key.
SELECT mapping, key, record, day, units, change, run, proof, marked, undone FROM trueup.pushed
WHERE tenant = %(tenant)s ORDER BY mapping, key;

-- name: put_pushed
-- Adds a pushed change or replaces it.
INSERT INTO trueup.pushed (mapping, key, record, day, units, change, run, proof, marked, undone, tenant)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant, mapping, key) DO UPDATE SET
    record = excluded.record, day = excluded.day, units = excluded.units, change = excluded.change,
    run = excluded.run, proof = excluded.proof, marked = excluded.marked,
    undone = excluded.undone;

-- name: drop_pushed
-- The change waits for a decision again.
DELETE FROM trueup.pushed WHERE mapping = %s AND key = %s AND tenant = %s;

-- name: read_runs
-- All runs with their plans, oldest first.
SELECT id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor FROM trueup.runs
WHERE tenant = %(tenant)s ORDER BY number;

-- name: read_runs_without_plans
-- All runs, oldest first; plans may be large.
SELECT id, plan_digest, '', who, host, started, status, ended, undo_of, anchor FROM trueup.runs
WHERE tenant = %(tenant)s ORDER BY number;

-- name: read_open_runs
-- Runs that can be resumed or have changes in doubt, oldest first.
SELECT id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor FROM trueup.runs
WHERE tenant = %(tenant)s AND (status IN ('open', 'interrupted')
    OR id IN (SELECT run FROM trueup.doubts WHERE tenant = %(tenant)s)) ORDER BY number;

-- name: read_last_blocked
-- The rows that the plan of the last run kept out, by mapping and key.
SELECT mapping, key FROM trueup.last_blocked(%(tenant)s);

-- name: read_run
-- One run with its plan.
SELECT id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor FROM trueup.runs
WHERE tenant = %(tenant)s AND id = %(run)s;

-- name: has_run
-- Whether there is a run with this id.
SELECT 1 FROM trueup.runs WHERE tenant = %(tenant)s AND id = %(run)s;

-- name: run_status
-- The status of a run.
SELECT status FROM trueup.runs WHERE tenant = %(tenant)s AND id = %(run)s;

-- name: add_run
-- Numbers follow the order in which the runs of a tenant begin; its writers take turns.
INSERT INTO trueup.runs (id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor, tenant, number)
SELECT new.*, coalesce((SELECT max(number) FROM trueup.runs WHERE tenant = new.tenant), 0) + 1
FROM (VALUES (%s, %s, %s, %s, %s, %s, %s, %s::text, %s, %s, %s))
    AS new (id, plan_digest, plan, who, host, started, status, ended, undo_of, anchor, tenant);

-- name: finish_run
-- The anchor is the head of the journal after the line that finishes the run.
UPDATE trueup.runs SET status = %(status)s, ended = %(ended)s, anchor = %(anchor)s
WHERE tenant = %(tenant)s AND id = %(run)s;

-- name: read_lines
-- The whole journal.
SELECT seq, kind, run, change, step, at, data, previous, hash FROM trueup.journal
WHERE tenant = %(tenant)s ORDER BY seq;

-- name: add_line
-- Lines are only ever added.
INSERT INTO trueup.journal (seq, kind, run, change, step, at, data, previous, hash, tenant)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: read_entries
-- The entries of a run, oldest first.
SELECT change, step, at, data, seq FROM trueup.journal
WHERE tenant = %(tenant)s AND run = %(run)s AND kind = 'entry' ORDER BY seq;

-- name: read_systems
-- The last line that names the systems of this state; searched from the end.
SELECT data FROM trueup.journal
WHERE tenant = %(tenant)s AND kind IN ('run', 'edit') AND data::json -> 'systems' IS NOT NULL
ORDER BY seq DESC LIMIT 1;

-- name: read_audit
-- Manual edits, statements about plans and lock takeovers, oldest first.
SELECT seq, at, kind, run, data FROM trueup.journal
WHERE tenant = %(tenant)s AND kind IN ('edit', 'approval', 'lock') ORDER BY seq;

-- name: read_after
-- The lines after one line, oldest first.
SELECT seq, kind, run, change, step, at, data, previous, hash FROM trueup.journal
WHERE tenant = %(tenant)s AND seq > %(seq)s ORDER BY seq;

-- name: read_doubts
-- The last entry of each change in doubt, oldest first.
SELECT line.run, line.change, line.step, line.at, line.data, line.seq
FROM trueup.doubts AS doubt JOIN trueup.journal AS line ON line.tenant = doubt.tenant AND line.seq = doubt.seq
WHERE doubt.tenant = %(tenant)s ORDER BY line.seq;

-- name: read_doubt_rows
-- The table of doubts, to compare it with the journal.
SELECT run, change, seq FROM trueup.doubts WHERE tenant = %(tenant)s;

-- name: is_used
-- Whether there is anything that an import would overwrite.
SELECT EXISTS (SELECT 1 FROM trueup.runs WHERE tenant = %(tenant)s)
    OR EXISTS (SELECT 1 FROM trueup.links WHERE tenant = %(tenant)s)
    OR EXISTS (SELECT 1 FROM trueup.applied WHERE tenant = %(tenant)s)
    OR EXISTS (SELECT 1 FROM trueup.pushed WHERE tenant = %(tenant)s)
    OR EXISTS (SELECT 1 FROM trueup.state WHERE tenant = %(tenant)s AND (lines > 0 OR serial > 0));

-- name: has_hash
-- Whether a hash that was noted earlier is still a line of the journal.
SELECT 1 FROM trueup.journal WHERE tenant = %(tenant)s AND hash = %(hash)s LIMIT 1;

-- name: read_all_entries
-- The entries of all runs, oldest first.
SELECT change, step, at, data, seq FROM trueup.journal WHERE tenant = %(tenant)s AND kind = 'entry' ORDER BY seq;
