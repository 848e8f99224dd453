"""The changes of a mapping's rows: updates of records that differ, creates, and new links."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from trueup.expressions.compiled import Slot
from trueup.model.change import Action, Change, Preconditions, Reason, Unknown
from trueup.model.coerce import CoercionError, fingerprint, same, to_number
from trueup.model.finding import Command, Finding, Severity
from trueup.model.mapping import Manage, MappingSpec
from trueup.model.money import exact
from trueup.model.verdict import Verdict
from trueup.planning.change_ids import change_id
from trueup.planning.context import PlanContext
from trueup.planning.fingerprints import seen_row, stable_columns
from trueup.planning.needs import is_made_of
from trueup.planning.records.alike import AlikeRecords
from trueup.planning.records.change_parts import change_of, link_change, parent_values, shown_value
from trueup.planning.records.not_kept import NotKept
from trueup.planning.records.repeats import Repeats
from trueup.planning.records.row_moves import RecordThere, RowMoves
from trueup.planning.records.row_values import RowValues
from trueup.stages.diff import (
    FOLLOWS,
    NOT_KEPT,
    SUCCEEDS,
    UNDONE,
    creation,
    differing,
    field_changes,
    kept_later,
    owned,
    reason,
    updates,
)
from trueup.stages.match import BY_DECISION, BY_IDENTITY, MatchResult


def plan_changes(
    context: PlanContext, mapping: MappingSpec, matched: MatchResult, activate: set[str]
) -> None:
    """Adds the changes of rows that differ from their record, are new, or are linked now.

    `activate`: rows whose record is to be switched on again, as decided.
    """
    planner = _ChangePlanner(context, mapping, activate)
    state, new = context.states[mapping.name], set(matched.create)
    for key in planner.rows_to_look_at(matched, new):
        if key in state.ready and key not in new:
            planner.existing(key, matched.how.get(key))
    for key in matched.create:
        planner.create(key)


class _ChangePlanner:
    """Plans the changes of one mapping, row by row."""

    def __init__(self, context: PlanContext, mapping: MappingSpec, activate: set[str]) -> None:
        self._context, self._mapping, self._activate = context, mapping, activate
        self._state = context.states[mapping.name]
        self._entity = context.entity(mapping.target.entity)
        self._compiled = context.compiled[mapping.name]
        self._resolver = context.resolvers[mapping.name]
        self._systems = context.systems
        self._values = RowValues(context, mapping)
        self._kept = NotKept(context, mapping, self._compiled.slots)
        self._alike = AlikeRecords(context, mapping)
        self._moves = RowMoves(context, mapping)
        self._repeats = Repeats(context, mapping, self._moves.reference_names)

    def rows_to_look_at(self, matched: MatchResult, new: set[str]) -> Iterable[str]:
        """Keys of rows that may differ from their record; nearly all rows do not.

        Owned values are compared as one list a row; only rows that differ are resolved in full.
        """
        state, compared = self._state, self._compiled.compared
        ids, records, quick = state.record_ids, state.records, self._resolver.compared
        pairs = (
            (key, quick(raw), records[ids[key]])
            for key, raw in state.ready.items()
            if key not in new
        )
        names = [slot.name for slot in self._compiled.slots[:compared]]
        special = self._with_special_fields()
        found = [*matched.how, *differing(pairs, names), *special, *sorted(self._activate)]
        return dict.fromkeys(found)

    def _with_special_fields(self) -> Iterable[str]:
        """Rows with fields that are filled or extended, which the quick comparison cannot check."""
        slots = [
            (self._compiled.first + position, slot)
            for position, slot in enumerate(self._compiled.slots)
            if slot.spec.manage in (Manage.FILL, Manage.EXTEND)
        ]
        if not slots:
            return
        for key, raw in self._state.ready.items():
            record = self._state.records.get(self._state.record_ids.get(key, -1))
            if record and any(raw[position] != record.get(slot.name) for position, slot in slots):
                yield key

    # Rows that have a record

    def existing(self, key: str, how: str | None) -> None:
        """Adds the link of the row, if `how` shows that it is new, and the update that it needs."""
        values = self._values.of(key, exists=True)
        if values is None:
            return
        record = self._state.records[self._state.record_ids[key]]
        if how == BY_DECISION:
            self._moves.leave_former(key, values, record)
        values |= {name: record.get(name) for name in self._state.left_alone.get(key, ())}
        kept = self._kept.values(key, values, record)
        values |= kept
        writes, stuck = updates(self._compiled.slots, values, record, self._show, self._systems)
        if stuck:
            self._stuck(key, how, values, stuck)
            return
        self._state.findings += self._later_days(key, values, record)
        if key in self._activate:
            writes |= self._switch_on(values, record)
        owned_values = self._owned_values(key, {**record, **values}, kept)
        changes = []
        if how is not None:
            # The update sets the others. If it is not sent, they must not look edited.
            agreed = {name: value for name, value in owned_values.items() if name not in writes}
            changes.append(link_change(self._context, self._mapping, key, how, agreed))
        if writes:
            changes.append(self._update(key, writes, record, owned_values))
        if changes:
            self._state.changes[key] = changes

    def _later_days(
        self, key: str, values: Mapping[str, Any], record: Mapping[str, Any]
    ) -> list[Finding]:
        """Returns findings about days that stay later than the row's, for a person to decide."""
        found = kept_later(self._compiled.slots, values, record, self._show, self._systems)
        return [replace(finding, mapping=self._mapping.name, key=key) for finding in found]

    def _stuck(
        self, key: str, how: str | None, values: Mapping[str, Any], stuck: Sequence[Finding]
    ) -> None:
        """Handles fields that cannot be written: a linked row that moved gets a new record.

        Or its successor has one there. Any other row is blocked.
        """
        record = self._state.records[self._state.record_ids[key]]
        if how is None and self._moves.has_moved(values, record):
            if not self._moves.hands_on(key):
                self._move(key, values)
            return
        for finding in stuck:
            self._block(key, finding)

    def _move(self, key: str, values: Mapping[str, Any]) -> None:
        """Gives the row a record where it belongs now; the ledger moves its units.

        It is a new record, unless the row had one there before or succeeds the row that has it.
        """
        state = self._state
        old = state.record_ids.pop(key)
        state.left_records[key] = old
        there = self._moves.record_there(key, values)
        if there is not None:
            self._take(key, there, old)
            return
        state.referable[key] = Unknown(change_id(self._mapping.name, key))
        self.create(key)
        last = self._context.snapshot.applied.get((self._mapping.name, key), {})
        succeeded = {SUCCEEDS: last[SUCCEEDS]} if SUCCEEDS in last else {}
        for change in state.changes.get(key, []):
            # The old record keeps the identity: what it belongs to identifies the new one.
            references = {name: values[name] for name in self._moves.reference_names}
            absent = {**change.seen.absent, **references}
            note = f"moved: {self._entity.name} {old} stays, without units"
            notes = (*change.notes, note)
            moved = replace(change, seen=replace(change.seen, absent=absent), notes=notes)
            state.changes[key] = [replace(moved, owned={**moved.owned, **succeeded})]

    def _take(self, key: str, there: RecordThere, old: int) -> None:
        """Links the row to an existing record, in place of the old one."""
        state = self._state
        state.record_ids[key] = state.referable[key] = there.record
        self.existing(key, there.how)
        if key not in state.changes:
            return  # it was blocked
        link, *others = state.changes[key]
        before = f"its {self._entity.name} {old}"
        if there.how == BY_IDENTITY:
            before = f"moved back: {before}"
        notes = (*link.notes, f"{before} stays, without units")
        state.changes[key] = [replace(link, notes=notes), *others]

    def _owned_values(
        self, key: str, values: Mapping[str, Any], kept: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Returns the values for the state; a succession and values that were not kept stay."""
        row = stable_columns(self._context, self._mapping, key)
        owned_values = owned(self._compiled.slots, values, row)
        last = self._context.snapshot.applied.get((self._mapping.name, key), {})
        marks = [SUCCEEDS, FOLLOWS, *(f"{NOT_KEPT}{name}" for name in kept)]
        return {**owned_values, **{name: last[name] for name in marks if name in last}}

    def _switch_on(self, values: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what activates a record: the row's own values for the fields of `deactivate`."""
        return {
            slot.name: values[slot.name]
            for slot in self._compiled.slots
            if slot.name in self._mapping.deactivate
            and slot.field.writable_on_update()
            and not same(values.get(slot.name), record.get(slot.name))
        }

    def _update(
        self,
        key: str,
        writes: dict[str, Any],
        record: Mapping[str, Any],
        owned_values: Mapping[str, Any],
    ) -> Change:
        last = self._context.last_written(self._mapping.name, key)
        columns = stable_columns(self._context, self._mapping, key)
        row = fingerprint(columns)
        specs = {slot.name: slot.spec for slot in self._compiled.slots}

        def why(name: str) -> Reason:
            if key in self._activate and name in self._mapping.deactivate:
                return Reason.DECISION
            found = reason(name, writes[name], record.get(name), last, row)
            # The row is as it was, and the mapping may be, too: other rows and the day count.
            if found is Reason.MAPPING and not is_made_of(specs[name], columns):
                return Reason.RELATED
            return found

        fields = field_changes(self._compiled.slots, writes, record, why, self._show)
        undone = [field.field for field in fields if field.reason is Reason.UNDONE]
        for run in sorted({str((last or {})[f"{UNDONE}{name}"]) for name in undone}):
            self._note_undone(key, run)
        return change_of(
            self._context,
            self._mapping,
            key,
            Action.UPDATE,
            record=self._state.record_ids[key],
            fields=fields,
            values={**writes, **parent_values(self._entity, record)},
            owned=owned_values,
            seen=Preconditions(
                rows=(seen_row(self._context, self._mapping, key),),
                record={name: record.get(name) for name in writes},
            ),
        )

    def _note_undone(self, key: str, run: str) -> None:
        command = Command.decide(self._mapping.name, key, Verdict.IGNORE)
        self._state.findings.append(
            Finding(
                "undone-before",
                Severity.INFO,
                f"run {run} was undone, and {self._systems.source} still holds what it wrote",
                f"`{command}` keeps it undone",
                self._mapping.place,
                self._mapping.name,
                key,
                commands=(command,),
            )
        )

    # Rows that get a record

    def create(self, key: str) -> None:
        """Adds the create of the row's record, or notes that an adjustment creates it."""
        values = self._values.of(key)
        if values is None:
            return
        sent, missing = creation(self._compiled.slots, values, self._entity, self._systems)
        if missing:
            for finding in missing:
                self._block(key, finding)
            return
        if self._repeats.is_one(key, values):
            if not self._repeats.are_allowed:
                self._block(key, self._repeats.finding(key, values))
                for owner in self._repeats.owners(values):
                    self._state.wanted_by[owner] = key
                return
            self._state.repeats[key] = sent
            return
        try:
            one_off = self._charges(sent)
        except CoercionError as fault:
            self._block(key, self._unreadable_charge(key, fault))
            return
        row = stable_columns(self._context, self._mapping, key)
        change = change_of(
            self._context,
            self._mapping,
            key,
            Action.CREATE,
            fields=field_changes(self._compiled.slots, sent, None, _new, self._show),
            values=sent,
            one_off=one_off,
            owned=owned(self._compiled.slots, values, row),
            seen=Preconditions(
                rows=(seen_row(self._context, self._mapping, key),),
                absent={name: values[name] for name in self._mapping.identity},
                alike=self._alike.of(key),
            ),
        )
        self._state.changes[key] = [change]

    def _charges(self, values: Mapping[str, Any]) -> Decimal | None:
        """Returns what is billed once for the new record; None if nothing is.

        Raises CoercionError for a charge that is no amount.
        """
        amounts = []
        for name in self._mapping.charges:
            if isinstance(values.get(name), Unknown):
                raise CoercionError(f"{name} is charged once, and it is known only after apply")
            if values.get(name):
                try:
                    amounts.append(to_number(values[name]))
                except CoercionError as fault:
                    raise CoercionError(f"{name} is charged once, and {fault}") from None
        return exact(sum(amounts, Decimal(0))) if amounts else None

    def _unreadable_charge(self, key: str, fault: CoercionError) -> Finding:
        """Returns the finding that stops a row: its sum would be missing from plan and guard."""
        return Finding(
            "value-does-not-fit",
            Severity.ERROR,
            str(fault),
            f"correct the row in {self._systems.source}, or `charges` of the mapping",
            self._mapping.place,
            self._mapping.name,
            key,
        )

    def _show(self, slot: Slot, value: object) -> str:
        return shown_value(self._context, slot, value)

    def _block(self, key: str, finding: Finding) -> None:
        place = finding.place or self._mapping.place
        about = replace(finding, place=place, mapping=self._mapping.name, key=key)
        self._state.block(key, about)


def _new(_name: str) -> Reason:
    return Reason.NEW
