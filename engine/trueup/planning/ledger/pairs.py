"""Keeps the two halves of a succession together: both adjustments are sent, or neither.

A row that succeeds another one with another service, or on another contract, adds units there; the
row that ends takes units away here. If only one half were sent, seats would be billed twice or not
at all. The increase goes first, so that no day is unbilled if the run ends between the two.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from trueup.model.finding import NO_ADVICE, Advice, Command, Finding, Severity
from trueup.model.mapping_state import MappingState
from trueup.model.plan import Change, LedgerLine
from trueup.planning.context import PlanContext
from trueup.planning.ledger.adjustments import PlannedAdjustment
from trueup.planning.ledger.change_values import ChangeValues
from trueup.planning.ledger.held import root_finding
from trueup.planning.records.repeats import SERVICE_TAKEN
from trueup.planning.records.succession import SUCCESSOR_UNCLEAR
from trueup.stages.ledger import PendingUnits, ServiceLedger

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
        values: ChangeValues,
        days: Mapping[str, date],
    ) -> None:
        """`days` are those that decisions name for changes."""
        self._context, self._state, self._owner_state = context, state, owner_state
        self._values, self._days = values, days

    def hold_halves(self, planned: Mapping[str, PlannedService]) -> None:
        """Stops each half whose counterpart is not sent in this plan, and was not sent before.

        The increase waits while the units that it replaces are billed, the decrease while those
        that replace it are not. Other changes of the two rows are no part of this. A service that
        is stopped may be a half of another pair, which then waits as well.
        """
        for predecessor, successor in self._owner_state.wanted_by.items():
            wanted = planned.get(predecessor)
            if wanted and _is_in_question(wanted):
                wanted.stop = self._waits_for_decision(wanted, successor)
        pairs = self._pairs(planned)
        while any(self._hold(pair) for pair in pairs):
            pass

    def _pairs(self, planned: Mapping[str, PlannedService]) -> list["_Pair"]:
        """The pairs whose services are both in the ledger."""
        found, holder = [], self._owner_state.holder
        for successor, predecessor in self._owner_state.moved_from.items():
            new, old = planned.get(holder(successor)), planned.get(holder(predecessor))
            if new and old:
                keys = self._keys_of(new, successor), self._keys_of(old, predecessor)
                found.append(_Pair(new, old, *keys, is_last=holder(predecessor) == predecessor))
        return found

    def _keys_of(self, planned: PlannedService, row: str) -> frozenset[str]:
        """Pending changes of one of the rows that the service is for."""
        keys = (change.key for change in planned.ledger.changes)
        return frozenset(key for key in keys if self._values.row_of(key) == row)

    def _hold(self, pair: "_Pair") -> bool:
        """Stops halves of one pair that cannot be sent now; whether it stopped one."""
        new, old, begins, ends = pair.new, pair.old, pair.begins, pair.ends
        if begins.is_sent and not (ends.is_sent or pair.has_ended):
            new.stop = self._waits(new, old, self._why_held(old))
        elif ends.is_sent and not (begins.is_sent or pair.has_begun):
            old.stop = self._waits(old, new, self._why_held(new))
        elif not (begins.is_sent and ends.is_sent):
            return False
        else:
            return self._hold_on_two_days(new, old, begins, ends)
        return True

    def _hold_on_two_days(
        self, new: PlannedService, old: PlannedService, begins: "_Half", ends: "_Half"
    ) -> bool:
        """Stops both where a person named the day of one of them only; whether it did."""
        named = {self._days[key] for key in begins.pending if key in self._days}
        other = {self._days[key] for key in ends.pending if key in self._days}
        if named == other:
            return False
        missing = min(ends.pending if named else begins.pending)
        day = next(iter(named or other))
        name = self._state.mapping.name
        push = Command("decide", name, missing, f"push --on {day} --reason …")
        text = f"the change that belongs to it is pushed on {day}: both go on one day"
        new.stop = self._stop(new, text, Advice.of(push))
        old.stop = self._stop(old, text, Advice.of(push))
        return True

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
        asking = (one.advice for one in findings if one.code in (SERVICE_TAKEN, SUCCESSOR_UNCLEAR))
        advice = next(asking, NO_ADVICE)
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

    def join(
        self, planned: Mapping[str, PlannedService], added: Mapping[str, Sequence[Change]]
    ) -> None:
        """Lets the changes of a pair name each other, the increase first.

        `added` are the changes of each service of `planned`.
        """
        for pair in self._pairs(planned):
            new, old = added[pair.new.ledger.row.key], added[pair.old.ledger.row.key]
            self.join_changes(pair.begins.of(new), pair.ends.of(old))

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
                            together=tuple(dict.fromkeys((*change.together, *others))),
                            needs=tuple(dict.fromkeys((*change.needs, *needs))),
                        )
                        if change.id in ids
                        else change
                        for change in changes
                    ]


@dataclass(frozen=True, slots=True)
class _Half:
    """The step by which a row begins, or ends."""

    pending: frozenset[str]  # its changes of the source that are not sent yet
    is_sent: bool  # by this plan, as a change or as a correction

    def of(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Those of a service's changes that send it; where it was sent before, any."""
        own = [
            one
            for one in changes
            if self.pending & {*one.keys} or (one.adjustment and one.adjustment.correction)
        ]
        return own or changes


@dataclass(frozen=True, slots=True)
class _Pair:
    """A row that begins with units of its own service, where another one ends on its own."""

    new: PlannedService
    old: PlannedService
    new_keys: frozenset[str]  # pending changes of the row that begins
    old_keys: frozenset[str]  # of the one that ends
    is_last: bool  # no later row has the service of the one that ends

    @property
    def begins(self) -> _Half:
        """The step from nothing; its first one, where there are several."""
        steps = [one for one in _steps(self.new, self.new_keys) if one.step_units > 0]
        keys = frozenset(one.key for one in steps if one.step_reaches <= one.step_units)
        return _Half(keys, _sends(self.new, keys, 1))

    @property
    def ends(self) -> _Half:
        """The step to nothing."""
        steps = [one for one in _steps(self.old, self.old_keys) if one.step_units < 0]
        keys = frozenset(one.key for one in steps if one.step_reaches <= 0)
        return _Half(keys, _sends(self.old, keys, -1))

    @property
    def has_begun(self) -> bool:
        """Whether the units of the row that begins are there without this plan."""
        return not self.begins.pending and bool(self.new.line.units or not self.new.ledger.quantity)

    @property
    def has_ended(self) -> bool:
        """Whether those of the row that ends are gone without this plan.

        Where a later row has units on the same service, the ledger tells: it agrees. Where the
        contract ends before the other row begins, nothing has to end.
        """
        end, begins = self.old.ledger.terms.end, self.begins.pending
        days = [one.day for one in self.new.ledger.changes if one.key in begins]
        if end is not None and days and min(days) > end:
            return True
        line = self.old.line
        is_gone = line.units == 0 or (not self.is_last and line.difference == 0)
        return not self.ends.pending and is_gone


def _steps(planned: PlannedService, keys: frozenset[str]) -> Iterator[PendingUnits]:
    """The changes of the days on which those with these keys are."""
    days = {one.day for one in planned.ledger.changes if one.key in keys}
    return (one for one in planned.ledger.changes if one.day in days)


def _sends(planned: PlannedService, keys: frozenset[str], sign: int) -> bool:
    """Whether the changes are sent, or a correction in that direction."""
    if planned.stop:
        return False
    sent = [one.adjustment for one in planned.adjustments if not one.stop]
    return any(keys & {*one.keys} or one.correction * sign > 0 for one in sent)


def _is_in_question(planned: PlannedService) -> bool:
    """Whether what is planned depends on which row takes the service over.

    The end of a service does, and all of one that is yet to be created.
    """
    sent = [one.adjustment.units for one in planned.adjustments if not one.stop]
    if planned.stop:
        return False
    if planned.ledger.record is None:
        return bool(sent)
    return planned.ledger.quantity == 0 and any(units < 0 for units in sent)
