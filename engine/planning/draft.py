"""A plan in the making: what every mapping's turn may look at, and what it leaves behind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from jinja2 import Undefined

from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.expressions.compiled import Compiled
from engine.expressions.context import Context
from engine.model.catalogue import Entity
from engine.model.finding import Finding
from engine.model.fit import label
from engine.model.plan import Change, GuardExceeded, LedgerLine, Unknown
from engine.model.project import About, Decision, MappingSpec, Project, Reference, RuleOn
from engine.model.work import Gaps, Standing
from engine.planning.doubt import Doubt
from engine.planning.needs import GONE, row_print, volatile
from engine.planning.pushes import Pushes
from engine.planning.reading import Records
from engine.ports import Memory, Row, Target
from engine.stages.resolve import Resolver


@dataclass(slots=True)
class Draft:
    """Read by every stage's caller; each mapping adds its standing once, in order of dependency."""

    project: Project
    target: Target
    memory: Memory
    tables: Mapping[str, Sequence[Row]]
    as_of: date
    reader: Records
    in_doubt: Doubt  # what an open run has not settled
    pushes: Pushes  # what logs said when they were pushed
    gaps: Mapping[str, Gaps] = field(default_factory=dict)  # what of a table could not be read
    findings: list[Finding] = field(default_factory=list)
    standings: dict[str, Standing] = field(default_factory=dict)
    compiled: dict[str, Compiled] = field(default_factory=dict)
    contexts: dict[str, Context] = field(default_factory=dict)
    resolvers: dict[str, Resolver] = field(default_factory=dict)
    ledger: list[LedgerLine] = field(default_factory=list)
    exceeded: list[GuardExceeded] = field(default_factory=list)  # by the word of rules on the plan
    live: dict[str, Entity] = field(default_factory=dict)
    fresh: dict[str, int] = field(default_factory=dict)  # changes that make an account → unit rows it will have
    _labels: dict[tuple[str, str], str] = field(default_factory=dict)
    _keys: dict[str, dict[object, str]] = field(default_factory=dict)
    _volatile: dict[str, set[str]] | None = None

    def plan_names(self) -> dict[str, Any]:
        """What expressions see as `plan`."""
        return {"as_of": self.as_of}

    def entity(self, name: str) -> Entity:
        """The entity as the tenant has it."""
        if name not in self.live:
            self.live[name] = self.target.entity(name)
        return self.live[name]

    def links(self, mapping: str) -> dict[str, int]:
        """Links of the mapping: key → record; without those to an entity that it had before its YAML was changed."""
        entity = self.project.mappings[mapping].target.entity
        return {
            key: link.record
            for (owner, key), link in self.memory.links.items()
            if owner == mapping and link.entity == entity
        }

    def decisions(self, mapping: str, about: About) -> dict[str, Decision]:
        """Decisions on that matter about the mapping's rows, those that still hold."""
        return {
            one.key: one
            for one in self.project.decisions
            if one.mapping == mapping and about in one.verdict.about and self.holds(one)
        }

    def holds(self, decision: Decision) -> bool:
        """Does it hold on the day of the plan?"""
        return decision.until is None or decision.until >= self.as_of

    def key_column(self, mapping: MappingSpec) -> str:
        """The column that identifies a row of the mapping's table."""
        return self.project.catalogue.tables[mapping.source.table].key

    def names(self, mapping: str, key: str) -> dict[str, Any]:
        """Names for expressions about a row; of one that cannot be read, what can be read of it."""
        standing = self.standings[mapping]
        return self.contexts[mapping].names(standing.rows[key] if key in standing.rows else standing.unread[key].row)

    def label(self, mapping: str, key: str) -> str:
        """What people call a row: the mapping's label, else the table's title; a row that is gone as its record."""
        known = self._labels.get((mapping, key))
        if known is None:
            known = self._label(mapping, key)
            if key in self.standings[mapping].rows:  # else its record may not have been read yet
                self._labels[mapping, key] = known
        return known

    def _label(self, mapping: str, key: str) -> str:
        spec, standing = self.project.mappings[mapping], self.standings[mapping]
        if spec.label and standing.has(key):
            try:
                return str(evaluate(spec.label.raw, self.names(mapping, key)))
            except EVALUATION_ERRORS:  # a label is no reason to stop: the title does as well
                pass
        row = standing.rows[key] if key in standing.rows else standing.unread[key].row if standing.has(key) else {}
        title = row.get(self.project.catalogue.tables[spec.source.table].title)
        title = None if isinstance(title, Undefined) else title
        return str(title or self.record_name(mapping, standing.ids.get(key)) or key)

    def record_name(self, mapping: str, id_: int | None) -> str:
        """What people call a record: by its own name, else by the rows that its references are; nothing if neither."""
        spec = self.project.mappings[mapping]
        record = self.standings[mapping].records.get(id_) if id_ is not None else None
        if record is None:
            return ""
        own = next((str(record[name]) for name in spec.similar if record.get(name)), "")
        names = [name for name in spec.fields if name.casefold().endswith("name")]
        own = own or " ".join(str(record[name]) for name in names if record.get(name))
        return own or ", ".join(self._references(mapping, record))

    def _references(self, mapping: str, record: Mapping[str, Any]) -> Iterator[str]:
        for slot in self.compiled[mapping].slots:
            if slot.reference and slot.reference.mapping != mapping:
                key = self.key_of(slot.reference.mapping, record.get(slot.name))
                if key:
                    yield self.label(slot.reference.mapping, key)

    def named(self, finding: Finding) -> Finding:
        """The finding with the name of its row."""
        if finding.name or not finding.key or finding.mapping not in self.standings:
            return finding
        return replace(finding, name=self.label(finding.mapping, finding.key))

    def key_of(self, mapping: str, record: object) -> str | None:
        """The key of the row that this record is."""
        if mapping not in self._keys:
            self._keys[mapping] = {id_: key for key, id_ in self.standings[mapping].ids.items()}
        return self._keys[mapping].get(record)

    def refers_to(self, mapping: str, key: str) -> list[tuple[str, str]]:
        """Mapping and key of the rows that this row refers to, directly."""
        compiled, standing = self.compiled[mapping], self.standings[mapping]
        raw = standing.ready.get(key)
        if raw is None:
            return []
        found: list[tuple[str, str]] = []
        for position, slot in enumerate(compiled.slots):
            reference = slot.spec.value
            value = raw[compiled.first + position]
            if isinstance(reference, Reference) and value is not None:
                found.append((reference.mapping, str(value)))
        return found

    def record_names(self, mapping: str, key: str) -> dict[str, Any] | None:
        """The row's record as it will be, picklists by label; None where it is none and will be none."""
        standing, spec = self.standings[mapping], self.project.mappings[mapping]
        record = standing.records.get(standing.ids.get(key, -1))
        changes = standing.changes.get(key, [])
        values = {name: value for change in changes for name, value in change.values.items()}
        if record is None and not values:
            return None
        return labelled({**(record or {}), **values}, self.entity(spec.target.entity))

    def refs(self, mapping: str, key: str) -> "Refs":
        """Records that the row refers to, directly or through others, by mapping; worked out when asked for."""
        return Refs(self, mapping, key)

    def anchors(self, mapping: str, key: str, seen: frozenset[tuple[str, str]] = frozenset()) -> tuple[str, ...]:
        """Ids of the changes that must be done before anything that refers to this row may be written."""
        if (mapping, key) in seen:
            return ()
        standing = self.standings[mapping]
        own = standing.changes.get(key)
        if own:
            return tuple(change.id for change in own)
        found: dict[str, None] = {}
        for other, other_key in self.refers_to(mapping, key):
            found.update(dict.fromkeys(self.anchors(other, other_key, seen | {(mapping, key)})))
        return tuple(found)

    def rules(self, mapping: str, on: RuleOn) -> list[Any]:
        """Rules about that mapping and matter, in the order of their files."""
        return [rule for rule in self.project.rules if rule.for_ == mapping and rule.on is on]

    def row_seen(self, mapping: MappingSpec, key: str) -> dict[str, str]:
        """The row's fingerprint, as apply will check it."""
        return {f"{mapping.source.table}:{key}": row_print(self.steady(mapping, key))}

    def row_gone(self, mapping: MappingSpec, key: str) -> dict[str, str]:
        """That there is no such row, as apply will check it."""
        return {f"{mapping.source.table}:{key}": GONE}

    def steady(self, mapping: MappingSpec, key: str) -> Row:
        """The row without what runs write to it themselves: by it one tells whether somebody moved it."""
        if self._volatile is None:
            self._volatile = volatile(self.project)
        skipped = self._volatile.get(mapping.source.table)
        row = self.standings[mapping.name].rows[key]
        return {name: value for name, value in row.items() if name not in skipped} if skipped else row

    def rows_of(self, change: Change) -> list[tuple[str, str]]:
        """Mapping and key of the rows that a change is about; a correction is about the row of its account."""
        own = self.standings[change.mapping].rows
        owner = next((one.name for one in self.project.mappings.values() if _keeps(one, change.mapping)), "")
        rows = [(change.mapping if key in own or not owner else owner, key) for key in change.keys]
        return [*rows, change.makes[:2]] if change.makes else rows


def _keeps(mapping: MappingSpec, pending: str) -> bool:
    return mapping.ledger is not None and mapping.ledger.pending == pending


class Refs(dict[str, Any]):
    """`refs.<mapping>`: looked up only when a rule asks."""

    def __init__(self, draft: Draft, mapping: str, key: str) -> None:
        super().__init__()
        self._draft, self._start = draft, (mapping, key)

    def __missing__(self, wanted: str) -> Any:  # noqa: ANN401 -- a record or none
        frontier, seen = [self._start], set[tuple[str, str]]()
        while frontier:
            mapping, key = frontier.pop(0)
            for other, other_key in self._draft.refers_to(mapping, key):
                if other == wanted:
                    self[wanted] = self._draft.record_names(other, other_key)
                    return self[wanted]
                if (other, other_key) not in seen:
                    seen.add((other, other_key))
                    frontier.append((other, other_key))
        self[wanted] = None
        return None


def labelled(record: Mapping[str, Any], entity: Entity) -> dict[str, Any]:
    """A record with picklist labels in the place of their numbers, and nothing where apply alone will know."""
    return {
        name: None if isinstance(value, Unknown) else label(value, entity.field(name)) for name, value in record.items()
    }
