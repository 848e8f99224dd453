"""All that the checks stand on: specs, catalogues, settings, and the names that expressions may use where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.config.checks.shapes import (
    ANYTHING,
    NAME,
    Many,
    Named,
    Plain,
    Shape,
    of_entity,
    of_settings,
    of_table,
    parts,
)
from engine.config.node import Node
from engine.config.schema import Checked, inside
from engine.model.catalogue import Catalogue, Entity, Table, Type
from engine.model.finding import Place
from engine.model.project import FieldSpec, MappingSpec, Reference, Rule, RuleOn

_DAY, _TEXT, _NUMBER = Plain(Type.DAY), Plain(Type.TEXT), Plain(Type.DECIMAL)
_WHOLE, _YES_NO = Plain(Type.INTEGER), Plain(Type.BOOLEAN)
_COUNTS = ("creates", "updates", "deactivates", "adjusts", "blocked", "held")

Names = Mapping[str, Shape]


@dataclass(frozen=True)
class Ground:
    """What is known of a project when its names are checked."""

    catalogue: Catalogue
    mappings: Mapping[str, MappingSpec]  # those that could be read
    names: frozenset[str] | None  # of all mappings, also of those that could not; None: not all are known
    settings: Mapping[str, object] | None  # None: trueup.yaml could not be read
    documents: Mapping[str, Checked] = field(default_factory=dict)  # by mapping
    said: Node | None = None  # the settings as trueup.yaml has them, with their places
    _shapes: dict[tuple[str, str], Shape] = field(default_factory=dict)  # made once

    def missing(self, mapping: str, *steps: str) -> bool:
        """Was that part of the mapping taken away by its schema, so that nothing can be said of it?"""
        return mapping in self.documents and inside(steps, self.documents[mapping].holes)

    def place(self, mapping: MappingSpec, *steps: str | int) -> Place:
        """Where that value of the mapping stands."""
        known = self.documents.get(mapping.name)
        return known.document.place(*steps) if known else mapping.place

    def key_place(self, mapping: MappingSpec, *steps: str | int) -> Place:
        """Where its key stands."""
        known = self.documents.get(mapping.name)
        return known.document.key_place(*steps) if known else mapping.place

    def appends(self, mapping: MappingSpec) -> bool:
        """Has it an `append`, or had one that cannot be read?"""
        return mapping.append is not None or self.missing(mapping.name, "append")

    def keeps_ledger(self, mapping: MappingSpec) -> bool:
        """Has it a `ledger`, or had one that cannot be read?"""
        return mapping.ledger is not None or self.missing(mapping.name, "ledger")

    def table(self, name: str) -> Table | None:
        """The table, if there is one."""
        return self.catalogue.tables.get(name)

    def entity(self, name: str) -> Entity | None:
        """The entity, if there is one."""
        return self.catalogue.entities.get(name)

    def row(self, table: str) -> Shape:
        """A row of that table."""
        if ("table", table) not in self._shapes:
            known = self.table(table)
            self._shapes["table", table] = of_table(known) if known else ANYTHING
        return self._shapes["table", table]

    def record(self, entity: str) -> Shape:
        """A record of that entity."""
        known = self.entity(entity)
        return of_entity(known) if known else ANYTHING

    def constants(self) -> dict[str, Shape]:
        """Where there is no row: settings and the plan's day."""
        if ("", "settings") not in self._shapes:
            self._shapes["", "settings"] = ANYTHING if self.settings is None else of_settings(self.settings, self.said)
        return {
            "settings": self._shapes["", "settings"],
            "plan": parts(f"plan has only as_of here, no '{NAME}'", {"as_of": _DAY}),
        }

    def of_row(self, mapping: MappingSpec) -> dict[str, Shape]:
        """Where there is a row: it, the rows joined to it, settings, the plan's day."""
        return {"source": self.row(mapping.source.table), "related": self._related(mapping), **self.constants()}

    def _related(self, mapping: MappingSpec) -> Shape:
        if self.missing(mapping.name, "source", "join"):
            return ANYTHING
        joins: dict[str, Shape] = {}
        for name, join in mapping.source.joins.items():
            row = self.row(join.table)
            joins[name] = row if join.one else Many(row, f"related.{name} is a list of rows; it")

        def find(name: str) -> Shape | None:
            return ANYTHING if self.missing(mapping.name, "source", "join", name) else joins.get(name)

        return Named(f"mapping {mapping.name} has no join '{NAME}'", find, lambda: joins)

    def of_rule(self, rule: Rule, mapping: MappingSpec | None) -> dict[str, Shape]:
        """What a rule may use, by what it looks at."""
        if rule.on is RuleOn.PLAN or mapping is None:
            return {**self.constants(), "plan": _plan()}
        names = self.of_row(mapping)
        record = self.record(mapping.target.entity)
        if rule.on is RuleOn.RECORD:
            names.update(before=record, after=record)
        if rule.on in {RuleOn.RECORD, RuleOn.CHANGE}:
            names["refs"] = self._refs(mapping)
        if rule.on is RuleOn.CHANGE:
            names["change"] = _change(record)
        if rule.on is RuleOn.LEDGER:
            names["ledger"] = _ledger()
        return names

    def _refs(self, mapping: MappingSpec) -> Shape:
        reached = self.reached(mapping)
        shapes = {name: self.record(self.mappings[name].target.entity) for name in reached if name in self.mappings}
        sure = reached <= self.mappings.keys() and not any(self._broken(name) for name in (mapping.name, *reached))

        def find(name: str) -> Shape | None:
            return shapes.get(name, None if sure else ANYTHING)

        return Named(f"mapping {mapping.name} does not refer to '{NAME}'", find, lambda: shapes)

    def _broken(self, mapping: str) -> bool:
        """May there be references that could not be read?"""
        holes = self.documents[mapping].holes if mapping in self.documents else frozenset()
        return any(steps[0] in {"fields", "identity"} for steps in holes)

    def reached(self, mapping: MappingSpec) -> frozenset[str]:
        """Names of the mappings that its records refer to, directly or through others."""
        found: set[str] = set()
        waiting = [mapping]
        while waiting:
            for reference in references(waiting.pop()):
                if reference.mapping not in found:
                    found.add(reference.mapping)
                    waiting += [self.mappings[reference.mapping]] if reference.mapping in self.mappings else []
        return frozenset(found)


def specs(mapping: MappingSpec) -> Iterator[FieldSpec]:
    """All field specs of a mapping: fields, identity, match."""
    for group in (mapping.fields, mapping.identity, *mapping.match):
        yield from group.values()


def references(mapping: MappingSpec) -> Iterator[Reference]:
    """The references that its records carry."""
    for spec in (*mapping.fields.values(), *mapping.identity.values()):
        if isinstance(spec.value, Reference):
            yield spec.value


def _plan() -> Shape:
    counts: dict[str, Shape] = dict.fromkeys(_COUNTS, _WHOLE)
    return parts(f"plan has no '{NAME}'", {"as_of": _DAY, "monthly": _NUMBER, **counts})


def _change(values: Shape) -> Shape:
    units: dict[str, Shape] = dict.fromkeys(("units", "units_before", "units_after", "lowest"), _NUMBER)
    days: dict[str, Shape] = {"day": _DAY, "first_open_day": _DAY}
    return parts(f"change has no '{NAME}'", {"action": _TEXT, "values": values, "posted": _YES_NO, **units, **days})


def _ledger() -> Shape:
    numbers: dict[str, Shape] = dict.fromkeys(("quantity", "units", "pending", "difference"), _NUMBER)
    return parts(f"ledger has no '{NAME}'", {"class": _TEXT, "day": _DAY, **numbers})
