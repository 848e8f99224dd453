"""Keeps the two halves of a succession together: both adjustments are sent, or neither.

A row that succeeds another one with another service, or on another contract, adds units there; the
row that ends takes units away here. If only one half were sent, seats would be billed twice or not
at all. The increase goes first, so that no day is unbilled if the run ends between the two.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from trueup.model.change import Change
from trueup.model.finding import NO_ADVICE, Advice, Command, Finding, Severity
from trueup.model.mapping_state import MappingState
from trueup.model.verdict import Verdict
from trueup.planning.context import PlanContext
from trueup.planning.ledger.change_values import ChangeValues
from trueup.planning.ledger.common_days import follow, on_common_days
from trueup.planning.ledger.halves import BilledRow, Half, Pair
from trueup.planning.ledger.held import root_finding
from trueup.planning.ledger.planned import PlannedService
from trueup.planning.ledger.service_plans import ServicePlanner
from trueup.planning.records.repeats import SERVICE_TAKEN
from trueup.planning.records.succession import SUCCESSOR_UNCLEAR

WAITS_FOR_OTHER_HALF = "waits-for-its-other-half"
"""Code of the finding of a change whose counterpart in a succession cannot be sent."""


class _Reason(NamedTuple):
    """Why a half is held, and the remedy."""

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
        planner: ServicePlanner,
    ) -> None:
        """`days` are those that decisions name for changes."""
        self._context, self._state, self._owner_state = context, state, owner_state
        self._values, self._days, self._planner = values, days, planner
        self.found: Sequence[Pair] = ()

    def hold_halves(self, planned: Mapping[str, PlannedService]) -> None:
        """Stops each half whose counterpart is neither sent in this plan nor sent before.

        The increase waits while the units that it replaces are billed, the decrease while those
        that replace it are not. Earlier changes of the two rows are not affected; later ones wait.
        A half that is stopped, or that moves to another day, may precede a half of another pair,
        which then does the same.
        """
        for predecessor, successor in self._owner_state.wanted_by.items():
            wanted = planned.get(predecessor)
            if wanted and not wanted.stop:
                self._hold_in_question(wanted, successor)
        self.found = [*self._found(planned)]
        while any(self._keep_together(pair) for pair in self.found):
            pass

    def _found(self, planned: Mapping[str, PlannedService]) -> Iterator[Pair]:
        """The pairs whose services are both in the ledger.

        A row that begins and ends on one day is left out between two others.
        """
        before, rows = self._owner_state.moved_from, dict[str, BilledRow]()
        for row in (*before, *before.values()):
            holder = self._owner_state.holder(row)
            if holder in planned:
                keys = self._keys_of(planned[holder], row)
                rows[row] = BilledRow(planned[holder], keys, is_holder=holder == row)
        left_out = {row for row in before if row in rows and rows[row].bills_nothing}
        for successor, predecessor in before.items():
            billed_before = predecessor
            while billed_before in left_out:
                billed_before = before[billed_before]
            new, old = rows.get(successor), rows.get(billed_before)
            if successor not in left_out and new and old and new.service is not old.service:
                yield Pair(new, old)

    def _keys_of(self, planned: PlannedService, row: str) -> frozenset[str]:
        """Pending changes of one of the rows that the service is for."""
        keys = (change.key for change in planned.ledger.changes)
        return frozenset(key for key in keys if self._values.row_of(key) == row)

    def _keep_together(self, pair: Pair) -> bool:
        """Stops halves of one pair that cannot be sent now, or moves them to days that fit.

        Returns whether it did.
        """
        new, old = pair.new.service, pair.old.service
        begins, ends = pair.new.begins, pair.old.ends
        if begins.is_sent and ends.is_sent:
            return self._hold_on_two_days(begins, ends) or self._bring_together(pair)
        if begins.is_sent and not pair.has_ended:
            begins.hold(self._waits(new, old, self._why_held(old)))
        elif ends.is_sent and not pair.has_begun:
            ends.hold(self._waits(old, new, self._why_held(new)))
        else:
            return self._follow(pair)
        return True

    def _bring_together(self, pair: Pair) -> bool:
        """Sends both on days that fit each other, or neither; returns whether one was changed."""
        halves = pair.new.begins, pair.old.ends
        before = [half.planned_day for half in halves]
        found = on_common_days(self._planner, pair)
        for half in halves if not found else ():
            text = "the two services have no open day in common"
            half.hold(self._stop(half.service, text, NO_ADVICE))
        return before != [half.planned_day for half in halves]

    def _follow(self, pair: Pair) -> bool:
        """Moves the rest of a pair to the day of a half that was sent before; returns whether.

        If a service begins or ends several times along the chain, its units do not show which day
        belongs to this pair.
        """
        begins = [one for one in self.found if one.new.service is pair.new.service]
        ends = [one for one in self.found if one.old.service is pair.old.service]
        halves = pair.new.begins, pair.old.ends
        before = [half.planned_day for half in halves]
        if len(begins) == len(ends) == 1:
            follow(self._planner, pair)
        return before != [half.planned_day for half in halves]

    def _hold_on_two_days(self, begins: Half, ends: Half) -> bool:
        """Stops both if a person named the day of one of them only; returns whether it did."""
        named = {self._days[key] for key in begins.pending if key in self._days}
        other = {self._days[key] for key in ends.pending if key in self._days}
        if named == other or not (begins.pending and ends.pending):
            return False
        missing = min(ends.pending if named else begins.pending)
        day = next(iter(named or other))
        name = self._state.mapping.name
        push = Command.decide(name, missing, Verdict.PUSH, f"--on {day}")
        text = f"the change that belongs to it is pushed on {day}: both go on one day"
        for half in (begins, ends):
            half.hold(self._stop(half.service, text, Advice.of(push)))
        return True

    def _why_held(self, planned: PlannedService) -> _Reason:
        """Returns why the half of the service is not sent, and the remedy."""
        if planned.stop:
            return _Reason(planned.stop.text, planned.stop.advice)
        both = (*planned.leaving, *planned.adjustments)
        stopped = next((one.stop for one in both if one.stop), None)
        if stopped:
            return _Reason(stopped.text, stopped.advice)
        for change in planned.ledger.changes:
            if change.key in self._state.blocked:
                name = self._state.mapping.name
                root = root_finding(self._context, name, change.key)
                return _Reason(root.text, root.advice)
        line = planned.line
        return _Reason(line.text or "nothing is pending there", line.advice)

    def _waits(self, planned: PlannedService, other: PlannedService, why: _Reason) -> Finding:
        text = f"waits for {other.ledger.row.name}, which belongs to it: {why.text}"
        return self._stop(planned, text, why.advice)

    def _hold_in_question(self, wanted: PlannedService, successor: str) -> None:
        """Holds what depends on an open decision about who succeeds a row.

        That is the end of a service, and all changes of a service that is yet to be created.
        """
        sent = wanted.sent
        ends = [one for one in sent if one.adjustment.units < 0 and not wanted.ledger.quantity]
        waits = self._waits_for_decision(wanted, successor)
        if (sent and wanted.ledger.record is None) or (ends and wanted.new):
            wanted.stop = waits
        elif ends:
            wanted.hold_from(ends[0], waits)

    def _waits_for_decision(self, planned: PlannedService, successor: str) -> Finding:
        """Holds the end of a service that another row may take over."""
        name = self._owner_state.mapping.name
        text = f"waits for {self._context.label(name, successor)}, which may take its service over"
        findings = self._owner_state.blocked.get(successor, ())
        asking = (
            finding.advice
            for finding in findings
            if finding.code in (SERVICE_TAKEN, SUCCESSOR_UNCLEAR)
        )
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

    def join(self, added: Mapping[str, Sequence[Change]]) -> None:
        """Makes the changes of a pair refer to each other, the increase first.

        `added` are the changes of each service.
        """
        for pair in self.found:
            new = added[pair.new.service.ledger.row.key]
            old = added[pair.old.service.ledger.row.key]
            self.join_changes(pair.new.begins.changes_of(new), pair.old.ends.changes_of(old))

    def join_changes(self, new: Sequence[Change], old: Sequence[Change]) -> None:
        """Lets increases and decreases name each other; the decreases wait for the increases.

        Both are checked before the first is sent, so the increases wait for what the decreases
        need: the service of a row between two others may be created by the same run.
        """
        increases = [one.id for one in new if one.unit_change > 0]
        decreases = [one.id for one in old if one.unit_change < 0]
        if increases and decreases:
            needed = dict.fromkeys(id_ for one in old if one.unit_change < 0 for id_ in one.needs)
            own = {*increases, *decreases}
            self._replace(increases, decreases, [id_ for id_ in needed if id_ not in own])
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
