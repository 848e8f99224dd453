"""The records that a plan has read of searchable entities, and a search in them."""

from collections.abc import Mapping
from datetime import datetime

from trueup.model.catalogue import Entity
from trueup.model.coerce import empty
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import Record
from trueup.model.project import Project
from trueup.model.record_snapshot import KnownRecords, RecordSnapshot
from trueup.planning.context import PlanContext
from trueup.planning.search import (
    REFERS,
    Match,
    is_searchable,
    references,
    searched_fields,
    without_poor_fits,
)
from trueup.stages.search import Texts, rank


def records_read(context: PlanContext, read: datetime) -> RecordSnapshot:
    """Returns the records of a plan's mappings with the fields that a search needs."""
    mappings = {}
    for name, state in context.states.items():
        mapping = state.mapping
        entity = context.project.catalogue.entities[mapping.target.entity]
        if is_searchable(mapping, entity):
            fields = _needed(context.project, mapping, entity)
            records = {id_: _kept(record, fields) for id_, record in state.records.items()}
            mappings[name] = KnownRecords(fields, records)
    return RecordSnapshot(read, context.target.identity(), mappings)


def known_texts(
    project: Project, mapping: MappingSpec, known: RecordSnapshot
) -> Mapping[int, Texts]:
    """Returns the searched texts of each record of a mapping; none if the snapshot is incomplete.

    It is incomplete if it lacks fields that the mapping names now.
    """
    entity = project.catalogue.entities[mapping.target.entity]
    own = known.mappings.get(mapping.name)
    if own is None or not {*_needed(project, mapping, entity)} <= {*own.fields}:
        return {}
    fields = searched_fields(mapping, entity)
    texts = {
        id_: {
            **{name: str(record[name]) for name in fields if not empty(record.get(name))},
            **_reference_texts(project, mapping, record, known),
        }
        for id_, record in own.records.items()
    }
    return {id_: one for id_, one in texts.items() if one}


def search_known(
    known: RecordSnapshot, mapping: MappingSpec, texts: Mapping[int, Texts], text: str
) -> list[Match]:
    """Returns the records that fit the text, the best first. `texts` are those of `known_texts`."""
    found = [
        Match({"id": id_, **known.mappings[mapping.name].records[id_]}, texts[id_], fits)
        for id_, fits in rank(texts, text)
    ]
    return without_poor_fits(found)


def _needed(project: Project, mapping: MappingSpec, entity: Entity) -> tuple[str, ...]:
    """Returns the fields to keep: searched fields, references of match keys, the active flag."""
    active = [entity.active] if entity.active and entity.field(entity.active) else []
    names = [*searched_fields(mapping, entity), *references(project, mapping), *active]
    return tuple(dict.fromkeys(names))


def _kept(record: Record, fields: tuple[str, ...]) -> Record:
    return {name: record[name] for name in fields if not empty(record.get(name))}


def _reference_texts(
    project: Project, mapping: MappingSpec, record: Record, known: RecordSnapshot
) -> Mapping[str, str]:
    """Returns the names of the records that this one refers to."""
    texts = {}
    for name, other in references(project, mapping).items():
        entity = project.catalogue.entities[other.target.entity]
        title = next(iter(searched_fields(other, entity)), "")
        parent = known.mappings.get(other.name)
        if parent and title and not empty(record.get(name)):
            value = parent.records.get(record[name], {}).get(title)
            if not empty(value):
                texts[f"{name}{REFERS}{title}"] = str(value)
    return texts
