"""What the checks of a project share: specs, catalogues, settings, and the names in expressions.

`CheckContext` answers two kinds of question: which tables, entities and mappings exist, and which
names an expression may use in a given position, with the shape of each. Start with `of_row`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import get_args, get_type_hints

from trueup.config.checked_document import CheckedDocument, is_within
from trueup.config.checks.shapes import (
    ANY_SHAPE,
    NAME,
    ListOf,
    Scalar,
    Shape,
    Structure,
    of_entity,
    of_settings,
    of_table,
    parts,
)
from trueup.config.node import Node
from trueup.model.catalogue import Catalogue, Entity, Table, Type
from trueup.model.finding import Place
from trueup.model.mapping import FieldSpec, MappingSpec, Reference
from trueup.model.project import Rule
from trueup.model.rule_scopes import Facts, RecordValues, RuleOn, scope
from trueup.model.suggestions import nearest
from trueup.model.verdict import DECIDE_WORDS

_DAY, _TEXT, _NUMBER = Scalar(Type.DAY), Scalar(Type.TEXT), Scalar(Type.DECIMAL)
_FACT_SHAPES: Mapping[type, Shape] = {
    bool: Scalar(Type.BOOLEAN),
    int: Scalar(Type.INTEGER),
    Decimal: _NUMBER,
    date: _DAY,
    str: _TEXT,
}

Names = Mapping[str, Shape]
"""The names that an expression may use, with the shape of each."""


@dataclass(frozen=True)
class CheckContext:
    """What is known of a project when its names are checked."""

    catalogue: Catalogue
    mappings: Mapping[str, MappingSpec]
    """The mappings that could be read."""

    mapping_names: frozenset[str] | None
    """The names of all mappings, also of those that could not be read. None: not all are known."""

    settings: Mapping[str, object] | None
    """None if trueup.yaml could not be read."""

    unknown_settings: frozenset[tuple[str, ...]] = frozenset()
    """Settings whose values are not known, by their steps: the schema check removed a part of them,
    or their names are misspelt, which is reported there."""

    meant_mappings: frozenset[str] = frozenset()
    """Names that mappings were to have: theirs are misspelt, which is reported there."""

    meant_parts: frozenset[tuple[str, ...]] = frozenset()
    """Steps to parts of mappings whose names are misspelt, with the right ones: mapping, key, …"""

    documents: Mapping[str, CheckedDocument] = field(default_factory=dict)
    """The document of each mapping."""

    settings_node: Node | None = None
    """The settings as trueup.yaml has them, with their places."""

    _shapes: dict[tuple[str, str], Shape] = field(default_factory=dict)
    """Shapes that were made before, by kind and name."""

    _meant_fields: dict[str, frozenset[str]] = field(default_factory=dict)
    """The fields that misspelt ones likely mean, by mapping, where they were looked for before."""

    def is_removed(self, mapping: str, *steps: str) -> bool:
        """Returns whether the schema check removed that part of the mapping, or it is misspelt.

        Nothing can be reported about a removed part: it was there, but it is not known.
        """
        if (mapping, *steps) in self.meant_parts:
            return True
        return mapping in self.documents and is_within(steps, self.documents[mapping].removed)

    def is_lost(self, mapping: MappingSpec, name: str) -> bool:
        """Returns whether `fields` of the mapping was to have that field.

        The schema check removed it, or it is misspelt: this is reported at its own place.
        """
        if mapping.name not in self._meant_fields:
            wrong = mapping.fields.keys() - self.known_fields(mapping)
            meant = _meant_fields(mapping, self.entity(mapping.target.entity), wrong)
            self._meant_fields[mapping.name] = meant
        is_meant = name in self._meant_fields[mapping.name]
        return is_meant or self.is_removed(mapping.name, "fields", name)

    def known_fields(self, mapping: MappingSpec) -> tuple[str, ...]:
        """Returns the fields of the mapping that its entity has: those that may be suggested."""
        entity = self.entity(mapping.target.entity)
        return tuple(name for name in mapping.fields if entity is None or entity.field(name))

    def place(self, mapping: MappingSpec, *steps: str | int) -> Place:
        """Returns the place of a value of the mapping."""
        checked = self.documents.get(mapping.name)
        return checked.document.place(*steps) if checked else mapping.place

    def key_place(self, mapping: MappingSpec, *steps: str | int) -> Place:
        """Returns the place of a key of the mapping."""
        checked = self.documents.get(mapping.name)
        return checked.document.key_place(*steps) if checked else mapping.place

    def place_of_setting(self, path: Sequence[str]) -> Place | None:
        """Returns the place of a setting, of the map that it is missing from, or None."""
        node, place = self.settings_node, None
        for name in path:
            node = node.get(name) if node and isinstance(node.data, dict) else None
            place = node.place if node else place
        return place

    def appends(self, mapping: MappingSpec) -> bool:
        """Returns whether the mapping has an `append`, readable or not."""
        return mapping.append is not None or self._names(mapping, "append")

    def keeps_ledger(self, mapping: MappingSpec) -> bool:
        """Returns whether the mapping has a `ledger`, readable or not."""
        return mapping.ledger is not None or self._names(mapping, "ledger")

    def _names(self, mapping: MappingSpec, key: str) -> bool:
        """Returns whether the document of the mapping has that key, whatever is left of it."""
        checked = self.documents.get(mapping.name)
        is_left = checked is not None and key in checked.data
        return is_left or self.is_removed(mapping.name, key)

    def table(self, name: str) -> Table | None:
        """Returns the table of that name, or None."""
        return self.catalogue.tables.get(name)

    def entity(self, name: str) -> Entity | None:
        """Returns the entity of that name, or None."""
        return self.catalogue.entities.get(name)

    def row(self, table: str) -> Shape:
        """Returns the shape of a row of that table."""
        if ("table", table) not in self._shapes:
            known_table = self.table(table)
            self._shapes["table", table] = of_table(known_table) if known_table else ANY_SHAPE
        return self._shapes["table", table]

    def record(self, entity: str) -> Shape:
        """Returns the shape of a record of that entity."""
        known_entity = self.entity(entity)
        return of_entity(known_entity) if known_entity else ANY_SHAPE

    def constants(self) -> dict[str, Shape]:
        """Returns the names that need no row: the settings and the day of the plan."""
        if ("", "settings") not in self._shapes:
            self._shapes["", "settings"] = (
                ANY_SHAPE
                if self.settings is None
                else of_settings(self.settings, self.settings_node, unknown=self.unknown_settings)
            )
        return {
            "settings": self._shapes["", "settings"],
            "plan": parts(f"plan has only as_of here, no '{NAME}'", {"as_of": _DAY}),
        }

    def of_row(self, mapping: MappingSpec) -> dict[str, Shape]:
        """Returns the names that a row offers: itself, its joined rows, and the constants."""
        return {
            "source": self.row(mapping.source.table),
            "related": self._related(mapping),
            **self.constants(),
        }

    def _related(self, mapping: MappingSpec) -> Shape:
        if self.is_removed(mapping.name, "source", "join"):
            return ANY_SHAPE

        joins: dict[str, Shape] = {}
        for name, join in mapping.source.joins.items():
            row = self.row(join.table)
            joins[name] = row if join.one else ListOf(row, f"related.{name} is a list of rows; it")
            if self.is_removed(mapping.name, "source", "join", name, "one"):
                joins[name] = ANY_SHAPE

        def find(name: str) -> Shape | None:
            if self.is_removed(mapping.name, "source", "join", name):
                return ANY_SHAPE
            return joins.get(name)

        return Structure(f"mapping {mapping.name} has no join '{NAME}'", find, lambda: joins)

    def of_scope(self, on: RuleOn, mapping: MappingSpec | None) -> dict[str, Shape]:
        """Returns the names that expressions of rules in that scope may use.

        Without the rule's mapping, rows and records may be anything: those of a mapping with a
        similar name have other columns.
        """
        offered = scope(on)
        record = self.record(mapping.target.entity) if mapping else ANY_SHAPE
        names = self.of_row(mapping) if offered.row and mapping else self.constants()
        if offered.row and not mapping:
            names |= dict.fromkeys(("source", "related", "refs"), ANY_SHAPE)
        if offered.record:
            names.update(before=record, after=record)
        if offered.refs and mapping:
            names["refs"] = self._refs(mapping)
        if offered.facts:
            names[offered.name] = _facts(offered.name, offered.facts, record)
        return names

    def of_remedy(self, rule: Rule) -> dict[str, Shape]:
        """Returns the names that the remedy of a rule may use besides: commands about its row."""
        if not scope(rule.on).row:
            return {}
        commands: dict[str, Shape] = dict.fromkeys(DECIDE_WORDS, _TEXT)
        return {"decide": parts(f"decide has no '{NAME}'", commands)}

    def _refs(self, mapping: MappingSpec) -> Shape:
        reached = self.reached(mapping)
        shapes = {
            name: self.record(self.mappings[name].target.entity)
            for name in reached
            if name in self.mappings
        }

        # A name that was not reached is only an error if every reference on the way could be read.
        complete = reached <= self.mappings.keys() and not any(
            _has_removed_fields(self.documents, name) for name in (mapping.name, *reached)
        )

        def find(name: str) -> Shape | None:
            return shapes.get(name, None if complete else ANY_SHAPE)

        return Structure(f"mapping {mapping.name} does not refer to '{NAME}'", find, lambda: shapes)

    def reached(self, mapping: MappingSpec) -> frozenset[str]:
        """Returns the mappings that its records refer to, directly or through other mappings."""
        reached: set[str] = set()
        waiting = [mapping]
        while waiting:
            for reference in references(waiting.pop()):
                name = reference.mapping
                if name not in reached:
                    reached.add(name)
                    if name in self.mappings:
                        waiting.append(self.mappings[name])
        return frozenset(reached)


def specs(mapping: MappingSpec) -> Iterator[FieldSpec]:
    """Yields all field specs of a mapping: those of fields, identity and match."""
    for group in (mapping.fields, mapping.identity, *(one.fields for one in mapping.match)):
        yield from group.values()


def references(mapping: MappingSpec) -> Iterator[Reference]:
    """Yields the references in the fields and the identity of a mapping."""
    for spec in (*mapping.fields.values(), *mapping.identity.values()):
        if isinstance(spec.value, Reference):
            yield spec.value


def _meant_fields(
    mapping: MappingSpec, entity: Entity | None, wrong: Iterable[str]
) -> frozenset[str]:
    """Returns the fields of the entity that misspelt ones of the mapping likely mean."""
    meant = {nearest(name, entity.fields) for name in wrong} if entity else set()
    return frozenset(name for name in meant if name and name not in mapping.fields)


def _has_removed_fields(documents: Mapping[str, CheckedDocument], mapping: str) -> bool:
    """Returns whether the mapping may have references that could not be read."""
    removed = documents[mapping].removed if mapping in documents else frozenset()
    return any(steps[0] in {"fields", "identity"} for steps in removed)


def _facts(name: str, facts: type[Facts], record: Shape) -> Shape:
    """Returns the shape of the facts of a scope, from the types of their class."""
    hints = get_type_hints(facts)
    shapes: dict[str, Shape] = {}
    for part in facts.__struct_fields__:
        is_record = hints[part] == RecordValues
        shapes[part.rstrip("_")] = record if is_record else _fact(hints[part])
    return parts(f"{name} has no '{NAME}'", shapes)


def _fact(hint: object) -> Shape:
    """Returns the shape of a fact by the annotation of its field; it may be none."""
    kinds = {kind for kind in (hint, *get_args(hint)) if isinstance(kind, type)}
    return next(shape for kind, shape in _FACT_SHAPES.items() if kind in kinds)
