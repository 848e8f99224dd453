"""Keeps the two halves of a succession together: both adjustments are sent, or neither.

A row that succeeds another one with another service, or on another contract, adds units there; the
row that ends takes units away here. If only one half were sent, seats would be billed twice or not
at all. The increase goes first, so that no day is unbilled if the run ends between the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from trueup.model.finding import NO_ADVICE, Advice, Command, Finding, Severity
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
        self,
        context: PlanContext,
        state: MappingState,
        owner_state: MappingState,
        days: Mapping[str, date],
    ) -> None:
        """`days` are those that decisions name for changes."""
        self._context, self._state, self._owner_state = context, state, owner_state
        self._days = days

    def hold_halves(self, planned: Mapping[str, PlannedService]) -> None:
        """Stops each half whose counterpart is not sent in this plan, and was not sent before.

        The increase waits while the units that it replaces are billed, the decrease while those
        that replace it are not. Other changes of the two rows are no part of this.
        """
        for successor, predecessor in self._owner_state.moved_from.items():
            new, old = planned.get(successor), planned.get(predecessor)
            if new is None or old is None:
                continue
            begins, ends = _beginning(new), _ending(old)
            begun = not begins.pending and (new.line.units or new.ledger.quantity == 0)
            ended = not ends.pending and old.line.units == 0
            if begins.is_sent and not (ends.is_sent or ended):
                new.stop = self._waits(new, old, self._why_held(old))
            elif ends.is_sent and not (begins.is_sent or begun):
                old.stop = self._waits(old, new, self._why_held(new))
            elif begins.is_sent and ends.is_sent:
                self._hold_on_two_days(new, old, begins, ends)
        for predecessor, successor in self._owner_state.wanted_by.items():
            wanted = planned.get(predecessor)
            if wanted and wanted.ledger.quantity == 0 and _moves(wanted, -1):
                wanted.stop = self._waits_for_decision(wanted, successor)

    def _hold_on_two_days(
        self, new: PlannedService, old: PlannedService, begins: "_Half", ends: "_Half"
    ) -> None:
        """Stops both where a person named the day of one of them only."""
        named = {self._days[key] for key in begins.pending if key in self._days}
        other = {self._days[key] for key in ends.pending if key in self._days}
        if named == other:
            return
        missing = min(ends.pending if named else begins.pending)
        day = next(iter(named or other))
        name = self._state.mapping.name
        push = Command("decide", name, missing, f"push --on {day} --reason …")
        text = f"the change that belongs to it is pushed on {day}: both go on one day"
        new.stop = self._stop(new, text, Advice.of(push))
        old.stop = self._stop(old, text, Advice.of(push))

    def _why_held(self, planned: PlannedService) -> _Reason:
        """Why the half of the service is not sent, and what to do about it."""
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
        return _Reason(line.text or "nothing is pending there", line.advice)

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


@dataclass(frozen=True, slots=True)
class _Half:
    """The step by which a service begins, or ends."""

    pending: frozenset[str]  # its changes of the source that are not sent yet
    is_sent: bool  # by this plan, as a change or as a correction


def _beginning(planned: PlannedService) -> _Half:
    """The step from nothing; its first one, where there are several."""
    steps = [one for one in planned.ledger.changes if one.step_units > 0]
    keys = frozenset(one.key for one in steps if one.step_reaches <= one.step_units)
    return _Half(keys, _sends(planned, keys, 1))


def _ending(planned: PlannedService) -> _Half:
    """The step to nothing."""
    steps = [one for one in planned.ledger.changes if one.step_units < 0]
    keys = frozenset(one.key for one in steps if one.step_reaches <= 0)
    return _Half(keys, _sends(planned, keys, -1))


def _sends(planned: PlannedService, keys: frozenset[str], sign: int) -> bool:
    """Whether the changes are sent, or a correction in that direction."""
    if planned.stop:
        return False
    sent = [one.adjustment for one in planned.adjustments if not one.stop]
    return any(keys & {*one.keys} or one.correction * sign > 0 for one in sent)


def _moves(planned: PlannedService, sign: int) -> bool:
    """Whether adjustments of that sign would be sent."""
    sent = (one.adjustment.units for one in planned.adjustments if not one.stop)
    return planned.stop is None and any(units * sign > 0 for units in sent)
