"""The calls of `ports.History`, which read the past. None of them creates a store."""

from collections.abc import Iterable, Sequence

from trueup.errors import StateError
from trueup.model.audit import AuditEntry
from trueup.model.finding import Finding
from trueup.model.run import Entry, Lease, Run
from trueup.state import rows
from trueup.state.access import Access
from trueup.state.audit import read_audit
from trueup.state.journal import state_row
from trueup.state.lock import lock_row
from trueup.state.transfer import export
from trueup.state.verify import verify


class HistoryCalls:
    """Each call reads one consistent view of the store."""

    _access: Access

    def runs(self, *, plans: bool = True) -> Sequence[Run]:
        """All runs, oldest first; with `plans=False` without their plan documents."""
        name = "read_runs" if plans else "read_runs_without_plans"
        with self._access.reading() as transaction:
            selected = transaction.rows(name) if transaction else ()
            return [rows.run(row) for row in selected]

    def run(self, run: str) -> Run:
        """One run with its plan document. Raises `StateError` for an unknown run."""
        with self._access.reading() as transaction:
            row = None
            if transaction:
                row = transaction.one("read_run", {"run": run})
            if row is None:
                raise StateError(f"{self._access.name} has no run {run}")
            return rows.run(row)

    def journal(self, run: str) -> Sequence[Entry]:
        """The entries of a run, oldest first."""
        values = {"run": run}
        with self._access.reading() as transaction:
            if transaction is None:
                return []
            selected = transaction.rows("read_entries", values)
            return [rows.entry(row) for row in selected]

    def in_doubt(self) -> Sequence[tuple[str, Entry]]:
        """Run id and last entry of each change in doubt, oldest first."""
        with self._access.reading() as transaction:
            selected = transaction.rows("read_doubts") if transaction else ()
            return [(row[0], rows.entry(row[1:])) for row in selected]

    def audit(self) -> Sequence[AuditEntry]:
        """Manual edits, statements about plans and lock takeovers, oldest first."""
        with self._access.reading() as transaction:
            return read_audit(transaction) if transaction else []

    def holder(self) -> Lease | None:
        """The lease of the lock's holder, expired or not; None while the lock is free."""
        with self._access.reading() as transaction:
            current = lock_row(transaction) if transaction else None
            return current.lease if current and current.holder else None

    def head(self) -> tuple[int, str]:
        """The number of lines in the journal and the hash of the last one."""
        with self._access.reading() as transaction:
            if transaction is None:
                return 0, ""
            _, _, lines, head = state_row(transaction)
            return lines, head

    def verify(self, known: Iterable[str] = ()) -> Sequence[Finding]:
        """Returns what was changed outside trueup. `known` are heads that were noted earlier."""
        with self._access.reading() as transaction:
            return verify(transaction, known) if transaction else []

    def export(self) -> str:
        """The whole state without its lock, as JSON. Raises `StateError` if there is no state."""
        with self._access.reading() as transaction:
            if transaction is None:
                raise StateError(f"{self._access.name} does not exist: there is nothing to export")
            return export(transaction)
