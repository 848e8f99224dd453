"""The fields of one row: the source of each value, and the record's value."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.expressions import EVALUATION_ERRORS
from trueup.expressions.compiled import Slot
from trueup.model.change import Action, Change, FieldChange
from trueup.model.coerce import empty, same
from trueup.model.explanation import FieldExplanation, FieldStatus, UndoneField
from trueup.model.mapping import Manage, MappingSpec, Value
from trueup.planning.context import PlanContext
from trueup.planning.explaining.formulas import formula
from trueup.planning.records.change_parts import shown_value
from trueup.stages.diff import NOT_KEPT
from trueup.stages.resolve import Resolved


class _Wanted(Struct, frozen=True):
    """The value that a mapping gives a field. `text` is its display text, or why there is none."""

    text: str
    value: Any = None
    is_known: bool = True


def explain_fields(
    context: PlanContext, mapping: MappingSpec, key: str, changes: list[Change], undo_of: str
) -> tuple[FieldExplanation, ...]:
    """Returns every field of the row's record, in the order of the mapping.

    `changes` are the row's own; `undo_of` is the run that their plan undoes, if any.
    """
    compiled = context.compiled[mapping.name]
    written = {
        field.field: field
        for change in changes
        if change.action is not Action.WRITE_BACK and not change.is_undo
        for field in change.fields
    }
    names = context.names(mapping.name, key)
    order = [*mapping.identity, *mapping.fields]
    slots = sorted(compiled.slots, key=lambda slot: order.index(slot.name))
    undone = {
        field.field: UndoneField(undo_of, change.id, field.shown_before, field.shown_after)
        for change in changes
        if change.is_undo
        for field in change.fields
    }
    found = (_explain(context, mapping, key, slot, names, written) for slot in slots)
    return tuple(replace(one, undone=undone.get(one.name)) for one in found)


def _explain(
    context: PlanContext,
    mapping: MappingSpec,
    key: str,
    slot: Slot,
    names: Mapping[str, Any],
    written: Mapping[str, FieldChange],
) -> FieldExplanation:
    state = context.states[mapping.name]
    record = state.records.get(state.record_ids.get(key, -1))
    wanted = _wanted(context, mapping, key, slot, names)
    last = context.last_written(mapping.name, key) or {}
    mark = f"{NOT_KEPT}{slot.name}"
    change = written.get(slot.name)
    return FieldExplanation(
        name=slot.name,
        formulas=tuple(formula(context, mapping, value, names) for value in _values(slot)),
        source=_source(slot),
        manage=slot.spec.manage,
        wanted=change.shown_after if change else wanted.text,
        actual=shown_value(context, slot, record.get(slot.name)) if record else None,
        last_written=shown_value(context, slot, last[slot.name]) if slot.name in last else None,
        not_kept=shown_value(context, slot, last[mark]) if mark in last else "",
        status=_status(key, state.ready, slot, change, wanted, record),
        before=change.shown_before if change else "",
        reason=change.reason if change else None,
    )


def _status(
    key: str,
    ready: Mapping[str, object],
    slot: Slot,
    change: FieldChange | None,
    wanted: _Wanted,
    record: Mapping[str, Any] | None,
) -> FieldStatus:
    if change:
        return FieldStatus.WRITTEN
    if key not in ready or not wanted.is_known:
        return FieldStatus.LEFT
    actual = record.get(slot.name) if record else None
    if same(wanted.value, actual) or (empty(wanted.value) and empty(actual)):
        return FieldStatus.EQUAL
    if slot.spec.manage is not Manage.ALWAYS or empty(wanted.value):
        return FieldStatus.KEPT
    return FieldStatus.LEFT if slot.field.writable_on_update() else FieldStatus.FIXED


def _wanted(
    context: PlanContext, mapping: MappingSpec, key: str, slot: Slot, names: Mapping[str, Any]
) -> _Wanted:
    compiled = context.compiled[mapping.name]
    try:
        raw = compiled.program.one(compiled.first + compiled.slots.index(slot), names)
    except EVALUATION_ERRORS as fault:
        return _Wanted(f"cannot be evaluated: {fault}", is_known=False)
    resolved = Resolved()
    context.resolvers[mapping.name].slot(key, slot, raw, resolved)
    if slot.name not in resolved.values:
        reasons = [*resolved.findings, *([resolved.skip] if resolved.skip else [])]
        texts = [
            *(reason.text for reason in reasons),
            *(one.text for one in resolved.unfound.values()),
        ]
        return _Wanted("; ".join(dict.fromkeys(texts)) or "not known", is_known=False)
    value = resolved.values[slot.name]
    return _Wanted(shown_value(context, slot, value), value)


def _values(slot: Slot) -> list[Value]:
    if slot.reference:
        return [slot.reference.of]
    if slot.find:
        return [*slot.find.where.values()]
    return [slot.spec.value] if isinstance(slot.spec.value, Value) else []


def _source(slot: Slot) -> str:
    if slot.reference:
        return f"ref {slot.reference.mapping}"
    return f"find {slot.find.entity} by {', '.join(slot.find.where)}" if slot.find else ""
