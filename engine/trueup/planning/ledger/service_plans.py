"""Plans one service: the adjustments of its changes and of its correction, or its move."""

from collections.abc import Sequence
from datetime import date

from msgspec.structs import replace

from trueup.model.finding import Finding
from trueup.model.plan import LedgerLine
from trueup.planning.ledger.adjustments import AdjustmentPlanner
from trueup.planning.ledger.moves import Moves
from trueup.planning.ledger.planned import PlannedAdjustment, PlannedService
from trueup.stages.append import NO_CORRECTION, Correction
from trueup.stages.ledger import PendingUnits, ServiceLedger


class ServicePlanner:
    """Plans the services of one mapping, with nothing added to the plan yet."""

    def __init__(self, adjuster: AdjustmentPlanner, moves: Moves) -> None:
        self._adjuster, self._moves = adjuster, moves

    def plan(
        self,
        ledger: ServiceLedger,
        line: LedgerLine,
        sendable: Sequence[str],
        correction: Correction,
    ) -> PlannedService:
        """Plans the changes that may be sent, and a correction; of a row that moved, its move."""
        if self._moves.has(ledger.row.key):
            line = self._moves.worded(ledger, line)
            if not correction.units:
                billed = self._moves.billed(ledger, line)
                planned = self._plan_move(ledger, line, sendable)
                planned.ledger = billed
                return planned
            ledger, correction = self._moves.stay(ledger, correction)
        adjustments: Sequence[PlannedAdjustment] = ()
        if sendable or correction.units:
            adjustments = self._adjuster.plan(ledger, sendable, correction)
        return PlannedService(ledger, line, sendable, correction, adjustments)

    def _plan_move(
        self, ledger: ServiceLedger, line: LedgerLine, sendable: Sequence[str]
    ) -> PlannedService:
        """The adjustments of a row that moved: of its old service, and of its new one."""
        planned = PlannedService(ledger, line, sendable, NO_CORRECTION, ())
        move = self._moves.plan(ledger, line, sendable)
        if isinstance(move, Finding):
            planned.stop = move
            return planned
        planned.new, planned.old = move.new, move.old
        planned.adjustments = self._adjuster.plan(move.new, move.later, move.arrival)
        planned.leaving = self._adjuster.plan(move.old, move.earlier, move.departure)
        both = (*planned.adjustments, *planned.leaving)
        planned.stop = next((one.stop for one in both if one.stop), None)  # all of it, or nothing
        return planned

    def plan_again(self, service: PlannedService) -> None:
        """Plans the adjustments on the days that other halves need."""
        ledger, corrects = service.ledger, service.corrects
        changes = tuple(
            _on(change, service.later.get(change.key, change.day)) for change in ledger.changes
        )
        ledger = replace(ledger, changes=changes)
        if service.new:  # its services keep the days of the source: what is lost counts from them
            again = self._plan_move(ledger, service.line, service.sendable)
            service.adjustments, service.leaving = again.adjustments, again.leaving
            service.stop = again.stop
            return
        corrects = replace(corrects, day=service.corrects_from or corrects.day)
        service.adjustments = self._adjuster.plan(ledger, service.sendable, corrects)


def _on(change: PendingUnits, day: date) -> PendingUnits:
    if day == change.day:
        return change
    note = f"on {day} instead of {change.day}, as the change that belongs to it"
    return replace(change, day=day, notes=(*change.notes, note))
