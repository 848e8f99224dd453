"""Finds rows to be created whose identity a record outside `target.where` has already.

Apply looks for the identity everywhere before it creates. Without this check, each plan would want
such a row and each apply would hold it.
"""

from collections.abc import Mapping, Sequence

from trueup.expressions.value_filters import as_text
from trueup.model.catalogue import Entity, Type
from trueup.model.change import Action, Unknown
from trueup.model.coerce import empty
from trueup.model.finding import Advice, Command, Finding, Severity, join_advice
from trueup.model.mapping import MappingSpec
from trueup.planning.context import PlanContext
from trueup.planning.records.identity import carriers
from trueup.ports.target import Record


def block_identity_conflicts(context: PlanContext, mapping: MappingSpec) -> None:
    """Blocks new rows whose identity a record outside `target.where` has; names the record.

    Costs one read for 500 rows, and none if every record is in `target.where`.
    """
    state = context.states[mapping.name]
    if not mapping.target.where:
        return
    wanted = {
        change.keys[0]: change.seen.absent
        for changes in state.changes.values()
        for change in changes
        if change.action is Action.CREATE and _is_known(change.seen.absent)
    }
    if not wanted:
        return
    entity = context.entity(mapping.target.entity)
    found = carriers(entity, wanted, context.reader.read, _title_fields(entity, mapping))
    for key, records in found.items():
        others = [record for record in records if record["id"] not in state.records]
        if others:
            state.block(key, _finding(entity, mapping, key, others))
            names = " and ".join(f"{entity.name} {record['id']}" for record in others)
            state.unknown_records[key] = f"{names} carries its identity"


def _is_known(identity: Mapping[str, object]) -> bool:
    """Whether all parts of an identity exist: no record carries one with a part yet to come."""
    return bool(identity) and not any(
        empty(value) or isinstance(value, Unknown) for value in identity.values()
    )


def _title_fields(entity: Entity, mapping: MappingSpec) -> list[str]:
    """Returns the text fields that name a record for people."""
    return [
        name
        for name in mapping.name_fields
        if (field := entity.field(name)) and field.type is Type.TEXT
    ]


def _finding(entity: Entity, mapping: MappingSpec, key: str, records: Sequence[Record]) -> Finding:
    titles = _title_fields(entity, mapping)
    shown = []
    for record in records:
        name = " ".join(as_text(record[title]) for title in titles if not empty(record.get(title)))
        shown.append(f"{entity.name} {record['id']}" + (f" ({name})" if name else ""))
    identity = ", ".join(f"{name} {as_text(records[0].get(name))}" for name in mapping.identity)
    verb = "carries" if len(records) == 1 else "carry"
    text = (
        f"{' and '.join(shown)} {verb} its identity already ({identity}), "
        "and target.where leaves that out"
    )
    links = [Advice.of(Command.link(mapping.name, key, record["id"])) for record in records]
    remedy = join_advice(" or ", links) + (
        " takes it as it is, wherever it is; or change target.where, so that it is included"
    )
    return Finding(
        "identity-taken",
        Severity.ERROR,
        text,
        remedy.text,
        mapping.target.place,
        mapping.name,
        key,
        commands=remedy.commands,
    )
