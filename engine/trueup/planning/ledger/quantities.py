"""Determines what should be billed for each row of a mapping, or why that is unknown."""

from decimal import Decimal

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.coerce import empty, to_number
from trueup.model.finding import NO_ADVICE, Advice, Command, Finding, Severity
from trueup.model.mapping import LedgerSpec, MappingSpec
from trueup.model.mapping_state import RowKey
from trueup.planning.context import PlanContext
from trueup.planning.ledger.held import root_finding
from trueup.planning.ledger.pending import PendingChanges, Queue
from trueup.planning.records.unreadable import MAY_BE_UNREADABLE
from trueup.stages.match import IGNORED

Unknown = tuple[str, Advice]
"""Why something is not known, and what to do about it; an empty text where all is known."""

KNOWN: Unknown = ("", NO_ADVICE)


class Quantities:
    """The quantities of the rows of one mapping with a ledger."""

    def __init__(
        self,
        context: PlanContext,
        mapping: MappingSpec,
        ledger: LedgerSpec,
        pending: PendingChanges,
    ) -> None:
        self._context, self._mapping, self._spec = context, mapping, ledger
        self._state, self._pending = context.states[mapping.name], pending
        self._evaluated: dict[str, tuple[Decimal | None, Unknown]] = {}

    def of(self, key: str, queue: Queue, record: int | None) -> tuple[Decimal | None, Unknown]:
        """Returns the quantity of a row, if it can be read, and what of its ledger is unknown.

        `queue` has its changes, `record` is its service. If the quantity cannot be evaluated, that
        is added to the findings of the plan, once for each row.
        """
        quantity, unknown = self._quantity(key)
        if queue.unreadable and not unknown[0]:
            unknown = self._unreadable_changes(queue)
        if record is None and not unknown[0]:
            unknown = self._unknown_record(key)
        return quantity, unknown

    def kept_out(self, key: str) -> str:
        """Returns whether the row is blocked, held, or gone from its table; "" if none of these.

        A row that is left out on purpose is none of these: it counts as 0, and that is known.
        """
        if not self._state.has(key):
            return "gone"
        findings = self._state.blocked.get(key)
        if not findings:
            return ""
        return (
            "held" if all(finding.severity is Severity.HOLD for finding in findings) else "blocked"
        )

    def is_ignored(self, key: str) -> bool:
        """Whether a person decided to ignore the row, or one that it refers to."""
        row, seen = (self._mapping.name, key), set[RowKey]()
        while row not in seen:
            seen.add(row)
            state = self._context.states[row[0]]
            finding = state.skipped.get(row[1])
            if finding and finding.code == IGNORED:
                return True
            row = state.skipped_because.get(row[1], row)
        return False

    def unassigned_changes(self) -> Advice:
        """Returns the remedy for a change that cannot be read, and may belong to any row."""
        table = self._pending.mapping.source.table
        unreadable = self._context.unreadable.get(table)
        without_key = unreadable.without_key if unreadable else ()
        blocked = self._pending.state.blocked
        findings = [blocked[key][0] for key in self._pending.unassigned]
        first = next(iter([*findings, *without_key]), None)
        if first is None:
            return NO_ADVICE
        where = f" ({first.place})" if first.place else ""
        return Advice(f"correct {table} in {self._context.systems.source} first{where}")

    def _quantity(self, key: str) -> tuple[Decimal | None, Unknown]:
        """Returns what should be billed, or why it is unknown.

        A linked row that is gone, and one that is left out on purpose, count as 0. A row that
        cannot be read is not gone.
        """
        if key in self._state.unreadable:
            findings = self._state.blocked.get(key, self._state.unreadable[key].findings)
            if findings[0].code == MAY_BE_UNREADABLE:
                why = "its row may be one that has no key"
            else:
                why = "its row cannot be read"
            return None, (f"its quantity is not known: {why}", Advice(findings[0].remedy))
        if key not in self._state.rows or self._is_left_out_with_parent(key):
            return Decimal(0), KNOWN
        if key not in self._evaluated:
            self._evaluated[key] = self._evaluate(key)
        return self._evaluated[key]

    def _evaluate(self, key: str) -> tuple[Decimal | None, Unknown]:
        try:
            names = self._context.names(self._mapping.name, key)
            return _number(evaluate(self._spec.quantity.raw, names)), KNOWN
        except EVALUATION_ERRORS as fault:
            text, remedy = f"its quantity cannot be evaluated: {fault}", "correct the row"
            place = self._spec.quantity.place
            self._context.findings.append(
                Finding(
                    "expression-failed",
                    Severity.ERROR,
                    text,
                    remedy,
                    place,
                    self._mapping.name,
                    key,
                )
            )
            return None, (text, Advice(remedy))

    def _is_left_out_with_parent(self, key: str) -> bool:
        """Whether the row is left out because of its contract, or another one that it refers to.

        Nothing should be billed for it then: an inactive contract, for instance.
        """
        return key in self._state.skipped_because or key in self._state.out_of_scope

    def _unknown_record(self, key: str) -> Unknown:
        """Returns why it is unknown what the target bills for the row; "" if it bills nothing."""
        why = self._state.unknown_records.get(key)
        if not why:
            return KNOWN
        text = f"what {self._context.systems.target} bills is not known: {why}"
        if key in self._state.blocked:
            return text, root_finding(self._context, self._mapping.name, key).advice
        link = Command.link(self._mapping.name, key)
        return text, Advice.of(link, " if its record exists")

    def _unreadable_changes(self, queue: Queue) -> Unknown:
        count = len(queue.unreadable)
        first = self._pending.state.blocked[queue.unreadable[0]][0]
        which = "one of its changes" if count == 1 else f"{count} of its changes"
        return f"what is pending is not known: {which} cannot be read", first.advice


def _number(value: object) -> Decimal:
    """A quantity as a number. Raises ValueError."""
    if empty(value):
        raise ValueError("it is empty")
    return to_number(value)
