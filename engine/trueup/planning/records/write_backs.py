"""Columns of the source that shall carry what the target gave: the record's id, mostly."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.expressions import EVALUATION_ERRORS, Program
from engine.expressions.context import used_joins
from engine.model.catalogue import Column, Type
from engine.model.finding import Finding, Severity
from engine.model.plan import Action, Change, FieldChange, Reason, Seen, Unknown
from engine.model.project import MappingSpec, WriteBackSpec
from engine.planning.draft import Draft
from engine.planning.needs import record_fields
from engine.stages.validate import broken

Holds = Callable[[str, str], "str | None"]
"""As `Source.holds`."""


def write_backs(draft: Draft, mapping: MappingSpec, holds: Holds) -> None:
    """Adds the write-back of each row that is a record, or will be one, and lacks its columns.

    A column that keeps the ids of another entity, or of nobody knows which, is never written: `holds` says.
    """
    spec = mapping.write_back
    if spec is None or mapping.append or not _may(draft, mapping, spec, holds):
        return
    program = Program([value.raw for value in spec.set.values()], guard=spec.when.raw if spec.when else None)
    joins = used_joins([*(value.raw for value in spec.set.values()), spec.when.raw if spec.when else None])
    standing, context = draft.standings[mapping.name], draft.contexts[mapping.name]
    fields = sorted(record_fields(spec) - {"id"})
    for key in [*standing.ready]:
        record = standing.usable.get(key)
        if record is None or (isinstance(record, Unknown) and not standing.changes.get(key)):
            continue  # no record, and nothing in this plan that makes one
        names = context.names(standing.rows[key], joins)
        known = standing.records.get(standing.ids.get(key, -1), {}) if fields else {}
        names["record"] = {**{name: known[name] for name in fields if name in known}, "id": record}
        try:
            values = program(names)
        except EVALUATION_ERRORS as fault:
            standing.findings.append(broken(mapping.name, key, "write_back", spec.place, fault))
            continue
        if values is not None:
            _add(draft, mapping, key, dict(zip(spec.set, values, strict=True)))


def _may(draft: Draft, mapping: MappingSpec, spec: WriteBackSpec, holds: Holds) -> bool:
    table, entity = mapping.source.table, mapping.target.entity
    for column in spec.set:
        kept = holds(table, column)
        if kept not in (None, entity):
            said = f"keeps ids of {kept}" if kept else "keeps ids of nobody says which entity"
            text = f"{table}.{column} {said}, so those of {entity} are not written there"
            remedy = f"say `holds: {entity}` for the column in the profile if it is so" if not kept else ""
            finding = Finding("id-not-written", Severity.INFO, text, remedy, spec.place, mapping.name)
            draft.standings[mapping.name].findings.append(finding)
            return False
    return True


def _add(draft: Draft, mapping: MappingSpec, key: str, values: Mapping[str, Any]) -> None:
    standing = draft.standings[mapping.name]
    columns = draft.project.catalogue.tables[mapping.source.table].columns
    row = standing.rows[key]
    wanted = {name: as_column(columns[name], value) for name, value in values.items()}
    wanted = {name: value for name, value in wanted.items() if value != row.get(name)}
    if not wanted or mapping.write_back is None:
        return
    before = standing.changes.get(key, [])
    change = Change(
        id=f"{mapping.name}:{key}:mark",
        action=Action.WRITE_BACK,
        mapping=mapping.name,
        keys=(key,),
        name=draft.label(mapping.name, key),
        tab=mapping.tab,
        entity=mapping.source.table,
        place=mapping.write_back.place,
        record=standing.ids.get(key),
        values=wanted,
        fields=tuple(
            FieldChange(name, row.get(name), value, Reason.NEW, str(row.get(name) or "–"), _shown(value))
            for name, value in wanted.items()
        ),
        needs=tuple(one.id for one in before),
        seen=Seen(record={name: row.get(name) for name in wanted}),
    )
    standing.changes[key] = [*before, change]


def as_column(column: Column, value: object) -> object:
    """The value in the column's own type; what only apply will know stays open."""
    if isinstance(value, Unknown) or value is None:
        return value
    return str(value) if column.type in (Type.TEXT, Type.CHOICE, Type.LOOKUP) else value


def _shown(value: object) -> str:
    return "known after apply" if isinstance(value, Unknown) else str(value)
