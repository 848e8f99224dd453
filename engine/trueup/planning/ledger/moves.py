"""Rows that moved to another contract, or to another service, as the same row of the source.

The target cannot move a service, so its units go to a new record: an increase there and a decrease
here, on one day, sent together or not at all. Nothing is moved while the ledger does not agree:
then it is not known which units are right.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from trueup.model.finding import Finding, Severity
from trueup.model.mapping_state import MappingState
from trueup.model.plan import LedgerLine, RowRef
from trueup.model.project import MappingSpec
from trueup.model.units import is_posted, units_on
from trueup.planning.context import PlanContext
from trueup.planning.ledger.other_steps import OtherSteps
from trueup.planning.ledger.services import ServiceLedgers
from trueup.stages.append import Correction, ServiceDays
from trueup.stages.ledger import ServiceLedger

NOT_MOVED = "not-moved"
"""Code of the finding of a row that moved in the source and cannot be moved in the target now."""


@dataclass(frozen=True, slots=True)
class Move:
    """Units that go from one service of a row to another one."""

    old: ServiceLedger  # the service that they leave
    new: ServiceLedger  # the service that gets them; it is yet to be created
    units: int
    day: date

    @property
    def arrival(self) -> Correction:
        """What the new service gets."""
        return Correction(Decimal(self.units), self.day, transfer=f"moved from {_title(self.old)}")

    @property
    def departure(self) -> Correction:
        """What the old service loses."""
        return Correction(Decimal(-self.units), self.day, transfer=f"moved to {_title(self.new)}")


class Moves:
    """The moves of one mapping with a ledger."""

    def __init__(
        self,
        context: PlanContext,
        mapping: MappingSpec,
        services: ServiceLedgers,
        other_steps: OtherSteps,
    ) -> None:
        self._context, self._mapping = context, mapping
        self._services, self._other_steps = services, other_steps
        self._state: MappingState = context.states[mapping.name]

    def has(self, key: str) -> bool:
        """Whether the row leaves a record for a new one."""
        return key in self._state.left_records

    def plan(self, ledger: ServiceLedger, line: LedgerLine) -> Move | Finding:
        """The move of a row, or why it is not possible now: then the row is blocked."""
        key = ledger.row.key
        old = replace(self._services.of_record(self._state.left_records[key]), row=ledger.row)
        day, why = self._day(old)
        if line.difference is None or line.difference:
            why = f"the ledger does not agree: {line.text}"
        if why:
            return self.block(key, why)
        new = replace(ledger, rows=(), rows_read=(), none_is_zero=True)
        return Move(old, new, units_on(old.rows, day), day)

    def block(self, key: str, why: str) -> Finding:
        """Blocks the row: it stays on the record that it has."""
        text = f"it moved to another contract or service, and its units stay: {why}"
        place, name = self._mapping.place, self._mapping.name
        finding = Finding(NOT_MOVED, Severity.HOLD, text, "", place, name, key)
        self._state.block(key, finding)
        return finding

    def _day(self, old: ServiceLedger) -> tuple[date, str]:
        """The first open and free day from the plan's day on, and why there is none that serves."""
        days = ServiceDays.of(old.rows, self._other_steps.taken_days(old))
        day = days.free_from(days.open_from(self._context.as_of))
        covered = any(row.start <= day <= row.end for row in old.rows)
        if is_posted(old.rows, day) or not covered:
            return day, "its old service has no open day left"
        units = units_on(old.rows, day)
        if any(row.start > day and row.units != units for row in old.rows):
            return day, "the units of its old service change later"
        return day, ""


def _title(ledger: ServiceLedger) -> str:
    """What the service is on: its contract, as far as known."""
    return _first_name(ledger.under) or "another record"


def _first_name(under: tuple[RowRef, ...]) -> str:
    return under[0].name if under else ""
