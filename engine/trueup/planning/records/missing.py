"""Handles linked records whose row is gone from the table, or is outside the mapping's scope."""

from collections.abc import Mapping
from typing import Any, assert_never

from msgspec.structs import replace

from trueup.expressions import EVALUATION_ERRORS
from trueup.expressions.compiled import Slot
from trueup.expressions.rules import expression_failed
from trueup.model.change import Action, Preconditions, Reason
from trueup.model.coerce import CoercionError
from trueup.model.finding import Command, Finding, Severity
from trueup.model.mapping import FieldSpec, MappingSpec, WhenMissing
from trueup.planning.context import PlanContext
from trueup.planning.fingerprints import gone_row
from trueup.planning.records.change_parts import change_of, parent_values, shown_value
from trueup.planning.records.not_kept import not_kept_finding
from trueup.stages.diff import deactivation, field_changes, is_known_not_kept


def handle_missing(context: PlanContext, mapping: MappingSpec) -> None:
    """Reports records whose row is gone, or deactivates them, as `when_missing` configures."""
    state, links = context.states[mapping.name], context.links(mapping.name)
    for key in [link for link in links if link not in state.rows or link in state.out_of_scope]:
        if not state.has(key):
            _row_is_gone(context, mapping, key, links[key])
        elif key in state.out_of_scope:
            _left_the_scope(context, mapping, key, links[key])


def _left_the_scope(context: PlanContext, mapping: MappingSpec, key: str, record: int) -> None:
    where = mapping.source.where
    text = f"left the scope of {mapping.name}; {mapping.target.entity} {record} is left as it is"
    place = where.place if where else mapping.place
    context.states[mapping.name].findings.append(
        Finding("left-the-scope", Severity.INFO, text, "", place, mapping.name, key)
    )


def _row_is_gone(context: PlanContext, mapping: MappingSpec, key: str, id_: int) -> None:
    state = context.states[mapping.name]
    record = state.records.get(id_)
    match mapping.when_missing:
        case WhenMissing.IGNORE:
            return
        case WhenMissing.DEACTIVATE:
            if record is not None:
                _switch_off(context, mapping, key, record)
                return
        case WhenMissing.REPORT:
            pass
        case _:
            assert_never(mapping.when_missing)
    there = "is still there" if record is not None else "does not come back either"
    source = context.systems.source
    text = f"its row is gone from {source}; {mapping.target.entity} {id_} {there}"
    forget = Command.forget(mapping.name, key)
    remedy = f"switch it off in {context.systems.target}, or `{forget}`"
    state.findings.append(
        Finding(
            "gone",
            Severity.WARNING,
            text,
            remedy,
            mapping.place,
            mapping.name,
            key,
            commands=(forget,),
        )
    )


def _switch_off(
    context: PlanContext, mapping: MappingSpec, key: str, record: Mapping[str, Any]
) -> None:
    """Adds the change that deactivates the record, if it is active."""
    state, entity = context.states[mapping.name], context.entity(mapping.target.entity)
    try:
        names = context.namespaces[mapping.name].base()
        writes, wanted = deactivation(mapping, entity, record, names)
    except (CoercionError, *EVALUATION_ERRORS) as fault:
        state.findings.append(
            expression_failed(mapping.name, key, "deactivate", mapping.place, fault)
        )
        return
    if not writes:
        return
    slots = [
        Slot(FieldSpec(name, value, value.place), field, 0, identity=False)
        for name, value in mapping.deactivate.items()
        if (field := entity.field(name))
    ]
    last = context.snapshot.applied.get((mapping.name, key), {})
    if all(is_known_not_kept(last, name, writes[name], record.get(name)) for name in writes):
        forget = Command.forget(mapping.name, key)
        remedy = f"switch it off in {context.systems.target}; then `{forget}`"
        for slot in slots:
            if slot.name in writes:
                wanted_value, kept = writes[slot.name], record.get(slot.name)
                finding = not_kept_finding(context, mapping, key, slot, wanted_value, kept)
                state.findings.append(replace(finding, remedy=remedy, commands=(forget,)))
        return
    change = change_of(
        context,
        mapping,
        key,
        Action.DEACTIVATE,
        record=record["id"],
        fields=field_changes(
            slots,
            writes,
            record,
            lambda _name: Reason.SOURCE,
            lambda slot, value: shown_value(context, slot, value),
        ),
        values={**writes, **parent_values(entity, record)},
        owned={**last, **wanted},
        seen=Preconditions(
            rows=(gone_row(mapping, key),),
            record={name: record.get(name) for name in writes},
        ),
        notes=(f"its row is gone from {context.systems.source}",),
    )
    state.changes[key] = [change]
