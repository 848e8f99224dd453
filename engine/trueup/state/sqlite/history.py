"""The calls of `ports.History`: what can be read of the past. None of them creates a file."""

from collections.abc import Iterable, Sequence

from trueup.errors import StateError
from trueup.model.finding import Finding
from trueup.model.history import AuditEntry
from trueup.model.run import Entry, Lease, Run
from trueup.state.sqlite import rows
from trueup.state.sqlite.access import Access
from trueup.state.sqlite.audit import read_audit
from trueup.state.sqlite.journal import state_row
from trueup.state.sqlite.lock import lock_row
from trueup.state.sqlite.statements import statement
from trueup.state.sqlite.transfer import export
from trueup.state.sqlite.verify import verify


class SqliteHistory:
    """Each call reads one consistent view of the file."""

    _access: Access

    def runs(self, *, plans: bool = True) -> Sequence[Run]:
        """All runs, oldest first; with `plans=False` without their plan documents."""
        name = "read_runs" if plans else "read_runs_without_plans"
        with self._access.reading() as connection:
            selected = connection.execute(statement(name)).fetchall() if connection else ()
            return [rows.run(row) for row in selected]

    def run(self, run: str) -> Run:
        """One run with its plan document. Raises `StateError` for an unknown run."""
        with self._access.reading() as connection:
            row = None
            if connection:
                row = connection.execute(statement("read_run"), {"run": run}).fetchone()
            if row is None:
                raise StateError(f"{self._access.name} knows no run {run}")
            return rows.run(row)

    def journal(self, run: str) -> Sequence[Entry]:
        """The entries of a run, oldest first."""
        values = {"run": run}
        with self._access.reading() as connection:
            if connection is None:
                return []
            selected = connection.execute(statement("read_entries"), values).fetchall()
            return [rows.entry(row) for row in selected]

    def in_doubt(self) -> Sequence[tuple[str, Entry]]:
        """Run id and last entry of each change in doubt, oldest first."""
        with self._access.reading() as connection:
            selected = connection.execute(statement("read_doubts")).fetchall() if connection else ()
            return [(row[0], rows.entry(row[1:])) for row in selected]

    def audit(self) -> Sequence[AuditEntry]:
        """Manual edits, statements about plans and lock takeovers, oldest first."""
        with self._access.reading() as connection:
            return read_audit(connection) if connection else []

    def holder(self) -> Lease | None:
        """The lease of the lock's holder, expired or not; None while the lock is free."""
        with self._access.reading() as connection:
            current = lock_row(connection) if connection else None
            return current.lease if current and current.holder else None

    def head(self) -> tuple[int, str]:
        """The number of lines in the journal and the hash of the last one."""
        with self._access.reading() as connection:
            if connection is None:
                return 0, ""
            _, _, lines, head = state_row(connection)
            return lines, head

    def verify(self, known: Iterable[str] = ()) -> Sequence[Finding]:
        """What was changed outside trueup. `known` are heads that were noted earlier."""
        with self._access.reading() as connection:
            return verify(connection, known) if connection else []

    def export(self) -> str:
        """The whole state without its lock, as JSON. Raises `StateError` if there is no state."""
        with self._access.reading() as connection:
            if connection is None:
                raise StateError(f"there is no state at {self._access.path} to export")
            return export(connection)
