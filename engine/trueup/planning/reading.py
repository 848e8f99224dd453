"""Reads both sides: whole tables, records in bulk by the mappings' conditions, reference data."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

from msgspec import Struct

from trueup.errors import ConfigError
from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.unreadable import PartialRow
from trueup.expressions.value_filters import fold_all
from trueup.model.catalogue import Field, Type
from trueup.model.change import UnitRow
from trueup.model.coerce import CoercionError, coerce, shown
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import AppendSpec, Find, LedgerSpec, Linked, MappingSpec, Value
from trueup.model.mapping_state import MappingState, UnreadableRow, UnreadableRows
from trueup.model.project import Project
from trueup.model.units import DAY, unit_rows
from trueup.planning.needs import columns, entity_fields, finds
from trueup.ports.source import Row, Source
from trueup.ports.target import Condition, Record, Target
from trueup.stages.resolve import find_index


class Tables(Struct, frozen=True):
    """The source's data: rows by table, rows that could not be read, and findings about rows."""

    rows: dict[str, Sequence[Row]] = {}
    unreadable: dict[str, UnreadableRows] = {}
    findings: list[Finding] = []


def read_source(project: Project, source: Source) -> Tables:
    """Reads every table that the project names. Raises SourceError."""
    return read_tables(project, source, columns(project))


def read_tables(project: Project, source: Source, needed: Mapping[str, Collection[str]]) -> Tables:
    """Reads these columns, by table. Raises SourceError."""
    tables = Tables()
    for table, names in sorted(needed.items()):
        read = source.read(table, sorted(names))
        key = project.catalogue.tables[table].key
        tables.rows[table] = sorted(read.rows, key=itemgetter(key))  # mostly sorted already
        tables.findings.extend(read.findings)
        if left_out := read.left_out():
            known = {row[key] for row in read.rows}
            rows = _unreadable_rows(table, left_out, read.parts, known)
            without_key = tuple(left_out.get("", ()))
            keyless = tuple(_keyless_rows(table, without_key, read.keyless))
            tables.unreadable[table] = UnreadableRows(rows, without_key, key, keyless)
    return tables


def _unreadable_rows(
    table: str,
    left_out: Mapping[str, Sequence[Finding]],
    parts: Mapping[str, Row],
    known: set[str],
) -> dict[str, UnreadableRow]:
    """Returns the rows that were left out, by key, with the reason.

    `known` are keys of rows that were read.
    """
    rows = {}
    for key, findings in sorted(left_out.items()):
        if key and key not in known:
            why = "; ".join(dict.fromkeys(one.text for one in findings))
            text = f"needs {table} {key}, which cannot be read: {why}"
            row = PartialRow(parts.get(key, {}), text, (table, key))
            rows[key] = UnreadableRow(row, tuple(findings))
    return rows


def _keyless_rows(
    table: str, without_key: Iterable[Finding], parts: Sequence[tuple[Finding, Row]]
) -> Iterator[UnreadableRow]:
    """Yields a row for each finding about a row without a key, with what could be read of it."""
    known = {finding for finding, _ in parts}
    unknown = ((finding, Row()) for finding in without_key if finding not in known)
    for finding, part in (*parts, *unknown):
        yield UnreadableRow(PartialRow(part, finding.text, (table, "")), (finding,))


class Records:
    """Reads the target for one mapping after the other."""

    def __init__(self, project: Project, target: Target, base: Mapping[str, Any]) -> None:
        self._project, self._target, self._base = project, target, base
        self._finds: dict[str, dict[tuple[str, ...], dict[str, list[Record]]]] = {}
        self._reference: dict[str, Sequence[Record]] = {}
        self._texts: dict[tuple[str, tuple[str, ...]], dict[object, str]] = {}
        self._needs = finds(project)
        self.count = 0

    def of(
        self, mapping: MappingSpec, states: Mapping[str, MappingState], also: Iterable[int]
    ) -> dict[int, Record]:
        """Returns the mapping's records by id: those of `target.where`, and also these ids."""
        fields = entity_fields(self._project, mapping)
        entity = mapping.target.entity
        conditions, local = self._conditions(mapping, states)
        records: dict[int, Record] = {}
        if conditions is not None:
            read: Iterable[Record] = self._read_mapped(entity, conditions, fields)
            for name, ids in local.items():
                read = _having(read, name, ids)
            records = {record["id"]: record for record in read}
        missing = sorted({id_ for id_ in also if id_ not in records})
        if missing:
            for record in self._target.read(entity, [Condition("id", "in", missing)], fields):
                records[record["id"]] = record
        self.count += len(records)
        return records

    def _read_mapped(
        self, entity: str, where: Sequence[Condition], fields: Sequence[str]
    ) -> Sequence[Record]:
        """Reads a mapping's records; a whole entity is kept, because look-ups read it too."""
        looked_up = self._needs.get(entity, set())
        if where or not looked_up or entity in self._reference:
            return self._target.read(entity, where, fields)
        records = self._target.read(entity, [], sorted({*fields, *looked_up}))
        self._reference[entity] = _narrowed(records, looked_up)
        return records if looked_up <= {*fields} else _narrowed(records, fields)

    def read(
        self, entity: str, where: Sequence[Condition], fields: Sequence[str]
    ) -> Sequence[Record]:
        """Reads records as `Target.read` does, and counts them."""
        records = self._target.read(entity, where, fields)
        self.count += len(records)
        return records

    def constant_conditions(self, mapping: MappingSpec) -> list[Condition]:
        """Returns the conditions of `target.where` that do not depend on links.

        Raises ConfigError for one that cannot be evaluated.
        """
        return [
            self._condition(mapping, name, wanted)
            for name, wanted in mapping.target.where.items()
            if not isinstance(wanted, Linked)
        ]

    def _conditions(
        self, mapping: MappingSpec, states: Mapping[str, MappingState]
    ) -> tuple[list[Condition] | None, dict[str, set[int]]]:
        """Conditions to send, and lists of ids to check afterwards; None if no record can fit.

        Only the shortest list is sent, because a query takes one `in` list.
        """
        conditions: list[Condition] = []
        lists: dict[str, set[int]] = {}
        for name, wanted in mapping.target.where.items():
            if isinstance(wanted, Linked):
                other = states[wanted.mapping]
                lists[name] = {*other.record_ids.values(), *other.inferred_links.values()}
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
                return Condition(name, "in", [coerce(item, field) for item in value])
            return Condition(name, "eq", coerce(value, field))
        except (CoercionError, *EVALUATION_ERRORS) as fault:
            text = f"target.where: {name} cannot be evaluated: {fault}"
            remedy = "correct the setting or the mapping"
            finding = Finding(
                "where-broken", Severity.ERROR, text, remedy, wanted.place, mapping.name
            )
            raise ConfigError([finding]) from fault

    def find(self, spec: Find, wanted: tuple[Any, ...]) -> int | None:
        """The id of the one record of reference data with these values; None if a value is none.

        Raises CoercionError if no active record has them, or more than one.
        """
        if any(value is None for value in wanted):
            return None
        names = tuple(spec.where)
        entity = self._target.entity(spec.entity)
        values = [
            coerce(value, known) if (known := entity.field(name)) else value
            for name, value in zip(names, wanted, strict=True)
        ]
        found = self._find_index(spec.entity, names).get(fold_all(values), [])
        active = [record for record in found if entity.is_active(record)]
        if len(active) == 1:
            return int(active[0]["id"])
        criteria = ", ".join(
            f"{name} {shown(value)}" for name, value in zip(names, wanted, strict=True)
        )
        if not found:
            raise CoercionError(f"there is no {spec.entity} with {criteria}")
        if not active:
            target = self._project.catalogue.systems.target
            raise CoercionError(
                f"the {spec.entity} with {criteria} is inactive, "
                f"and {target} refuses inactive references"
            )
        ids = ", ".join(str(one["id"]) for one in active[:5])
        raise CoercionError(f"{len(active)} {spec.entity} have {criteria}: {ids}")

    def text_of(self, spec: Find, id_: object) -> str:
        """Returns the text by which a look-up found a record; "" if it did not."""
        names = tuple(spec.where)
        known = self._texts.get((spec.entity, names))
        if known is None and spec.entity in self._reference:
            known = {record["id"]: _text(record, names) for record in self._reference[spec.entity]}
            self._texts[spec.entity, names] = known
        return (known or {}).get(id_, "")

    def _find_index(self, entity: str, names: tuple[str, ...]) -> dict[str, list[Record]]:
        indexes = self._finds.setdefault(entity, {})
        if names not in indexes:
            if entity not in self._reference:
                self._reference[entity] = self.read(
                    entity, [], sorted(self._needs.get(entity, set(names)))
                )
            indexes[names] = find_index(self._reference[entity], names)
        return indexes[names]

    def units(
        self, ledger: LedgerSpec, append: AppendSpec, ids: Iterable[int], since: date
    ) -> dict[int, tuple[UnitRow, ...]]:
        """Unit rows by their service's id: those that end on the day before `since` or later."""
        found = read_unit_rows(self._target, append, ledger, ids, since)
        self.count += sum(len(rows) for rows in found.values())
        return found


def read_unit_rows(
    target: Target, append: AppendSpec, ledger: LedgerSpec, services: Iterable[int], since: date
) -> dict[int, tuple[UnitRow, ...]]:
    """Returns the unit rows that end on the day before `since` or later, by their service's id.

    Raises TargetError if the target cannot be read.
    """
    wanted = sorted(set(services))
    if not wanted:
        return {}
    names, spec = append.proof.rows, ledger.units
    before = since if since == date.min else since - DAY
    conditions = [Condition(spec.on.row, "in", wanted), Condition(names.end, "gte", before)]
    fields = sorted({names.start, names.end, names.units, spec.on.row, spec.posted} - {""})
    grouped: dict[int, list[Record]] = defaultdict(list)
    for record in target.read(spec.entity, conditions, fields):
        grouped[record[spec.on.row]].append(record)
    return {id_: unit_rows(records, names, spec.posted) for id_, records in grouped.items()}


def _having(records: Iterable[Record], name: str, ids: Collection[int]) -> Iterable[Record]:
    """Those of the records whose field has one of these ids."""
    return (record for record in records if record.get(name) in ids)


def _narrowed(records: Iterable[Record], fields: Iterable[str]) -> list[Record]:
    kept = {"id", *fields}
    return [{name: record[name] for name in record if name in kept} for record in records]


def _text(record: Record, names: Iterable[str]) -> str:
    """Returns the first of these values that is text: the others only narrow the search."""
    return next(
        (value for name in names if isinstance(value := record.get(name), str) and value), ""
    )
