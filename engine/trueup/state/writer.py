"""The calls of `ports.State` that write runs, journal entries and manual edits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from trueup.errors import StateError
from trueup.model.approval import ApprovalStated
from trueup.model.audit import LinkForgotten, SystemsAdopted
from trueup.model.run import Effects, Entry, Lease, Run, RunStatus
from trueup.state import audit, journal, rows
from trueup.state.access import Access, Transaction
from trueup.state.effects import NO_EFFECTS, write_lines
from trueup.state.lock import writing


class WriterCalls:
    """Each call is one transaction of the lock's holder; any other lease raises `StateLocked`."""

    _access: Access

    def begin(self, run: Run, lease: Lease) -> None:
        """Opens a run; the first one gives the state its lineage.

        Raises `StateError` if there is a run with this id.
        """
        with writing(self._access, lease) as transaction:
            if transaction.one("has_run", {"run": run.id}):
                raise StateError(f"{self._access.name} already has a run {run.id}")
            transaction.do("set_lineage", {"lineage": uuid4().hex})
            lineage = journal.state_row(transaction).lineage
            transaction.do("add_run", (*rows.run_row(run), ""))
            journal.append(transaction, [journal.run_line(run, lineage)])
            who = run.who or "an unknown user"
            self._access.mark_open_run(f"run {run.id} of {run.started:%Y-%m-%d %H:%M} UTC by {who}")

    def record(
        self, lease: Lease, run: str, entries: Sequence[Entry], effects: Effects = NO_EFFECTS
    ) -> None:
        """Writes entries and their effects. Raises `StateError` for an unknown run.

        Raises `TypeError` for values that could not be read back as they were.
        """
        with writing(self._access, lease) as transaction:
            self._require_run(transaction, run)
            lines = [journal.entry_line(run, entry) for entry in entries]
            write_lines(transaction, lines, run, effects, transaction.now())

    def finish(self, lease: Lease, run: str, status: RunStatus, at: datetime) -> None:
        """Closes a run, keeps the head of the journal with it and raises the serial.

        A run that was interrupted or applied in part may continue and be finished again.
        Raises `StateError` if the run is unknown or done.
        """
        with writing(self._access, lease) as transaction:
            self._require_run(transaction, run)
            if transaction.one("run_status", {"run": run}) == (RunStatus.DONE.value,):
                raise StateError(f"run {run} is done: it was finished before")
            anchor = journal.append(transaction, [journal.finish_line(run, status, at)])
            values = {"run": run, "status": status.value, "ended": at.isoformat(), "anchor": anchor}
            transaction.do("finish_run", values)
            transaction.do("raise_serial")
        if status in (RunStatus.DONE, RunStatus.PARTIAL):
            self._access.unmark_open_run()

    def edit(
        self, lease: Lease, event: LinkForgotten, effects: Effects, *, reason: str = ""
    ) -> None:
        """Writes a manual edit and its effects, and raises the serial."""
        with writing(self._access, lease) as transaction:
            now = transaction.now()
            line = audit.edit_line(event, lease, now, reason)
            write_lines(transaction, [line], "", effects, now)
            transaction.do("raise_serial")

    def settle(
        self,
        lease: Lease,
        run: str,
        entries: Sequence[Entry],
        effects: Effects = NO_EFFECTS,
        *,
        reason: str,
    ) -> None:
        """Writes outcomes that a person determined, or gives up a run, and raises the serial.

        Raises `StateError` for an unknown run.
        """
        with writing(self._access, lease) as transaction:
            self._require_run(transaction, run)
            now = transaction.now()
            edit = audit.edit_line(audit.settlement(entries), lease, now, reason, run)
            lines = [journal.entry_line(run, entry) for entry in entries]
            write_lines(transaction, [edit, *lines], run, effects, now)
            transaction.do("raise_serial")

    def adopt(self, lease: Lease, systems: Mapping[str, str], *, reason: str) -> None:
        """Records that the state is about these systems from now on, and raises the serial."""
        with writing(self._access, lease) as transaction:
            line = audit.edit_line(SystemsAdopted(systems), lease, transaction.now(), reason)
            journal.append(transaction, [line])
            transaction.do("raise_serial")

    def record_statement(self, lease: Lease, event: ApprovalStated, *, reason: str = "") -> None:
        """Writes a statement of the lease's holder about a plan. The serial stays as it is."""
        with writing(self._access, lease) as transaction:
            line = audit.approval_line(event, lease, transaction.now(), reason)
            journal.append(transaction, [line])

    def _require_run(self, transaction: Transaction, run: str) -> None:
        """Raises `StateError` for an unknown run."""
        if not transaction.one("has_run", {"run": run}):
            raise StateError(f"{self._access.name} has no run {run}")
