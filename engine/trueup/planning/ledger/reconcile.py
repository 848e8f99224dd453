"""Plans an append-only mapping: its pending changes become adjustments.

For each row of the mapping whose ledger they move, what should be billed is compared with what the
target bills. If the two agree once all pending changes are counted, the changes are planned as
adjustments; otherwise, the changes are held unless a person decided otherwise.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from trueup.expressions.rules import STOPS, rule_findings
from trueup.model.change import Action, Change
from trueup.model.decision import Decision
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import AppendSpec, LedgerSpec, MappingSpec
from trueup.model.plan import LedgerLine
from trueup.model.pushed_keys import correction_key
from trueup.model.rule_scopes import LedgerFacts, RuleOn, as_names
from trueup.model.verdict import Topic, Verdict
from trueup.planning.context import PlanContext
from trueup.planning.in_doubt import in_doubt_finding
from trueup.planning.ledger.adjustments import BELOW_ZERO, AdjustmentPlanner
from trueup.planning.ledger.change_values import change_finding
from trueup.planning.ledger.contract_ends import ContractEnds
from trueup.planning.ledger.earlier_days import CorrectedServices
from trueup.planning.ledger.ended_units import note_ended_units
from trueup.planning.ledger.held import held_units
from trueup.planning.ledger.invoice_runs import InvoiceRuns
from trueup.planning.ledger.moves import Moves, repriced
from trueup.planning.ledger.orphans import orphan_lines
from trueup.planning.ledger.other_steps import OtherSteps
from trueup.planning.ledger.pairs import WAITS_FOR_OTHER_HALF, SuccessionPairs
from trueup.planning.ledger.pending import PendingChanges, Queue
from trueup.planning.ledger.planned import PlannedAdjustment, PlannedService
from trueup.planning.ledger.sendable import SendableChanges
from trueup.planning.ledger.service_plans import ServicePlanner
from trueup.planning.ledger.services import ServiceLedgers
from trueup.planning.ledger.unbilled import hold_unbilled
from trueup.planning.records.evaluation import evaluate_rows
from trueup.planning.rights import denied_finding
from trueup.stages.append import NO_CORRECTION, Correction
from trueup.stages.ledger import LedgerResult, ServiceLedger, compare, complete

CHANGES_LATER = "units-change-later"
"""Code of the warning that a person entered units for a later day, which no change explains."""


def reconcile(context: PlanContext, mapping: MappingSpec) -> None:
    """Adds the state of an append-only mapping with its adjustments, and the ledger's lines."""
    owner = context.project.ledger_of(mapping.name)
    if mapping.append is None or owner is None or owner.ledger is None:
        return
    evaluate_rows(context, mapping)
    _Reconciliation(context, mapping, mapping.append, owner, owner.ledger).run()


class _Reconciliation:
    """One append-only mapping against the mapping that keeps its ledger, the owner."""

    def __init__(
        self,
        context: PlanContext,
        mapping: MappingSpec,
        spec: AppendSpec,
        owner: MappingSpec,
        ledger: LedgerSpec,
    ) -> None:
        self._context, self._mapping, self._spec = context, mapping, spec
        self._owner, self._ledger_spec = owner, ledger
        self._state, self._owner_state = context.states[mapping.name], context.states[owner.name]
        self._pending = PendingChanges(context, mapping, spec, self._state)
        self._other_steps = OtherSteps(context.snapshot.pushed.values())
        self._services = ServiceLedgers(context, owner, ledger, self._pending, self._other_steps)
        self._sendable = SendableChanges(context, self._pending, owner, self._other_steps)
        self._adjuster = AdjustmentPlanner(context, self._pending, spec, owner, self._other_steps)
        self._moves = Moves(context, owner, self._pending, self._services, self._other_steps)
        self._planner = ServicePlanner(self._adjuster, self._moves)
        self._pairs = SuccessionPairs(
            context,
            self._state,
            self._owner_state,
            self._pending.values,
            self._pending.decisions.named,
            self._planner,
        )
        self._ends = ContractEnds(context, self._pending)
        self._runs = InvoiceRuns(context, ledger, spec)
        self._corrected = CorrectedServices(
            context, ledger, spec, self._services, self._pending.marks
        )
        self._decisions = context.decisions(owner.name, Topic.UNITS)
        self._rules = context.rules.of(owner.name, RuleOn.LEDGER)
        self._pushed = self._pending.decisions.pushed

    def run(self) -> None:
        """Sorts the changes, reads units, compares, plans adjustments, and finds orphans."""
        queues = self._pending.queues()
        self._services.read_units(self._spec, queues)
        hold_unbilled(self._context, self._owner, self._pending, self._services)
        state = self._owner_state
        keys = [
            *state.record_ids,
            *state.inferred_links,
            *queues,
            *state.ready,  # rows that should have a service, linked or not
            *state.blocked,
        ]
        planned = {
            key: self._plan_service(key, queues.get(key, Queue()))
            for key in dict.fromkeys(keys)
            if key not in state.succeeded_by and not self._services.quantities.is_ignored(key)
        }
        self._pairs.hold_halves(planned)
        self._corrected.add_earlier_days(planned, queues)
        note_ended_units(planned, self._pairs.found, self._services, self._context.as_of)
        self._read_history(planned.values())
        added = {key: self._add(one) for key, one in planned.items()}
        self._pairs.join(added)
        self._services.add_extensions(self._runs)
        self._context.ledger += orphan_lines(self._context, self._owner, self._services)
        self._context.findings.extend(self._services.policies.unused())

    def _read_history(self, planned: Iterable[PlannedService]) -> None:
        """Gives `InvoiceRuns` all services whose invoices this plan changes."""
        changed = [one for one in planned if one.adjustments or one.leaving]
        ledgers = (ledger for one in changed for ledger in (one.new or one.ledger, one.old))
        extended = self._services.extended()
        self._runs.read_history([*(one for one in ledgers if one is not None), *extended])

    def _plan_service(self, key: str, queue: Queue) -> PlannedService:
        """Plans one row's ledger line and its possible adjustments; adds nothing yet."""
        self._archive(key, queue)
        ledger = self._services.of_row(key, queue)
        self._ends.set_aside(ledger, queue)
        planned = self._plan(ledger, self._compare(ledger, key), queue)
        if planned.old or not self._moves.has(key):
            self._runs.note(planned.old or ledger)
        planned.findings = self._rule_findings(planned, key)
        stop = next((finding for finding in planned.findings if finding.severity in STOPS), None)
        planned.stop = planned.stop or stop
        return planned

    def _add(self, planned: PlannedService) -> list[Change]:
        """Adds the adjustments of one service, or holds them, and its ledger line."""
        if planned.stop:
            if planned.old:  # a record alone would leave the units behind
                stop = planned.stop
                self._moves.block(planned.ledger.row.key, stop.text, stop.advice)
            changes: list[Change] = []
            line = self._stopped(planned, planned.stop)
        else:
            line = planned.line
            sent = sum(adjustment.correction_sent for adjustment in planned.adjustments)
            if not planned.old and sent != planned.corrects.units:
                line = _not_corrected(line, planned.adjustments)
            changes, line = self._add_adjustments(planned, line)
        self._ends.mark(planned.ledger)
        line = _without_too_late(line, planned)
        moved = sum(change.unit_change for change in changes)
        held = held_units(self._context, self._mapping.name, planned.ledger)
        line = complete(line, moved, held)
        self._context.explained.keep_ledger(line, planned.ledger)
        if _matters(line):
            self._context.ledger.append(line)
            if line.difference == 0 and planned.line.text and not planned.ledger.changes:
                self._context.findings.append(self._changes_later(line))
            # What stops a change is reported with the change.
            self._context.findings.extend(
                finding
                for finding in planned.findings
                if finding is not planned.stop or not planned.sendable
            )
        return changes

    def _add_adjustments(
        self, planned: PlannedService, line: LedgerLine
    ) -> tuple[list[Change], LedgerLine]:
        """Adds the adjustments; returns them, and the line with prices of a row that moves."""
        ledger = self._runs.on_its_run(planned.new or planned.ledger)
        changes, old = self._adjuster.add(ledger, planned.adjustments), planned.old
        if old:
            left = self._adjuster.add(self._runs.on_its_run(old), planned.leaving)
            self._moves.join(changes, left)
            changes += left
        elif self._moves.has(line.key):  # it is corrected first, on its old service
            old, left = planned.ledger, changes
        else:
            return changes, line
        return changes, repriced(line, old.terms.monthly, sum(one.unit_change for one in left))

    def _changes_later(self, line: LedgerLine) -> Finding:
        """Returns the warning of a line that agrees on its day, and not on a later one."""
        return Finding(
            CHANGES_LATER,
            Severity.WARNING,
            line.text,
            line.remedy,
            self._owner.place,
            line.mapping,
            line.key,
            commands=line.commands,
        )

    def _compare(self, ledger: ServiceLedger, key: str) -> LedgerResult:
        as_of, difference = self._context.as_of, self._ledger_spec.difference
        own = self._decisions.get(key)
        result = compare(ledger, as_of, difference, self._pushed)
        if own is None or own.verdict is not Verdict.CORRECT or not result.line.difference:
            return result
        outdated = self._why_outdated(own, result.line)
        return compare(
            ledger, as_of, difference, self._pushed, correct=not outdated, outdated=outdated
        )

    def _why_outdated(self, decision: Decision, line: LedgerLine) -> str:
        """Returns why a decision to correct is not about this difference; "" if it is.

        It holds for the difference that the person saw, and for one run.
        """
        seen = decision.seen
        if seen is None:
            return "correct is decided, but not for which difference: decide it again"
        key = correction_key(line.key, seen.day)
        if pushed := self._context.snapshot.pushed.get((self._mapping.name, key)):
            return f"run {pushed.run} corrected the difference of {seen.day}: this is another one"
        difference = seen.quantity - seen.units
        if line.quantity != seen.quantity or line.difference != difference:
            return (
                f"correct was decided for {seen.units:f} units against {seen.quantity:f} "
                f"on {seen.day}: this is another difference"
            )
        return ""

    def _plan(self, ledger: ServiceLedger, result: LedgerResult, queue: Queue) -> PlannedService:
        sendable = self._sendable.of(ledger, result, queue.sendable)
        line, correction = self._correction(ledger, result)
        return self._planner.plan(ledger, line, sendable, correction)

    def _correction(
        self, ledger: ServiceLedger, result: LedgerResult
    ) -> tuple[LedgerLine, Correction]:
        """Returns the line with what is sent to correct its difference."""
        line, own = result.line, self._decisions.get(result.line.key)
        if not result.correction:
            return line, NO_CORRECTION
        if self._sendable.is_in_doubt(ledger):
            doubt = in_doubt_finding(self._mapping.place, line.mapping, line.key)
            text = f"is not corrected: {doubt.text}"
            return replace(line, text=text, remedy=doubt.remedy, commands=()), NO_CORRECTION
        if self._sendable.is_denied:
            denied = denied_finding(
                self._mapping, self._mapping.target.entity, Action.ADJUST, line.key
            )
            text = f"is not corrected: {denied.text}"
            return replace(line, text=text, remedy=denied.remedy, commands=()), NO_CORRECTION
        is_decided = own is not None and own.verdict is Verdict.CORRECT
        if own and own.seen and is_decided and not self._why_outdated(own, line):
            return line, Correction(result.correction, own.seen.day, own.seen.day)
        return line, Correction(result.correction, line.day)

    def _archive(self, owner: str, queue: Queue) -> None:
        """Marks the changes that a person decided to archive; nothing is sent for them.

        Each mark keeps the day that the policy names. Of a row with an unknown quantity that day
        is unknown, and its marks wait.
        """
        if not queue.archive:
            return
        quantity, (why, remedy) = self._services.quantities.of(owner, queue, None)
        if quantity is None:
            text = f"is marked once the day from which it is billed is known: {why}"
            for key in (one for one in queue.archive if one in self._state.ready):
                finding = change_finding(
                    self._mapping, "ledger-unknown", Severity.HOLD, text, key, remedy
                )
                self._state.block(key, finding)
            return
        target = self._context.systems.target
        days = {one.key: one.day for one in self._services.settled(owner, queue) or ()}
        for key in queue.archive:
            self._state.ready.pop(key, None)
            self._state.blocked.pop(key, None)
            reason = self._pending.decisions.by_key[key].reason
            why = f"archived only, {target} has it already: {reason}"
            self._pending.marks.add_alone(key, why, day=days.get(key))

    # Rules on the ledger

    def _rule_findings(self, planned: PlannedService, key: str) -> Sequence[Finding]:
        line = planned.line
        is_known = line.difference is not None and line.units is not None
        is_wanted = self._rules or self._context.explained.is_wanted
        if not (is_wanted and _matters(line) and key in self._owner_state.rows and is_known):
            return ()
        facts = LedgerFacts(
            quantity=line.quantity,
            units=line.units or 0,
            pending=line.pending,
            held=line.pending - planned.pending_sent,
            difference=line.difference,
            class_=str(complete(line, 0, ()).class_),
            day=line.day,
        )
        names = self._context.names(self._owner.name, key)
        names["ledger"] = as_names(facts)
        self._context.explained.saw(RuleOn.LEDGER, self._owner.name, key, names)
        return rule_findings(self._rules, names, key)

    def _stopped(self, planned: PlannedService, stop: Finding) -> LedgerLine:
        """Holds all changes of a service, and its correction.

        A rule on the ledger stops them, or one change stops all that belong to it: they wait.
        """
        both = (*planned.adjustments, *planned.leaving)
        own = [key for one in both if one.stop is stop for key in one.adjustment.keys]
        for key in planned.sendable:
            if not own or key in own:
                self._state.block(key, replace(stop, mapping=self._mapping.name, key=key))
            else:
                self._pending.make_wait(key, stop, "another change of the same move")
        if not planned.corrects.units:
            return planned.line
        return replace(
            planned.line,
            text=f"is not corrected: {stop.text}",
            remedy=stop.remedy,
            commands=stop.commands,
        )


def _without_too_late(line: LedgerLine, planned: PlannedService) -> LedgerLine:
    """The line without units that no day is open for: they are lost, and not to be billed."""
    units = sum(one.adjustment.too_late for one in planned.sent)
    if line.quantity is None or not units:
        return line
    return replace(line, quantity=line.quantity - units, pending=line.pending - units)


def _not_corrected(line: LedgerLine, adjustments: Sequence[PlannedAdjustment]) -> LedgerLine:
    """The line of a difference whose correction is stopped, wholly or in part."""
    stops = (
        adjustment.stop
        for adjustment in adjustments
        if adjustment.stop and adjustment.adjustment.correction
    )
    own = (BELOW_ZERO, WAITS_FOR_OTHER_HALF)
    stop = next((one for one in stops if one.code in own), None)
    if stop is None:
        text = "is corrected after an earlier change that is held, see there"
        return replace(line, text=text, remedy="", commands=())
    return replace(line, text=f"is not corrected: {stop.text}", remedy=stop.remedy, commands=())


def _matters(line: LedgerLine) -> bool:
    """Whether there is anything on one of the two sides, also units on a former service."""
    return bool(line.record is not None or line.quantity or line.pending or line.units)
