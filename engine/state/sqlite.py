"""State in one SQLite file, behind ports.State: start reading the state store here.

Every writing call is one transaction that first compares the lease's token, and is durable when it returns.
One store may be used by several threads (they take turns) and many processes.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from engine.errors import StateError, StateLocked
from engine.model.finding import Finding
from engine.model.run import Effects, Entry, Lease, Run, RunStatus
from engine.ports import Clock, Memory
from engine.state import journal, rows
from engine.state import lease as lock
from engine.state.access import Access
from engine.state.effects import NOTHING, write
from engine.state.journal import AuditLine
from engine.state.process import HostProcesses, Processes
from engine.state.statements import statement
from engine.state.transfer import export, restore
from engine.state.verify import verify


class SqlState:
    """The state at `path`. Nothing is opened before it is needed, nothing created before it is written.

    Every call raises StateError for a file that cannot be used; those that take a lease raise StateLocked
    when it is no longer the one that counts, and have written nothing then.
    """

    def __init__(
        self, path: Path, *, clock: Clock, lease_seconds: float = 60, processes: Processes | None = None
    ) -> None:
        self._access = Access(path)
        self._name = f"the state {path}"
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._processes = processes or HostProcesses()

    def load(self) -> Memory:
        """All that planning needs; open runs are open, or interrupted, or have changes in doubt."""
        with self._access.reading() as connection:
            if connection is None:
                self._access.refuse_lost()
                return Memory()
            lineage, serial, _, _ = connection.execute(statement("read_state")).fetchone()
            return Memory(
                lineage,
                serial,
                rows.links(connection.execute(statement("read_links"))),
                rows.applied(connection.execute(statement("read_applied")).fetchall()),
                rows.pushed(connection.execute(statement("read_pushed"))),
                tuple(rows.run(row) for row in connection.execute(statement("read_open_runs"))),
                journal.systems(connection),
            )

    def acquire(self, holder: str, *, reason: str = "") -> Lease:
        """Takes the lock, or raises StateLocked saying who holds it since when; see lease.py for who may.

        `reason` takes it from a living holder and is recorded. Creates the file.
        """
        taker = lock.Taker(holder, self._clock.now(), self._lease_seconds, reason)
        with self._access.writing(create=True) as connection:
            return lock.take(connection, taker, self._processes, self._name)

    def renew(self, lease: Lease) -> Lease:
        """The heartbeat: the lease runs for its full time again, from now on."""
        with self._writing(lease) as connection:
            return lock.extend(connection, self._clock.now(), self._lease_seconds)

    def check(self, lease: Lease) -> None:
        """For right before a write is sent: StateLocked unless the lease is ours and has not run out."""
        with self._access.reading() as connection:
            if connection is None:
                raise StateLocked(f"{self._name} is gone, and the lock of {lease.holder} with it")
            current = lock.check(connection, lease, self._name).lease
        if current.expires <= self._clock.now():
            raise StateLocked(f"the lock of {self._name} held by {lease.holder} ran out: it was not renewed in time")

    def release(self, lease: Lease) -> None:
        """Gives the lock back; nothing happens if it is no longer ours."""
        with self._access.writing() as connection:
            connection.execute(statement("free_lock"), {"token": lease.token})

    def holder(self) -> Lease | None:
        """Who holds the lock, whether or not the lease ran out; None while it is free."""
        with self._access.reading() as connection:
            current = lock.held(connection) if connection else None
            return current.lease if current and current.holder else None

    def begin(self, run: Run, lease: Lease) -> None:
        """Opens a run; the first one ever gives the state its lineage. Raises StateError for a known id."""
        with self._writing(lease) as connection:
            if connection.execute(statement("run_status"), {"run": run.id}).fetchone():
                raise StateError(f"{self._name} already has a run {run.id}")
            connection.execute(statement("bear_lineage"), {"lineage": uuid4().hex})
            (lineage, *_) = connection.execute(statement("read_state")).fetchone()
            connection.execute(statement("add_run"), (*rows.run_row(run), ""))
            journal.append(connection, [journal.from_run(run, lineage)])
            self._access.mark(f"run {run.id} of {run.started:%Y-%m-%d %H:%M} UTC by {run.who or 'somebody'}")

    def record(self, lease: Lease, run: str, entries: Sequence[Entry], effects: Effects = NOTHING) -> None:
        """Writes entries and their effects in one transaction. Raises StateError for an unknown run.

        TypeError for values that would not come back as they were; then nothing is written.
        """
        with self._writing(lease) as connection:
            self._status(connection, run)
            journal.append(connection, [journal.from_entry(run, entry) for entry in entries])
            write(connection, run, effects, self._clock.now())

    def finish(self, lease: Lease, run: str, status: RunStatus, at: datetime) -> None:
        """Closes a run and anchors the journal; the serial goes up by one.

        A run that was interrupted or applied in part may go on and be finished again. Raises StateError for one that
        is unknown or done.
        """
        with self._writing(lease) as connection:
            if self._status(connection, run) == RunStatus.DONE:
                raise StateError(f"run {run} is done: it was finished before")
            anchor = journal.append(connection, [journal.from_finish(run, status, at)])
            values = {"run": run, "status": status.value, "ended": at.isoformat(), "anchor": anchor}
            connection.execute(statement("finish_run"), values)
            connection.execute(statement("raise_serial"))
        if status in (RunStatus.DONE, RunStatus.PARTIAL):
            self._access.unmark()

    def edit(self, lease: Lease, what: str, effects: Effects, *, reason: str = "") -> None:
        """A change by hand, recorded with who (the lease's holder), when and why; the serial goes up."""
        with self._writing(lease) as connection:
            at = self._clock.now()
            journal.append(connection, [journal.from_edit("", lease, at, what, reason)])
            write(connection, "", effects, at)
            connection.execute(statement("raise_serial"))

    def adopt(self, lease: Lease, systems: Mapping[str, str], *, reason: str) -> None:
        """The state is about these systems from now on: said by hand, recorded, the serial goes up."""
        with self._writing(lease) as connection:
            at = self._clock.now()
            what = f"adopt {', '.join(systems.values())}"
            journal.append(connection, [journal.from_edit("", lease, at, what, reason, systems)])
            connection.execute(statement("raise_serial"))

    def settle(
        self, lease: Lease, run: str, entries: Sequence[Entry], effects: Effects = NOTHING, *, reason: str
    ) -> None:
        """Says by hand what became of changes in doubt: `edit` and `record` in one transaction."""
        with self._writing(lease) as connection:
            self._status(connection, run)
            at = self._clock.now()
            by_hand = journal.from_edit(run, lease, at, journal.settled(run, entries), reason)
            journal.append(connection, [by_hand, *(journal.from_entry(run, entry) for entry in entries)])
            write(connection, run, effects, at)
            connection.execute(statement("raise_serial"))

    def runs(self, *, plans: bool = True) -> Sequence[Run]:
        """All runs, oldest first; with `plans=False` without their plan documents, which may be large."""
        with self._access.reading() as connection:
            name = "read_runs" if plans else "read_runs_without_plans"
            return [rows.run(row) for row in connection.execute(statement(name))] if connection else []

    def run(self, run: str) -> Run:
        """One run, whole. Raises StateError if there is none of this id."""
        with self._access.reading() as connection:
            row = connection.execute(statement("read_run"), {"run": run}).fetchone() if connection else None
            if row is None:
                raise StateError(f"{self._name} knows no run {run}")
            return rows.run(row)

    def journal(self, run: str) -> Sequence[Entry]:
        """A run's entries, oldest first."""
        with self._access.reading() as connection:
            found = connection.execute(statement("read_entries"), {"run": run}) if connection else ()
            return [rows.entry(row) for row in found]

    def in_doubt(self) -> Sequence[tuple[str, Entry]]:
        """Run and last entry of each change whose fate is not known, oldest first."""
        with self._access.reading() as connection:
            found = connection.execute(statement("read_doubts")) if connection else ()
            return [(row[0], rows.entry(row[1:])) for row in found]

    def audit(self) -> Sequence[AuditLine]:
        """What was done by hand, and whose lock was taken over, oldest first."""
        with self._access.reading() as connection:
            found = connection.execute(statement("read_audit")) if connection else ()
            return [journal.audit_line(row) for row in found]

    def head(self) -> tuple[int, str]:
        """Lines in the journal and the hash of the last one: note it elsewhere, `verify` asks for it."""
        with self._access.reading() as connection:
            if connection is None:
                return 0, ""
            _, _, count, head = connection.execute(statement("read_state")).fetchone()
            return count, head

    def verify(self, known: Iterable[str] = ()) -> list[Finding]:
        """What was changed behind trueup's back; nothing is good news. `known` are heads noted earlier."""
        with self._access.reading() as connection:
            return verify(connection, known) if connection else []

    def export(self) -> str:
        """The whole state but for the lock, as JSON; the same state gives the same text."""
        with self._access.reading() as connection:
            if connection is None:
                raise StateError(f"there is no state at {self._access.path} to export")
            return export(connection)

    def import_(self, text: str) -> None:
        """Fills an empty state from an export, whole or not at all. Raises StateError, StateLocked."""
        with self._access.writing(create=True) as connection:
            current = lock.held(connection)
            if current.holder:
                raise StateLocked(f"{self._name} is in use by {current.holder} on {current.host}")
            restore(connection, text, self._name)

    def close(self) -> None:
        """Lets go of the file, for good; a lock that is held stays held until it runs out."""
        self._access.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _writing(self, lease: Lease) -> Iterator[sqlite3.Connection]:
        with self._access.writing() as connection:
            lock.check(connection, lease, self._name)
            yield connection

    def _status(self, connection: sqlite3.Connection, run: str) -> str:
        row = connection.execute(statement("run_status"), {"run": run}).fetchone()
        if row is None:
            raise StateError(f"{self._name} knows no run {run}")
        return str(row[0])
