"""Plans write-backs into columns of the source, mostly of the target's ids."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any

from trueup.expressions import EVALUATION_ERRORS, Program
from trueup.expressions.joins import used_joins
from trueup.expressions.rules import expression_failed
from trueup.expressions.value_filters import as_text
from trueup.model.catalogue import Column, Field, Type
from trueup.model.change import Action, Change, FieldChange, Preconditions, Reason, Unknown
from trueup.model.coerce import CoercionError, coerce, empty, shown, to_number
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import MappingSpec, WriteBackSpec
from trueup.model.mapping_state import Row
from trueup.model.money import rounded
from trueup.planning.change_ids import mark_id
from trueup.planning.context import PlanContext
from trueup.planning.needs import record_fields

IdEntityOf = Callable[[str, str], "str | None"]
"""As `Source.id_entity_of`."""


def write_backs(context: PlanContext, mapping: MappingSpec, id_entity_of: IdEntityOf) -> None:
    """Adds the write-back of each row that has, or will have, a record, and lacks its columns.

    A column that keeps the ids of another entity, or of an unknown one, is never written.
    """
    spec = mapping.write_back
    if spec is None or mapping.append or not _is_allowed(context, mapping, spec, id_entity_of):
        return
    guard = spec.when.raw if spec.when else None
    raws = [value.raw for value in spec.set.values()]
    program, state = Program(raws, guard=guard), context.states[mapping.name]
    names_of = context.namespaces[mapping.name].reader(used_joins([*raws, guard]))
    fields = sorted(record_fields(spec) - {"id"})
    for key in [*state.ready]:
        record = state.referable.get(key)
        if record is None or (isinstance(record, Unknown) and not state.changes.get(key)):
            continue  # it has no record, and nothing in this plan creates one
        if fields and isinstance(record, Unknown):
            continue  # the fields of a record are read once it exists: the next plan writes them
        names = names_of(state.rows[key])
        values_now = state.records.get(state.record_ids.get(key, -1), {}) if fields else {}
        known = {name: values_now[name] for name in fields if name in values_now}
        names["record"] = {**known, "id": record}
        try:
            values = program(names)
            if values is not None:
                _add(context, mapping, key, dict(zip(spec.set, values, strict=True)))
        except EVALUATION_ERRORS as fault:  # a value that is undefined fails where it is used
            finding = expression_failed(mapping.name, key, "write_back", spec.place, fault)
            state.findings.append(finding)


def _is_allowed(
    context: PlanContext, mapping: MappingSpec, spec: WriteBackSpec, id_entity_of: IdEntityOf
) -> bool:
    table, entity = mapping.source.table, mapping.target.entity
    for column in spec.set:
        kept = id_entity_of(table, column)
        if kept in (None, entity):
            continue
        what = f"keeps ids of {kept}" if kept else "keeps ids of an entity that is unknown"
        text = f"{table}.{column} {what}, so those of {entity} are not written there"
        remedy = "" if kept else f"set `holds: {entity}` for the column in the profile if it is so"
        finding = Finding("id-not-written", Severity.INFO, text, remedy, spec.place, mapping.name)
        context.states[mapping.name].findings.append(finding)
        return False
    return True


def _add(context: PlanContext, mapping: MappingSpec, key: str, values: Mapping[str, Any]) -> None:
    state = context.states[mapping.name]
    row = state.rows[key]
    findings, wanted = [], {}
    for name, value in values.items():
        try:
            wanted[name] = kept_value(context, mapping.source.table, name, value)
        except CoercionError as fault:
            findings.append(misfit(context, mapping, key, name, fault))
    if findings:
        # The record is right without it, so the row is not blocked: only nothing is written back.
        state.findings += findings
        return
    wanted = {name: value for name, value in wanted.items() if value != row.get(name)}
    if not wanted or mapping.write_back is None:
        return
    before = state.changes.get(key, [])
    change = Change(
        id=mark_id(mapping.name, key),
        action=Action.WRITE_BACK,
        mapping=mapping.name,
        keys=(key,),
        name=context.label(mapping.name, key),
        tab=mapping.tab,
        entity=mapping.source.table,
        place=mapping.write_back.place,
        record=state.record_ids.get(key),
        values=wanted,
        fields=column_changes(row, wanted),
        needs=tuple(one.id for one in before),
        seen=Preconditions(record={name: row.get(name) for name in wanted}),
    )
    state.changes[key] = [*before, change]


def kept_value(context: PlanContext, table: str, name: str, value: object) -> object:
    """Returns the value as its column in the source keeps it, so that reading it gives the same.

    Raises CoercionError as `written_value`.
    """
    column = context.project.catalogue.tables[table].columns[name]
    kept = written_value(column, value, context.project.zone)
    if column.type is not Type.DECIMAL or not isinstance(kept, Decimal) or not kept.is_finite():
        return kept
    places = context.decimal_places(table, name)
    return kept if places is None else rounded(kept, Decimal(1).scaleb(-places))


def written_value(column: Column, value: object, zone: tzinfo) -> object:
    """Returns the value as the column takes it; one that is unknown until apply unchanged.

    A day, or a time without a zone, becomes an instant of the business time zone `zone`. Sources
    read empty text as None. Raises CoercionError for a value that the column can never
    hold: the source would refuse it after everything else was sent.
    """
    if isinstance(value, Unknown):
        return value
    if empty(value):
        return None
    if column.type is Type.CHOICE:
        labels = [*column.choices.values()]
        if labels and as_text(value) not in labels:
            raise CoercionError(f"{shown(value)} is not one of its choices: {', '.join(labels)}")
        return as_text(value)
    if column.type is Type.DECIMAL:
        return to_number(value)
    if column.type is Type.INSTANT:
        value = _in_zone(value, zone)
    fitting = coerce(value, Field(column.name, column.type))
    return value if isinstance(value, str) and isinstance(fitting, str) else fitting  # not trimmed


def _in_zone(value: object, zone: tzinfo) -> object:
    """Returns a day or a time without a zone as the business time zone has it; others unchanged."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=zone)
    return value


def misfit(
    context: PlanContext, mapping: MappingSpec, key: str, name: str, fault: CoercionError
) -> Finding:
    """Returns the finding that a value cannot be written back into its column."""
    place = mapping.write_back.set[name].place if mapping.write_back else mapping.place
    return Finding(
        "value-does-not-fit",
        Severity.ERROR,
        f"write_back: {mapping.source.table}.{name}: {fault}",
        f"correct the row in {context.systems.source}, or the expression at this place",
        place,
        mapping.name,
        key,
    )


def as_column(column: Column, value: object) -> object:
    """Returns the value in the column's own type; a value that is unknown until apply unchanged.

    Sources read empty text as None.
    """
    if isinstance(value, Unknown):
        return value
    if empty(value):
        return None
    return as_text(value) if column.type in (Type.TEXT, Type.CHOICE, Type.LOOKUP) else value


def column_changes(row: Row, values: Mapping[str, object]) -> tuple[FieldChange, ...]:
    """Returns how the columns of a row differ from the values that are written."""
    return tuple(
        FieldChange(
            name, row.get(name), value, Reason.NEW, column_text(row.get(name)), column_text(value)
        )
        for name, value in values.items()
    )


def column_text(value: object) -> str:
    """Returns the display text of a column's value: yes and no, – for none."""
    if isinstance(value, Unknown):
        return "known after apply"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return as_text(value) or "–"
