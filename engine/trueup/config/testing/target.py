"""Reads and checks `target` of a test: records, units and posted days before the plan."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from msgspec import Struct

from trueup.config.days import parse_day
from trueup.config.node import Node
from trueup.config.testing.rows import fault
from trueup.model.finding import Finding, Place
from trueup.model.mapping import MappingSpec
from trueup.model.project import Project
from trueup.model.suggestions import hint, unknown
from trueup.model.testing import GivenRecord, GivenRow, GivenTarget, GivenUnits, Posted


class Names(Struct):
    """What the parts of one test may refer to."""

    project: Project
    rows: Mapping[str, frozenset[str]]  # keys by table
    findings: list[Finding] = []

    @classmethod
    def of(cls, project: Project, rows: Iterable[GivenRow], findings: list[Finding]) -> "Names":
        """Returns the names of a test with these rows."""
        keys: dict[str, set[str]] = {}
        for row in rows:
            keys.setdefault(row.table, set()).add(row.key)
        return cls(project, {name: frozenset(all_) for name, all_ in keys.items()}, findings)

    def mapping(self, name: str, place: Place) -> MappingSpec | None:
        """The mapping of that name; else None, and a finding."""
        mapping = self.project.mappings.get(name)
        if mapping is None:
            known = self.project.mappings
            self.findings.append(unknown(f"there is no mapping {name}", name, known, place))
        return mapping

    def has_row(self, mapping: MappingSpec, key: str, place: Place) -> bool:
        """Whether the mapping's table has the row; else there is a finding."""
        known = self.rows.get(mapping.source.table, frozenset())
        if key in known:
            return True
        text = f"there is no {mapping.source.table} {key} in this test"
        remedy = hint(key, known) or f"add it to source.{mapping.source.table}"
        self.findings.append(fault(text, remedy, place))
        return False

    def ledger_mapping(self, key: str, place: Place) -> str:
        """The mapping with a ledger that has that row; empty, with a finding, where none has."""
        found = [
            mapping
            for mapping in self.project.mappings.values()
            if mapping.ledger and self._has(mapping, key)
        ]
        if len(found) == 1:
            return found[0].name
        if found:
            names = " and ".join(one.name for one in found)
            self.findings.append(fault(f"{key} is a row of {names}", "rename one row", place))
            return ""
        ledgers = [mapping for mapping in self.project.mappings.values() if mapping.ledger]
        known = {key for ledger in ledgers for key in self.rows.get(ledger.source.table, ())}
        if not ledgers:
            text, remedy = "no mapping of this project has a ledger", "remove this part"
        else:
            tables = " or ".join(sorted({ledger.source.table for ledger in ledgers}))
            text = f"there is no {tables} {key} in this test, so it has no units"
            remedy = hint(key, known) or f"add it to source.{tables}"
        self.findings.append(fault(text, remedy, place))
        return ""

    def _has(self, mapping: MappingSpec, key: str) -> bool:
        return key in self.rows.get(mapping.source.table, frozenset())

    def field(self, mapping: MappingSpec, name: str, place: Place) -> None:
        """Reports a field that the mapping's entity does not have."""
        entity = self.project.catalogue.entities[mapping.target.entity]
        if entity.field(name) is None:
            text = f"{entity.name} has no field {name}"
            self.findings.append(unknown(text, name, entity.fields, place))


def parse_target(node: Node | None, names: Names) -> GivenTarget:
    """Returns what the target holds. What is wrong with it is added to `names.findings`."""
    if node is None:
        return GivenTarget()
    rows, units, posted = node.get("rows"), node.get("units"), node.get("posted")
    is_linked = node.get("linked")
    linked = [*_linked(rows, names)] if rows and rows.data != "all" else []
    mappings = {*names.project.mappings} if rows and rows.data == "all" else set()
    if rows and isinstance(rows.data, dict):
        mappings |= {name for name, part in rows.items() if part.data == "all"}
    return GivenTarget(
        rows=tuple(linked),
        all_of=frozenset(mappings & names.project.mappings.keys()),
        records=_records(node.get("records"), names),
        units=tuple(parse_units(units, names)) if units else (),
        posted=tuple(parse_posted(posted, names)) if posted else (),
        linked=is_linked is None or bool(is_linked.data),
    )


def _linked(node: Node, names: Names) -> Iterator[GivenRecord]:
    for name, part in node.items():
        mapping = names.mapping(name, part.key_place)
        if mapping is None or part.data == "all":
            continue
        if mapping.append:
            text = f"{name} only appends: its rows have no record"
            names.findings.append(fault(text, "give the units under target.units", part.key_place))
            continue
        if isinstance(part.data, list):
            keys = {str(item.data): item for item in part.parts()}
        else:
            keys = dict(part.items())
        for key, entry in keys.items():
            place = entry.key_place
            values = entry.data if isinstance(entry.data, dict) else {}
            for field_name in values:
                names.field(mapping, field_name, entry[field_name].key_place)
            if names.has_row(mapping, key, place):
                yield GivenRecord(name, key, values, place)


def _records(node: Node | None, names: Names) -> dict[str, tuple[Mapping[str, object], ...]]:
    records: dict[str, tuple[Mapping[str, object], ...]] = {}
    entities = names.project.catalogue.entities
    for name, part in node.items() if node else ():
        entity = entities.get(name)
        if entity is None:
            text = f"there is no entity {name}"
            names.findings.append(unknown(text, name, entities, part.key_place))
            continue
        for record in part.parts():
            for field_name, value in record.items():
                if entity.field(field_name) is None:
                    text = f"{name} has no field {field_name}"
                    found = unknown(text, field_name, entity.fields, value.key_place)
                    names.findings.append(found)
        records[name] = tuple(record.data for record in part.parts())
    return records


def parse_units(node: Node, names: Names) -> Iterator[GivenUnits]:
    """Yields units by the key of their row and by day."""
    for key, part in node.items():
        mapping = names.ledger_mapping(key, part.key_place)
        if not mapping:
            continue
        steps: dict[date | None, int] = {}
        if isinstance(part.data, dict):
            for day_text in part.data:
                steps[day_of(part[day_text], names)] = part[day_text].data
        else:
            steps[None] = part.data
        yield GivenUnits(mapping, key, steps, part.key_place)


def day_of(part: Node, names: Names) -> date | None:
    """The day that is the key of a part; None, with a finding, where there is no such day."""
    text = str(part.steps[-1])
    day = parse_day(text)
    if day is None:
        names.findings.append(fault(f"there is no day {text}", "", part.key_place))
    return day


def parse_posted(node: Node, names: Names) -> Iterator[Posted]:
    """Yields the last posted days, of all contracts or of some."""
    if not isinstance(node.data, dict):
        if day := parse_day(node.data):
            yield Posted(day)
        return
    owners = {
        mapping.ledger.periods.start.mapping
        for mapping in names.project.mappings.values()
        if mapping.ledger and mapping.ledger.periods
    }
    for key, part in node.items():
        day = parse_day(part.data)
        for owner in sorted(owners):
            if day and names.has_row(names.project.mappings[owner], key, part.key_place):
                yield Posted(day, owner, key)
