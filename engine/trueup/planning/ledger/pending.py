"""Sorts the changes of an append-only mapping: pending, held, or archived by a decision."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.finding import Advice, Finding, Severity
from trueup.model.mapping import AppendSpec, MappingSpec
from trueup.model.mapping_state import MappingState
from trueup.model.pushed_keys import RESERVED, is_reserved
from trueup.model.verdict import Verdict
from trueup.planning.context import PlanContext
from trueup.planning.in_doubt import in_doubt_finding
from trueup.planning.ledger.archive_marks import ArchiveMarks
from trueup.planning.ledger.change_decisions import ChangeDecisions
from trueup.planning.ledger.change_values import ChangeValues, change_finding
from trueup.planning.ledger.pushed_before import PushedBefore

WAITS = "waits-its-turn"
"""Code of the finding of a change that only an earlier one holds."""


class Queue(Struct):
    """The changes of one row of the ledger, in their order."""

    sendable: list[str] = []
    stopped: list[str] = []
    """Held or blocked, and all that come after such a one."""

    archive: list[str] = []  # marked only, as decided
    settled: list[str] = []  # pushed before, or not pending any more
    unreadable: list[str] = []  # pending, by an unknown number of units
    last_day: date | None = None  # that any change is about, pending or not

    def extend(self, other: "Queue") -> None:
        """Adds the changes of another row whose ledger is the same."""
        self.sendable += other.sendable
        self.stopped += other.stopped
        self.archive += other.archive
        self.settled += other.settled
        self.unreadable += other.unreadable
        days = [day for day in (self.last_day, other.last_day) if day is not None]
        self.last_day = max(days, default=None)


class PendingChanges:
    """Sorts every change of one mapping into the queue of the row whose ledger it moves."""

    def __init__(
        self, context: PlanContext, mapping: MappingSpec, spec: AppendSpec, state: MappingState
    ) -> None:
        self.context, self.mapping, self.state = context, mapping, state
        self.values = ChangeValues(context, mapping, spec)
        self.decisions = ChangeDecisions(context, mapping)
        self.marks = ArchiveMarks(context, mapping, state)
        self.pushed_before = PushedBefore(
            context, mapping, state, self.values, self.decisions, self.marks
        )
        self.unassigned: list[str] = []  # unreadable, and of an unknown row
        self.left_out: list[str] = []  # their row is left out

    def queues(self) -> dict[str, Queue]:
        """Key of the owning row → its changes, sorted."""
        queues: defaultdict[str, Queue] = defaultdict(Queue)
        for key in self._in_order():
            owner = self.values.owner_of(key)
            if owner is None:
                continue
            queue = queues[owner]
            self._note_day(key, queue)
            pushed = self.pushed_before.of(key)
            if pushed and not pushed.undone:
                self.pushed_before.repeat_mark(key, pushed)
                queue.settled.append(key)
            elif key in self.state.ready or key in self.state.blocked:
                self._hold_in_doubt(key)
                self.pushed_before.hold_undone(key, pushed)
                self._sort(key, queue)
            else:
                queue.settled.append(key)
        for key in sorted(self.state.unreadable):
            self._sort_unreadable(key, queues)
        for owner in self.values.successors & queues.keys():
            self._keep_together(owner, queues[owner])
        return queues

    def _is_reserved(self, key: str) -> bool:
        """Whether its key could be one of the state's own, or the id of a mark or a correction."""
        return is_reserved(key) or key.startswith(f"{self.mapping.name}:")

    def _reserved(self, key: str) -> Iterator[Finding]:
        if self._is_reserved(key):
            starts = (*RESERVED, f"{self.mapping.name}:")
            text = f"its key {key} begins as keys of trueup do: {', '.join(starts)}"
            remedy = Advice(f"give it another key in {self.context.systems.source}")
            code = "key-reserved"
            yield change_finding(self.mapping, code, Severity.ERROR, text, key, remedy)

    def _in_order(self) -> list[str]:
        """Returns keys in the mapping's order, by value; rows without a value come first."""
        column = self.context.key_column(self.mapping)
        names = (*self.mapping.source.order, column)

        def position(row: dict[str, Any]) -> tuple[tuple[bool, Decimal, str], ...]:
            return tuple(_rank(row.get(name)) for name in names)

        return [str(row[column]) for row in sorted(self.state.rows.values(), key=position)]

    def _note_day(self, key: str, queue: Queue) -> None:
        """Records the last day of any change: of one that is done, the day that its run kept."""
        day = self.pushed_before.last_day(key) or self.values.day_or_none(key)
        if day is not None:
            queue.last_day = max(day, queue.last_day or day)

    def _sort(self, key: str, queue: Queue) -> None:
        decision = self.decisions.get(key)
        if decision and decision.verdict is Verdict.IGNORE and not self._is_in_doubt(key):
            self.state.leave_out(key, self._ignored(key, decision.reason))
        elif decision and decision.verdict is Verdict.ARCHIVE and not self._is_reserved(key):
            queue.archive.append(key)
        elif key in self.state.blocked:
            queue.stopped.append(key)
        elif self._resolve(key):
            self._queue_in_turn(key, queue)
        elif key in self.state.blocked:
            queue.stopped.append(key)

    def _queue_in_turn(self, key: str, queue: Queue) -> None:
        """Queues a change; after a stopped change, all later ones are stopped."""
        if not queue.stopped:
            queue.sendable.append(key)
            return
        self.make_wait(key, self.state.blocked[queue.stopped[0]][0])
        queue.stopped.append(key)

    def _keep_together(self, owner: str, queue: Queue) -> None:
        """Holds all changes of a handover if one of them is held.

        They are those of the row that ended, and the first ones of its successor. If only some were
        sent, seats would be billed twice or not at all.
        """
        keys = [*queue.sendable, *queue.stopped]
        ending = [key for key in keys if self.values.row_of(key) != owner]
        if not (ending and queue.sendable and queue.stopped):
            return
        own = [key for key in keys if key not in ending]
        day_of = self.values.day_or_none
        last = max((day for key in ending if (day := day_of(key))), default=date.min)
        first = min((day for key in own if (day := day_of(key))), default=date.min)
        together = {*ending, *(key for key in own if (day_of(key) or last) <= max(last, first))}
        stopped = next((key for key in queue.stopped if key in together), None)
        start = next((n for n, key in enumerate(queue.sendable) if key in together), None)
        if stopped is None or start is None:
            return
        cause = self.state.blocked[stopped][0]
        for key in queue.sendable[start:]:
            self.make_wait(key, cause, "another change of the same succession")
        queue.stopped[:0] = queue.sendable[start:]
        del queue.sendable[start:]

    def make_wait(
        self, key: str, first: Finding, other: str = "an earlier change of the same service"
    ) -> None:
        """Holds a change that waits for another one, which is stopped by `first`."""
        text = first.text
        if first.code != WAITS:
            text = f"waits for {other}: {first.text}"
        self.state.block(
            key,
            replace(
                first,
                code=WAITS,
                severity=Severity.HOLD,
                text=text,
                mapping=self.mapping.name,
                key=key,
            ),
        )

    def _resolve(self, key: str) -> bool:
        """Coerces the values of a change; returns False if it is blocked or left out then."""
        resolved = self.context.resolvers[self.mapping.name].row(key, self.state.ready[key])
        if resolved.skip:
            about = replace(resolved.skip, mapping=self.mapping.name)
            self.state.skip(key, about, resolved.because)
            self.left_out.append(key)
            return False
        findings = [*resolved.findings, *self._reserved(key), *self.marks.faults(key)]
        for finding in findings:
            self.state.block(key, finding, resolved.because)
        self.values.keep(key, resolved.values)
        return not findings

    # Special cases

    def _sort_unreadable(self, key: str, queues: defaultdict[str, Queue]) -> None:
        """Queues an unreadable change: it may be pending, by an unknown number of units."""
        owner = self.values.owner_of(key)
        if owner is not None:
            self._note_day(key, queues[owner])
        pushed, decision = self.pushed_before.of(key), self.decisions.get(key)
        if key not in self.state.blocked or (pushed and not pushed.undone):
            return
        if decision and decision.verdict is Verdict.IGNORE:
            self.state.leave_out(key, self._ignored(key, decision.reason))
        elif decision and decision.verdict is Verdict.ARCHIVE:
            return  # nothing is pending any more; its mark follows once it can be read
        elif owner is None:
            self.unassigned.append(key)
        else:
            queues[owner].unreadable.append(key)

    def _hold_in_doubt(self, key: str) -> None:
        if key in self.state.ready and self._is_in_doubt(key):
            name = self.mapping.name
            self.state.block(key, in_doubt_finding(self.mapping.place, name, key))

    def _is_in_doubt(self, key: str) -> bool:
        return (self.mapping.name, key) in self.context.in_doubt.rows

    def _ignored(self, key: str, reason: str) -> Finding:
        text = f"ignored: {reason}"
        return change_finding(self.mapping, "ignored", Severity.SKIP, text, key)


def _rank(value: object) -> tuple[bool, Decimal, str]:
    """Returns what sorts a column's value: none first, numbers by value, others as text."""
    if isinstance(value, int | Decimal):
        return True, Decimal(value), ""
    return value is not None, Decimal(0), "" if value is None else str(value)
