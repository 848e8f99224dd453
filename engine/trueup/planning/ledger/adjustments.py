"""Turns the pending changes of one service into adjustments: merged by day, checked, ordered."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from trueup.expressions.rules import STOPS, rule_findings
from trueup.model.change import (
    Action,
    Adjustment,
    Change,
    FieldChange,
    MadeRecord,
    Preconditions,
    Reason,
    UnitRow,
    Unknown,
)
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import AppendSpec, MappingSpec
from trueup.model.money import exact
from trueup.model.rule_scopes import ChangeFacts, RuleOn, as_names
from trueup.model.units import (
    adjust,
    first_open_day,
    is_posted,
    lowest,
    units_on,
)
from trueup.model.verdict import Verdict
from trueup.planning.change_ids import change_id, correction_id, mark_id, move_id
from trueup.planning.context import PlanContext
from trueup.planning.fingerprints import seen_row
from trueup.planning.ledger.lost_days import credit_note, earlier_notes, lost_in_all
from trueup.planning.ledger.other_steps import OtherSteps
from trueup.planning.ledger.pending import WAITS, PendingChanges
from trueup.planning.ledger.planned import PlannedAdjustment
from trueup.planning.records.alike import AlikeRecords
from trueup.planning.references import NearestRecords, changes_before, references_of
from trueup.stages import billing
from trueup.stages.append import (
    NO_CORRECTION,
    Correction,
    MergedAdjustment,
    Pending,
    ServiceDays,
    merge,
)
from trueup.stages.diff import display_text
from trueup.stages.ledger import PendingUnits, ServiceLedger

SHORTEST_MONTH = 28

BELOW_ZERO = "correction-below-zero"
"""Code of the finding that stops a correction after which less than no units would be left."""

_DECIDED, _CONFIGURED = ", as decided,", " (difference: correct)"
"""Whose correction it is: a person's, or the project's."""


class AdjustmentPlanner:
    """Plans the adjustments of one append-only mapping, service by service."""

    def __init__(
        self,
        context: PlanContext,
        pending: PendingChanges,
        spec: AppendSpec,
        owner: MappingSpec,
        other_steps: OtherSteps,
    ) -> None:
        """`owner` is the mapping whose ledger the changes move."""
        self._context, self._pending, self._spec, self._owner = context, pending, spec, owner
        self._mapping, self._marks, self._state = pending.mapping, pending.marks, pending.state
        self._owner_state = context.states[owner.name]
        self._alike = AlikeRecords(context, owner)
        self._other_steps = other_steps
        self._rules = context.rules.of(pending.mapping.name, RuleOn.CHANGE)

    # Planning, with nothing added to the plan yet

    def plan(
        self, ledger: ServiceLedger, sendable: Sequence[str], correction: Correction
    ) -> list[PlannedAdjustment]:
        """Returns the adjustments of one service in order. After a stopped one, all are stopped."""
        taken = self._other_steps.taken_days(ledger)
        days = ServiceDays.of(ledger.rows, taken)
        by_key = {change.key: change for change in ledger.changes}
        changes = [self._as_pending(by_key[key]) for key in sendable]
        entered = [(one.day, Decimal(one.units)) for one in self._other_steps.of(ledger)]
        changes += correction.parts(changes, days, entered)

        rows, moved, stop = ledger.rows, 0, None
        planned: list[PlannedAdjustment] = []
        for merged in merge(changes, days):
            adjustment = self._within_contract(ledger, merged)
            low = lowest(rows, adjustment.day, moved) + adjustment.units
            before = units_on(rows, adjustment.day, moved)
            findings = () if stop else self._rule_findings(adjustment, before, low, ledger.rows)
            stop = stop or next(
                (finding for finding in findings if finding.severity in STOPS), None
            )
            if adjustment.correction and low < 0:
                stop = stop or self._below_zero(ledger, adjustment, low)
            own = correction if adjustment.correction else NO_CORRECTION
            planned.append(PlannedAdjustment(adjustment, before, findings, stop, own))
            if not stop:
                rows = adjust(rows, adjustment.day, adjustment.units)
                moved += adjustment.units
        return planned

    def _within_contract(
        self, ledger: ServiceLedger, adjustment: MergedAdjustment
    ) -> MergedAdjustment:
        """Returns the adjustment; without units to send if no day of its contract is open."""
        end, keys = ledger.terms.end, adjustment.keys
        if end is None or adjustment.day <= end or adjustment.correction:
            return adjustment
        days = [change.day for change in ledger.changes if change.key in keys]
        if max(days) > end or not self._pending.decisions.pushed.issuperset(keys):
            return adjustment
        return replace(adjustment, units=0, too_late=adjustment.units)

    def _below_zero(
        self, ledger: ServiceLedger, adjustment: MergedAdjustment, lowest_units: int
    ) -> Finding:
        """Stops a correction after which the units would be negative on some day."""
        text = f"{adjustment.units:+d} from {adjustment.day} would leave {lowest_units} units"
        remedy = f"correct the units in {self._context.systems.target}"
        place, row = self._mapping.place, ledger.row
        return Finding(BELOW_ZERO, Severity.HOLD, text, remedy, place, row.mapping, row.key)

    def _as_pending(self, change: PendingUnits) -> Pending:
        decision = self._pending.decisions.get(change.key)
        forced = bool(decision and decision.verdict is Verdict.PUSH)
        return Pending(change.key, change.day, change.units, forced, change.notes)

    def _rule_findings(
        self, adjustment: MergedAdjustment, before: int, low: int, rows: Sequence[UnitRow]
    ) -> Sequence[Finding]:
        """Returns the findings of rules on changes; they do not check a correction by itself."""
        is_wanted = self._rules or self._context.explained.is_wanted
        if not adjustment.keys or not adjustment.units or not is_wanted:
            return ()
        first = adjustment.keys[0]
        facts = ChangeFacts(
            action=str(Action.ADJUST),
            values=self._pending.values.of(first),
            day=adjustment.day,
            units=adjustment.units,
            units_before=before,
            units_after=before + adjustment.units,
            lowest=low,
            posted=is_posted(rows, adjustment.day),
            first_open_day=first_open_day(rows, adjustment.day),
        )
        names = self._context.names(self._mapping.name, first)
        names["refs"] = NearestRecords(self._context, self._mapping.name).of(first)
        names["change"] = as_names(facts)
        for key in adjustment.keys:
            self._context.explained.saw(RuleOn.CHANGE, self._mapping.name, key, names)
        return rule_findings(self._rules, names, first)

    # Adding to the plan

    def add(self, ledger: ServiceLedger, planned: Iterable[PlannedAdjustment]) -> list[Change]:
        """Adds the changes of one service, each after the one before it; holds stopped ones.

        Returns what was added.
        """
        key = ledger.row.key
        needs = changes_before(self._context, self._owner.name, key)
        added: list[Change] = []
        for one in planned:
            self._state.findings += [
                finding for finding in one.findings if finding.severity not in STOPS
            ]
            if one.stop:
                self._hold(one.adjustment, one.stop)
                continue
            if not one.adjustment.units:
                self._mark_only(ledger, one)
                continue
            change = self._change(ledger, one, needs)
            if key in self._owner_state.repeats and key not in self._owner_state.changes:
                change = self._creating_service(key, change)
            added.append(change)
            needs = (change.id,)
        return added

    def _hold(self, adjustment: MergedAdjustment, stop: Finding) -> None:
        for key in adjustment.keys:
            if stop.key in adjustment.keys:
                self._state.block(key, replace(stop, key=key))
            else:
                text = f"waits for an earlier change of the same service: {stop.text}"
                waits = replace(stop, code=WAITS, severity=Severity.HOLD, text=text, key=key)
                self._state.block(key, waits)

    def _mark_only(self, ledger: ServiceLedger, planned: PlannedAdjustment) -> None:
        """Marks changes whose sum is zero, or that are too late; nothing is sent for them.

        Days between their own days and this one may be lost anyway, and those before the day
        on which the target got the units that a correction leaves out.
        """
        adjustment, monthly, day = planned.adjustment, None, planned.adjustment.billed_from
        id_ = mark_id(self._mapping.name, adjustment.keys[0])
        why = "the changes of that day cancel out: nothing is sent"
        if adjustment.correction:
            whose = _DECIDED if planned.correction.decided_on else _CONFIGURED
            why = f"the correction{whose} cancels it: nothing is sent"
        elif adjustment.too_late:
            end, per_unit = ledger.terms.end, ledger.terms.monthly
            why = f"no day of its contract is open, which ends on {end}: nothing is sent"
            monthly = None if per_unit is None else exact(per_unit * adjustment.too_late)
        amount = lost_in_all(ledger, planned)
        notes = (why, *earlier_notes(planned.earlier), *credit_note(ledger, amount))
        self._marks.add(id_, adjustment.keys, (), *notes, lost=amount, monthly=monthly, day=day)

    def _change(
        self, ledger: ServiceLedger, planned: PlannedAdjustment, needs: tuple[str, ...]
    ) -> Change:
        adjustment, owner_key = planned.adjustment, ledger.row.key
        keys, day, units = adjustment.keys, adjustment.day, adjustment.units
        if ledger.record is None:
            new = change_id(self._owner.name, owner_key)
            self._context.new_unit_rows[new] = self._rows_to_come(ledger, day)
        mapping = self._mapping.name
        correction = planned.correction
        id_ = change_id(mapping, keys[0]) if keys else self._own_id(ledger, correction)
        values = self._values(ledger, adjustment)
        whose = _DECIDED.rstrip(",") if correction.decided_on else _CONFIGURED
        corrects = correction.transfer or f"corrects the difference{whose}"
        notes = [corrects] if adjustment.correction else []
        change = Change(
            id=id_,
            action=Action.ADJUST,
            mapping=mapping,
            keys=keys or (owner_key,),
            name=self._name(keys, ledger),
            tab=self._mapping.tab,
            entity=self._mapping.target.entity,
            place=self._mapping.place,
            record=ledger.record,
            fields=self._fields(values),
            values=values,
            needs=needs,
            seen=self._seen(keys, ledger),
            notes=(*adjustment.notes, *notes),
            units=(planned.units_before, planned.units_before + units),
            adjustment=Adjustment(
                day=day,
                row=ledger.row,
                service=ledger.record,
                service_change=(
                    change_id(self._owner.name, owner_key) if ledger.record is None else ""
                ),
                correction=int(adjustment.correction),
                is_correction=not keys,
                decided_on=correction.decided_on,
                is_transfer=bool(correction.transfer),
                terms=ledger.terms,
            ),
        )
        change = self._with_money(change, ledger, planned)
        self._state.changes[keys[0] if keys else id_] = [change]
        if keys:
            self._marks.add(mark_id(mapping, keys[0]), keys, (id_,))
        return change

    def _name(self, keys: Sequence[str], ledger: ServiceLedger) -> str:
        """The name of the changes' row, which may have handed its service to a later row."""
        rows = {self._pending.values.row_of(key) for key in keys}
        row = next(iter(rows), None) if len(rows) == 1 else None
        is_earlier = row is not None and row != ledger.row.key and row in self._owner_state.rows
        return self._context.label(self._owner.name, row) if row and is_earlier else ledger.row.name

    def _own_id(self, ledger: ServiceLedger, correction: Correction) -> str:
        """Returns the id of an adjustment without a change of the source."""
        if correction.transfer:
            return move_id(self._mapping.name, ledger.row.key, ledger.record)
        return correction_id(self._mapping.name, ledger.row.key)

    def _with_money(
        self, change: Change, ledger: ServiceLedger, planned: PlannedAdjustment
    ) -> Change:
        """Returns the change with its effect on the run rate and on the contract's next invoice.

        The run rate counts only the difference to the units whose place it takes: no invoice has
        both.
        """
        adjustment, ended, terms = planned.adjustment, planned.takes_place_of, ledger.terms
        day, units = adjustment.day, adjustment.units
        before = ended.monthly if ended else Decimal(0)
        if terms.monthly is None:
            return replace(change, price_unknown=True)
        posted = ServiceDays.of(ledger.rows, ()).posted_until
        invoice = billing.invoice_effect(units, day, terms, posted, self._context.as_of)
        amount = lost_in_all(ledger, planned)
        place = (ended.text,) if ended else ()
        return replace(
            change,
            monthly=None if before is None else exact(terms.monthly * units - before),
            price_unknown=before is None,
            invoice=invoice,
            one_off=invoice.earlier if invoice and invoice.earlier else None,
            lost=amount,
            notes=(
                *change.notes,
                *place,
                *earlier_notes(planned.earlier),
                *credit_note(ledger, amount),
            ),
        )

    def _rows_to_come(self, ledger: ServiceLedger, since: date) -> int:
        """How many unit rows a new service will have at most: one per month of its contract."""
        last = max(since, ledger.terms.end or since)
        return (last - since).days // SHORTEST_MONTH + 2

    def _creating_service(self, key: str, change: Change) -> Change:
        """Returns the first adjustment of a further service of its kind, which also creates it."""
        repeat, owner = self._owner.repeat, self._owner
        references = {
            slot.name: self._owner_state.repeats[key][slot.name]
            for slot in self._context.compiled[owner.name].slots
            if slot.reference and slot.field.create_only
        }
        extra = {name: value.raw for name, value in repeat.set.items()} if repeat else {}
        kept = {
            name: value for name, value in change.values.items() if name != self._spec.service_field
        }
        needs = [
            need
            for other in references_of(self._context, owner.name, key)
            for need in changes_before(self._context, *other)
        ]
        rows = tuple(row for row in change.seen.rows)
        service_change = replace(
            change,
            id=change_id(owner.name, key),
            entity=repeat.by if repeat else change.entity,
            values={**references, **extra, **kept},
            needs=tuple(dict.fromkeys((*change.needs, *needs, *self._earlier_ones(references)))),
            seen=Preconditions(
                rows=rows, absent=references, alike=self._alike.with_values(references)
            ),
            makes=MadeRecord(owner.name, key, owner.target.entity),
            notes=(*change.notes, "adds a further service of its kind to the contract"),
        )
        self._state.changes.pop(change.id if change.id in self._state.changes else change.keys[0])
        self._owner_state.changes[key] = [service_change]
        for name, marks in self._state.changes.items():
            self._state.changes[name] = [
                replace(mark, needs=(service_change.id,)) if mark.needs == (change.id,) else mark
                for mark in marks
            ]
        return service_change

    def _earlier_ones(self, references: Mapping[str, Any]) -> Iterable[str]:
        """Yields ids of changes that add services with the same references.

        They come first, because reading must tell their services from this one.
        """
        for group in self._owner_state.changes.values():
            for change in group:
                creates = (
                    change.action is Action.CREATE and references.items() <= change.values.items()
                )
                if creates or (change.makes and change.seen.absent == references):
                    yield change.id

    def _values(self, ledger: ServiceLedger, adjustment: MergedAdjustment) -> dict[str, Any]:
        """What is sent: the values of the day's last change, with day, units and service."""
        last = self._pending.values.of(adjustment.keys[-1]) if adjustment.keys else {}
        new = Unknown(change_id(self._owner.name, ledger.row.key))
        fixed = {
            self._spec.service_field: ledger.record if ledger.record is not None else new,
            self._spec.day_field: adjustment.day,
            self._spec.units_field: adjustment.units,
        }
        return {**{name: value for name, value in last.items() if value is not None}, **fixed}

    def _fields(self, values: Mapping[str, Any]) -> tuple[FieldChange, ...]:
        slots = {slot.name: slot for slot in self._context.compiled[self._mapping.name].slots}
        return tuple(
            FieldChange(name, None, value, Reason.NEW, "–", display_text(slots[name], value))
            for name, value in values.items()
            if name in slots
        )

    def _seen(self, keys: Sequence[str], ledger: ServiceLedger) -> Preconditions:
        rows = [seen_row(self._context, self._mapping, key) for key in keys]
        if ledger.row.key in self._owner_state.rows:
            rows.append(seen_row(self._context, self._owner, ledger.row.key))
        units = ledger.rows_read if ledger.record is not None else None
        return Preconditions(rows=tuple(dict.fromkeys(rows)), units=units)
