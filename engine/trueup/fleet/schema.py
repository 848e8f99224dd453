"""The fleet's own tables, in a schema of their own, and their versions.

`tenants` has a row for each tenant: when it is run next, and what it waits for. `runs` has a row
for each run. `attempts` has a row for each time that a process claimed a run. It is written before
the run begins and completed before the tenant's lock is released. `plans` has the plans that wait
for an approval. `workers` has the workers that run now.
"""

from collections.abc import Sequence

from trueup.errors import EngineError
from trueup.fleet.connection import Connection, require_version, translated
from trueup.fleet.queue import JobQueue

SCHEMA = "trueup_fleet"

_MIGRATING = 0x74727565_00000001
"""Number of the lock under which one process at a time makes or migrates tables."""

MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE trueup_fleet.fleet (
        name text NOT NULL,
        digest text NOT NULL,   -- of fleet.yaml, as `tenants` has it
        synced timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE trueup_fleet.tenants (
        name text PRIMARY KEY,
        place integer NOT NULL,                  -- in fleet.yaml
        is_listed boolean NOT NULL DEFAULT true, -- whether fleet.yaml has it
        does text NOT NULL,
        schedule text NOT NULL,                  -- as `next_tick` was computed from it
        next_tick timestamptz,
        again_at timestamptz,
        again_why text NOT NULL DEFAULT '',
        retries integer NOT NULL DEFAULT 0,
        run bigint,                              -- queued or at work
        last_run bigint,                         -- ended last
        waits text NOT NULL DEFAULT '',
        waits_since timestamptz,
        doubts integer NOT NULL DEFAULT 0,
        doubt_since timestamptz,
        doubt_until timestamptz
    );
    CREATE INDEX tenants_due ON trueup_fleet.tenants (LEAST(next_tick, again_at))
        WHERE run IS NULL AND is_listed;
    CREATE TABLE trueup_fleet.runs (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant text NOT NULL,
        kind text NOT NULL,
        due timestamptz NOT NULL,
        missed integer NOT NULL DEFAULT 0,
        queued timestamptz NOT NULL DEFAULT clock_timestamp(),
        job bigint,
        started timestamptz,
        ended timestamptz,
        begins integer NOT NULL DEFAULT 0,
        worker text NOT NULL DEFAULT '',
        status text NOT NULL DEFAULT 'queued',
        text text NOT NULL DEFAULT '',
        figures jsonb,
        outcomes jsonb NOT NULL DEFAULT '{}',
        state_run text NOT NULL DEFAULT '',
        calls integer NOT NULL DEFAULT 0
    );
    CREATE UNIQUE INDEX runs_once_per_tick ON trueup_fleet.runs (tenant, due)
        WHERE kind = 'scheduled';
    CREATE INDEX runs_of_tenant ON trueup_fleet.runs (tenant, id DESC);
    CREATE INDEX runs_ended ON trueup_fleet.runs (ended);
    CREATE INDEX runs_open ON trueup_fleet.runs (queued) WHERE ended IS NULL;
    CREATE TABLE trueup_fleet.attempts (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant text NOT NULL,
        run bigint NOT NULL REFERENCES trueup_fleet.runs ON DELETE CASCADE,
        worker text NOT NULL,
        began timestamptz NOT NULL DEFAULT clock_timestamp(),
        left_at timestamptz,                     -- none: the process ended before
        how text NOT NULL DEFAULT ''
    );
    CREATE INDEX attempts_of_run ON trueup_fleet.attempts (run);
    CREATE TABLE trueup_fleet.plans (
        tenant text PRIMARY KEY,
        run bigint NOT NULL,
        digest text NOT NULL,
        document bytea NOT NULL,                 -- compressed with zlib
        limits text[] NOT NULL,                  -- that it is over
        made timestamptz NOT NULL DEFAULT now(),
        answer text NOT NULL DEFAULT '',         -- yes or no
        answered timestamptz,
        who text NOT NULL DEFAULT '',
        reason text NOT NULL DEFAULT '',
        over_limits text[] NOT NULL DEFAULT '{}' -- that may be exceeded, as the approver allowed
    );
    CREATE TABLE trueup_fleet.workers (
        name text PRIMARY KEY,
        host text NOT NULL,
        began timestamptz NOT NULL DEFAULT now(),
        seen timestamptz NOT NULL DEFAULT now(),
        running integer NOT NULL DEFAULT 0
    );
    """,
)
"""Each makes the tables of one version from those of the version before. None is ever changed."""


def prepare(connection: Connection, queue: JobQueue) -> None:
    """Creates or migrates all tables of the fleet, those of its queue included.

    Raises EngineError, with nothing written, if the server is too old, or a newer trueup made the
    tables.
    """
    require_version(connection)
    with translated():
        if _version(connection) != len(MIGRATIONS):
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATING])
                _migrate(connection)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATING])
            queue.install(connection)


def _version(connection: Connection) -> int:
    """Returns the version of the tables, or 0. Raises EngineError for a newer version."""
    row = connection.execute("SELECT to_regclass('trueup_fleet.version')").fetchone()
    if row is None or row[0] is None:
        return 0
    row = connection.execute("SELECT number FROM trueup_fleet.version").fetchone()
    number = int(row[0]) if row else 0
    if number > len(MIGRATIONS):
        raise EngineError(
            f"the fleet's database has tables of version {number}, and this trueup knows versions "
            f"up to {len(MIGRATIONS)}: update trueup on this machine; nothing was changed"
        )
    return number


def _migrate(connection: Connection) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS trueup_fleet")
    connection.execute("CREATE TABLE IF NOT EXISTS trueup_fleet.version (number integer NOT NULL)")
    known = _version(connection)
    for migration in MIGRATIONS[known:]:
        connection.execute(migration.encode())
    connection.execute("DELETE FROM trueup_fleet.version")
    connection.execute("INSERT INTO trueup_fleet.version VALUES (%s)", [len(MIGRATIONS)])
