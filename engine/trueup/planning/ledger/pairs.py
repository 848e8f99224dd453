"""Keeps the two halves of a succession together: both adjustments are sent, or neither.

A row that succeeds another one with another service, or on another contract, adds units there; the
row that ends takes units away here. If only one half were sent, seats would be billed twice or not
at all. The increase goes first, so that no day is unbilled if the run ends between the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from trueup.model.finding import NO_ADVICE, Advice, Finding, Severity
from trueup.model.mapping_state import MappingState
from trueup.model.plan import Change, LedgerLine
from trueup.planning.context import PlanContext
from trueup.planning.ledger.adjustments import PlannedAdjustment
from trueup.planning.ledger.held import root_finding
from trueup.planning.records.repeats import SERVICE_TAKEN
from trueup.stages.ledger import ServiceLedger

WAITS_FOR_OTHER_HALF = "waits-for-its-other-half"
"""Code of the finding of a change whose counterpart in a succession cannot be sent."""


@dataclass(slots=True)
class PlannedService:
    """What is planned for one service."""

    ledger: ServiceLedger
    line: LedgerLine
    sendable: Sequence[str]  # changes that are not held
    correction: Decimal
    adjustments: Sequence[PlannedAdjustment]
    findings: Sequence[Finding] = field(default_factory=tuple)  # of rules on the ledger
    stop: Finding | None = None  # stops all of its changes
    new: ServiceLedger | None = None  # of a row that moved: the service that gets its units
    old: ServiceLedger | None = None  # and the one that they leave
    leaving: Sequence[PlannedAdjustment] = ()  # adjustments of that one

    @property
    def pending_sent(self) -> Decimal:
        """Pending units that its adjustments send, without corrections."""
        if self.stop:
            return Decimal(0)
        both = (*self.adjustments, *self.leaving)
        sent = [one.adjustment for one in both if not one.stop]
        return sum((one.units - one.correction for one in sent), Decimal(0))


class _Reason(NamedTuple):
    """Why a service is not what it should be, and what to do about it."""

    text: str
    advice: Advice = NO_ADVICE


class SuccessionPairs:
    """The pairs of one append-only mapping."""

    def __init__(
        self, context: PlanContext, state: MappingState, owner_state: MappingState
    ) -> None:
        self._context, self._state, self._owner_state = context, state, owner_state

    def hold_halves(self, planned: Mapping[str, PlannedService]) -> None:
        """Stops each half whose counterpart is blocked, held or stopped.

        The increase waits while the units that it replaces are billed, the decrease while those
        that replace it are not.
        """
        for successor, predecessor in self._owner_state.moved_from.items():
            new, old = planned.get(successor), planned.get(predecessor)
            if new is None or old is None:
                continue
            why_new, why_old = self._why_held(new), self._why_held(old)
            if why_new and not why_old and not new.line.units and _moves(old, -1):
                old.stop = self._waits(old, new, why_new)
            elif why_old and not why_new and old.line.units != 0 and _begins(new):
                new.stop = self._waits(new, old, why_old)
        for predecessor, successor in self._owner_state.wanted_by.items():
            ends = planned.get(predecessor)
            if ends is not None and ends.ledger.quantity == 0 and _moves(ends, -1):
                ends.stop = self._waits_for_decision(ends, successor)

    def _why_held(self, planned: PlannedService) -> _Reason | None:
        """Why the service is not what it should be after this plan; None where it is."""
        if planned.stop:
            return _Reason(planned.stop.text)
        stopped = next((one.stop for one in planned.adjustments if one.stop), None)
        if stopped:
            return _Reason(stopped.text)
        for change in planned.ledger.changes:
            if change.key in self._state.blocked:
                name = self._state.mapping.name
                return _Reason(root_finding(self._context, name, change.key).text)
        line = planned.line
        if line.difference == planned.correction:
            return None
        return _Reason(line.text, line.advice)  # no finding of a change says what to do

    def _waits(self, planned: PlannedService, other: PlannedService, why: _Reason) -> Finding:
        text = f"waits for {other.ledger.row.name}, which belongs to it: {why.text}"
        return self._stop(planned, text, why.advice)

    def _waits_for_decision(self, planned: PlannedService, successor: str) -> Finding:
        """Holds the end of a service that another row may take over."""
        name = self._owner_state.mapping.name
        text = f"waits for {self._context.label(name, successor)}, which may take its service over"
        findings = self._owner_state.blocked.get(successor, ())
        advice = next((one.advice for one in findings if one.code == SERVICE_TAKEN), NO_ADVICE)
        return self._stop(planned, text, advice)

    def _stop(self, planned: PlannedService, text: str, advice: Advice) -> Finding:
        row, place = planned.ledger.row, self._state.mapping.place
        return Finding(
            WAITS_FOR_OTHER_HALF,
            Severity.HOLD,
            text,
            advice.text,
            place,
            row.mapping,
            row.key,
            commands=advice.commands,
        )

    def join(self, added: Mapping[str, Sequence[Change]]) -> None:
        """Lets the changes of a pair name each other, the increase first."""
        for successor, predecessor in self._owner_state.moved_from.items():
            new, old = added.get(successor, ()), added.get(predecessor, ())
            self.join_changes(new, old)

    def join_changes(self, new: Sequence[Change], old: Sequence[Change]) -> None:
        """Lets increases and decreases name each other; the decreases wait for the increases."""
        increases = [one.id for one in new if one.unit_change > 0]
        decreases = [one.id for one in old if one.unit_change < 0]
        if increases and decreases:
            self._replace(increases, decreases, ())
            self._replace(decreases, increases, increases)

    def _replace(self, ids: list[str], others: list[str], needs: Sequence[str]) -> None:
        for state in (self._state, self._owner_state):
            for key, changes in state.changes.items():
                if any(change.id in ids for change in changes):
                    state.changes[key] = [
                        replace(
                            change,
                            together=tuple(others),
                            needs=tuple(dict.fromkeys((*change.needs, *needs))),
                        )
                        if change.id in ids
                        else change
                        for change in changes
                    ]


def _begins(planned: PlannedService) -> bool:
    """Whether its first units would be sent."""
    return planned.stop is None and any(
        one.units_before == 0 and one.adjustment.units > 0
        for one in planned.adjustments
        if not one.stop
    )


def _moves(planned: PlannedService, sign: int) -> bool:
    """Whether adjustments of that sign would be sent."""
    sent = (one.adjustment.units for one in planned.adjustments if not one.stop)
    return planned.stop is None and any(units * sign > 0 for units in sent)
