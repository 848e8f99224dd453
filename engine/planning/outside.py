"""Rows about to be created whose identity a record has already that `target.where` leaves out.

Apply looks for the identity wherever it is before it creates: each plan would want such a row, each apply hold it.
"""

from collections.abc import Mapping

from engine.expressions.values import as_text
from engine.model.catalogue import Entity, Type
from engine.model.finding import Finding, Severity
from engine.model.fit import empty
from engine.model.plan import Action, Unknown
from engine.model.project import MappingSpec
from engine.planning.draft import Draft
from engine.planning.identity import carriers
from engine.ports import Record


def block_taken(draft: Draft, mapping: MappingSpec) -> None:
    """Blocks them, with the record named. One read for 500 rows, and none where every record is ours."""
    standing = draft.standings[mapping.name]
    if not mapping.target.where:
        return
    creates = [one for group in standing.changes.values() for one in group if one.action is Action.CREATE]
    wanted = {one.keys[0]: one.seen.absent for one in creates if _is_known(one.seen.absent)}
    if not wanted:
        return
    entity = draft.entity(mapping.target.entity)
    for key, records in carriers(entity, wanted, draft.reader.read, _titles(entity, mapping)).items():
        others = [record for record in records if record["id"] not in standing.records]
        if others:
            standing.block(key, _finding(entity, mapping, key, others))


def _is_known(identity: Mapping[str, object]) -> bool:
    """Is no part of it yet to be created? No record can carry that."""
    return bool(identity) and not any(empty(value) or isinstance(value, Unknown) for value in identity.values())


def _titles(entity: Entity, mapping: MappingSpec) -> list[str]:
    """The fields by which people know a record."""
    return [
        name
        for name in mapping.fields
        if name.casefold().endswith("name") and (field := entity.field(name)) and field.type is Type.TEXT
    ]


def _finding(entity: Entity, mapping: MappingSpec, key: str, records: list[Record]) -> Finding:
    titles = _titles(entity, mapping)
    shown = []
    for record in records:
        name = " ".join(as_text(record[title]) for title in titles if not empty(record.get(title)))
        shown.append(f"{entity.name} {record['id']}" + (f" ({name})" if name else ""))
    carried = ", ".join(f"{name} {as_text(records[0].get(name))}" for name in mapping.identity)
    verb = "carries" if len(records) == 1 else "carry"
    text = f"{' and '.join(shown)} {verb} its identity already ({carried}), and target.where leaves that out"
    links = " or ".join(f"`trueup link {mapping.name} {key} {record['id']}`" for record in records)
    remedy = f"{links} takes it as it is, wherever it is; or change target.where, so that it is ours"
    return Finding("identity-taken", Severity.ERROR, text, remedy, mapping.target.place, mapping.name, key)
