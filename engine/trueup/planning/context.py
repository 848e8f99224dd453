"""The data of a plan in the making, which the turns of all mappings share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from trueup.expressions.compiled import Compiled
from trueup.expressions.namespace import Namespace
from trueup.expressions.rules import RuleBook
from trueup.model.catalogue import Entity, SystemNames
from trueup.model.change import Change
from trueup.model.decision import Decision
from trueup.model.finding import Finding
from trueup.model.mapping import MappingSpec, Reference
from trueup.model.mapping_state import MappingState, RowKey, UnreadableRows
from trueup.model.plan import GuardExceeded, LedgerLine
from trueup.model.project import Project
from trueup.model.verdict import Topic
from trueup.planning.explained_parts import ExplainedParts
from trueup.planning.in_doubt import InDoubt
from trueup.planning.labels import RowLabels
from trueup.planning.pushed_changes import PushedChanges
from trueup.planning.reading import Records
from trueup.planning.row_progress import RowProgress
from trueup.ports.source import Row
from trueup.ports.state import StateSnapshot
from trueup.ports.target import Target
from trueup.stages.resolve import Resolver

DecimalPlaces = Callable[[str, str], "int | None"]
"""As `Source.decimal_places`."""


@dataclass
class PlanContext:
    """The data of a plan in the making. Each mapping adds its state once, by dependency."""

    project: Project
    target: Target
    snapshot: StateSnapshot
    tables: Mapping[str, Sequence[Row]]
    as_of: date
    reader: Records
    in_doubt: InDoubt  # what an open run has not settled
    pushed_changes: PushedChanges  # what pending changes held when they were pushed
    decimal_places: DecimalPlaces
    unreadable: Mapping[str, UnreadableRows] = field(default_factory=dict)  # by table
    findings: list[Finding] = field(default_factory=list)
    row_progress: RowProgress = field(default_factory=RowProgress)
    explained: ExplainedParts = field(default_factory=ExplainedParts)

    # By mapping
    states: dict[str, MappingState] = field(default_factory=dict)
    compiled: dict[str, Compiled] = field(default_factory=dict)
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    resolvers: dict[str, Resolver] = field(default_factory=dict)

    # Of the plan as a whole
    ledger: list[LedgerLine] = field(default_factory=list)
    exceeded: list[GuardExceeded] = field(default_factory=list)  # limits set by rules on the plan
    new_unit_rows: dict[str, int] = field(default_factory=dict)
    """Changes that create a service → unit rows that it will have, for the estimate of calls."""

    _entities: dict[str, Entity] = field(default_factory=dict)
    _picklist_labels: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    _denied: dict[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def rules(self) -> RuleBook:
        """The project's rules."""
        return RuleBook(self.project.rules)

    @cached_property
    def labels(self) -> RowLabels:
        """The display names of rows and records."""
        return RowLabels(self.project, self.states, self.namespaces, self.compiled)

    @cached_property
    def ledger_mappings(self) -> frozenset[str]:
        """Mappings with a ledger, and all that they refer to, directly or through others."""
        found: set[str] = set()
        stack = [name for name, mapping in self.project.mappings.items() if mapping.ledger]
        while stack:
            name = stack.pop()
            if name not in found:
                found.add(name)
                mapping = self.project.mappings[name]
                specs = (*mapping.fields.values(), *mapping.identity.values())
                stack += [one.value.mapping for one in specs if isinstance(one.value, Reference)]
        return frozenset(found)

    @cached_property
    def _links(self) -> Mapping[str, Mapping[str, int]]:
        """Returns the links of each mapping."""
        return {
            name: self.snapshot.links.of(name, mapping.target.entity)
            for name, mapping in self.project.mappings.items()
        }

    @property
    def systems(self) -> SystemNames:
        """The display names of the two systems."""
        return self.project.catalogue.systems

    def plan_names(self) -> dict[str, Any]:
        """The names that expressions see as `plan`."""
        return {"as_of": self.as_of}

    def entity(self, name: str) -> Entity:
        """Returns the entity as the tenant has it; read once."""
        if name not in self._entities:
            self._entities[name] = self.target.entity(name)
        return self._entities[name]

    def picklist_labels(self, entity: str) -> Mapping[str, Mapping[str, str]]:
        """Returns fields with a picklist, each with its labels by value as text; computed once."""
        if entity not in self._picklist_labels:
            self._picklist_labels[entity] = {
                name: {str(option.value): option.label for option in reversed(one.picklist)}
                for name, one in self.entity(entity).fields.items()
                if one.picklist
            }
        return self._picklist_labels[entity]

    def denied(self, entity: str) -> frozenset[str]:
        """Returns the operations on the entity that the API user may not do; read once."""
        if entity not in self._denied:
            self._denied[entity] = self.target.denied(entity)
        return self._denied[entity]

    def links(self, mapping: str) -> Mapping[str, int]:
        """Returns the mapping's links, key → record; computed once.

        Links to an entity that the mapping had before its YAML was changed do not count.
        """
        return self._links[mapping]

    def last_written(self, mapping: str, key: str) -> Mapping[str, object] | None:
        """Returns the values last written to the record of the row; None if none are known.

        If the row has another record by now, nothing was written to that one.
        """
        linked, now = self.links(mapping).get(key), self.states[mapping].record_ids.get(key)
        if None not in (linked, now) and linked != now:
            return None
        return self.snapshot.applied.get((mapping, key))

    def decisions(self, mapping: str, topic: Topic) -> dict[str, Decision]:
        """Returns the decisions in force on that topic about the mapping's rows, by key."""
        return {
            one.key: one
            for one in self.project.decisions
            if one.mapping == mapping and topic in one.verdict.topics and self.is_in_force(one)
        }

    def is_in_force(self, decision: Decision) -> bool:
        """Whether the decision holds on the day of the plan."""
        return decision.until is None or decision.until >= self.as_of

    def namespace_of(self, mapping: MappingSpec) -> Namespace:
        """Makes the names that expressions of the mapping see."""
        return Namespace(
            mapping, self.tables, self.project.settings, self.plan_names(), self.unreadable
        )

    def key_column(self, mapping: MappingSpec) -> str:
        """The column that identifies a row of the mapping's table."""
        return self.project.catalogue.tables[mapping.source.table].key

    def names(self, mapping: str, key: str) -> dict[str, Any]:
        """The names for expressions about a row; of an unreadable row, the readable part."""
        state = self.states[mapping]
        row = state.rows[key] if key in state.rows else state.unreadable[key].row
        return self.namespaces[mapping].names(row)

    def rows_of(self, change: Change) -> list[RowKey]:
        """Returns the rows of a change; of a correction, the row whose units it moves."""
        adjustment = change.adjustment
        if adjustment and adjustment.is_correction:
            rows = [(adjustment.row.mapping, adjustment.row.key)]
        else:
            rows = [(change.mapping, key) for key in change.keys]
        return [*rows, (change.makes.mapping, change.makes.key)] if change.makes else rows

    def label(self, mapping: str, key: str) -> str:
        """Returns the display name of a row."""
        return self.labels.row(mapping, key)

    def with_name(self, finding: Finding) -> Finding:
        """The finding with the name of its row."""
        if finding.name or not finding.key or finding.mapping not in self.states:
            return finding
        return replace(finding, name=self.label(finding.mapping, finding.key))
