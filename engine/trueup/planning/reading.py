"""Both sides, read: tables whole, records in bulk by what mappings say is ours, reference data once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Any

from engine.errors import ConfigError
from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.expressions.unread import PartialRow
from engine.model.catalogue import Field, Type
from engine.model.finding import Finding, Severity
from engine.model.fit import Misfit, fit
from engine.model.plan import UnitRow
from engine.model.project import AppendSpec, Find, LedgerSpec, Linked, MappingSpec, Project, Value
from engine.model.units import DAY
from engine.model.work import Gaps, Standing, Unread
from engine.planning.needs import columns, entity_fields, finds
from engine.ports import Condition, Record, Row, Source, Target
from engine.stages.ledger import unit_rows
from engine.stages.resolve import find_index, folded


@dataclass(frozen=True, slots=True)
class Tables:
    """The source, read: rows by table, what of a table could not be read, and all that there is to say of rows."""

    rows: dict[str, Sequence[Row]] = field(default_factory=dict)
    gaps: dict[str, Gaps] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def read_source(project: Project, source: Source) -> Tables:
    """Every table that the project names, and what was wrong with rows left out."""
    tables = Tables()
    for table, names in sorted(columns(project).items()):
        read = source.read(table, sorted(names))
        key = project.catalogue.tables[table].key
        tables.rows[table] = sorted(read.rows, key=itemgetter(key))  # mostly sorted already
        tables.findings.extend(read.findings)
        if why := read.left_out():
            tables.gaps[table] = _gaps(table, why, read.parts, {row[key] for row in read.rows})
    return tables


def _gaps(table: str, why: Mapping[str, Sequence[Finding]], parts: Mapping[str, Row], known: set[str]) -> Gaps:
    rows = {}
    for key, findings in sorted(why.items()):
        if key and key not in known:
            said = "; ".join(dict.fromkeys(one.text.removeprefix(f"{table} {key}, ") for one in findings))
            text = f"needs {table} {key}, which cannot be read: {said}"
            rows[key] = Unread(PartialRow(parts.get(key, {}), text, (table, key)), tuple(findings))
    return Gaps(rows, tuple(why.get("", ())))


class Records:
    """Reads the target for one mapping after the other."""

    def __init__(self, project: Project, target: Target, base: Mapping[str, Any]) -> None:
        self._project, self._target, self._base = project, target, base
        self._finds: dict[str, dict[tuple[str, ...], dict[tuple[str, ...], list[Record]]]] = {}
        self._reference: dict[str, Sequence[Record]] = {}
        self._called: dict[tuple[str, tuple[str, ...]], dict[object, str]] = {}
        self._needs = finds(project)
        self.count = 0

    def of(self, mapping: MappingSpec, standings: Mapping[str, Standing], also: Iterable[int]) -> dict[int, Record]:
        """The mapping's records by id: those that are ours, and `also` these ids wherever they are."""
        fields = entity_fields(self._project, mapping)
        entity = mapping.target.entity
        conditions, local = self._conditions(mapping, standings)
        records: dict[int, Record] = {}
        if conditions is not None:
            read = self._target.read(entity, conditions, fields)
            records = {record["id"]: record for record in read if not local or _among(record, local)}
        missing = sorted({id_ for id_ in also if id_ not in records})
        if missing:
            for record in self._target.read(entity, [Condition("id", "in", missing)], fields):
                records[record["id"]] = record
        self.count += len(records)
        return records

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> Sequence[Record]:
        """As the target has it, and counted."""
        records = self._target.read(entity, where, fields)
        self.count += len(records)
        return records

    def _conditions(
        self, mapping: MappingSpec, standings: Mapping[str, Standing]
    ) -> tuple[list[Condition] | None, dict[str, set[int]]]:
        """Conditions to send, None where nothing can be ours; and lists too many to send, checked here instead."""
        conditions: list[Condition] = []
        lists: dict[str, set[int]] = {}
        for name, wanted in mapping.target.where.items():
            if isinstance(wanted, Linked):
                lists[name] = set(standings[wanted.mapping].ids.values())
            else:
                conditions.append(self._condition(mapping, name, wanted))
        if any(not ids for ids in lists.values()):
            return None, {}
        if lists:
            first = min(lists, key=lambda name: (len(lists[name]), name))
            conditions.append(Condition(first, "in", sorted(lists.pop(first))))
        return conditions, lists

    def _condition(self, mapping: MappingSpec, name: str, wanted: Value) -> Condition:
        entity = self._target.entity(mapping.target.entity)
        field = entity.field(name) or Field(name, Type.TEXT)
        try:
            value = evaluate(wanted.raw, self._base)
            if isinstance(value, list | tuple):
                return Condition(name, "in", [fit(item, field) for item in value])
            return Condition(name, "eq", fit(value, field))
        except (Misfit, *EVALUATION_ERRORS) as fault:
            text = f"target.where: {name} cannot be worked out: {fault}"
            remedy = "mend the setting or the mapping"
            finding = Finding("where-broken", Severity.ERROR, text, remedy, wanted.place, mapping.name)
            raise ConfigError([finding]) from fault

    def find(self, spec: Find, wanted: tuple[Any, ...]) -> int | None:
        """The one record of reference data that fits; None where a value is none. Raises Misfit."""
        if any(value is None for value in wanted):
            return None
        names = tuple(spec.where)
        entity = self._target.entity(spec.entity)
        fitted = []
        for name, value in zip(names, wanted, strict=True):
            field = entity.field(name)
            fitted.append(fit(value, field) if field else value)
        found = self._find_index(spec.entity, names).get(folded(fitted), [])
        said = ", ".join(f"{name} {value!r}" for name, value in zip(names, wanted, strict=True))
        active = [record for record in found if record.get("isActive") not in (False, 0)]
        if not found:
            raise Misfit(f"there is no {spec.entity} with {said}")
        if not active:
            raise Misfit(f"the {spec.entity} with {said} is inactive, and Autotask refuses inactive references")
        if len(active) > 1:
            raise Misfit(f"{len(active)} {spec.entity} have {said}: {', '.join(str(one['id']) for one in active[:5])}")
        return int(active[0]["id"])

    def called(self, spec: Find, id_: object) -> str:
        """The text that a look-up knows a record of reference data by; nothing for one that it never saw."""
        names = tuple(spec.where)
        known = self._called.get((spec.entity, names))
        if known is None and spec.entity in self._reference:
            known = {record["id"]: _text(record, names) for record in self._reference[spec.entity]}
            self._called[spec.entity, names] = known
        return (known or {}).get(id_, "")

    def _find_index(self, entity: str, names: tuple[str, ...]) -> dict[tuple[str, ...], list[Record]]:
        indexes = self._finds.setdefault(entity, {})
        if names not in indexes:
            if entity not in self._reference:
                self._reference[entity] = self.read(entity, [], sorted(self._needs.get(entity, set(names))))
            index = find_index(self._reference[entity], names)
            indexes[names] = {key: list(records) for key, records in index.items()}  # type: ignore[arg-type]
        return indexes[names]

    def units(
        self, ledger: LedgerSpec, append: AppendSpec, ids: Iterable[int], since: date
    ) -> dict[int, tuple[UnitRow, ...]]:
        """Unit rows by our record's id, those that end on or after the day before `since`."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        names = append.proof.rows
        spec = ledger.units
        conditions = [Condition(spec.on[0], "in", wanted), Condition(names[2], "gte", since - DAY)]
        fields = sorted({*names[1:], spec.on[0], spec.value, spec.posted})
        grouped: dict[int, list[Record]] = {}
        for record in self._target.read(spec.entity, conditions, fields):
            grouped.setdefault(record[spec.on[0]], []).append(record)
            self.count += 1
        return {id_: unit_rows(records, names, spec.posted) for id_, records in grouped.items()}


def _among(record: Record, lists: Mapping[str, set[int]]) -> bool:
    return all(record.get(name) in ids for name, ids in lists.items())


def _text(record: Record, names: Iterable[str]) -> str:
    """The first of these values that is text: the others only narrow the look-up."""
    return next((value for name in names if isinstance(value := record.get(name), str) and value), "")
