"""Builds the content of both systems before a test's plan: rows, records, links and units.

`Fixture.build` fills a temporary world. The records of rows are made by the mappings themselves:
their values are those of a plan for the rows as they were before.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup import pipeline
from trueup.errors import ConfigError, EngineError
from trueup.model.change import Action, Change, Unknown
from trueup.model.coerce import CoercionError, coerce
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping import AppendSpec, MappingSpec, Reference, Value
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.model.run import Effects, Link, Run, RunStatus
from trueup.model.testing import GivenRow, GivenUnits, Posted, ProjectTest
from trueup.wiring import ThrowAway

ROWS, BEFORE = "rows", "before"
"""Folders with the exports: as they are, and as they were when the records were made."""

_FIRST_ID = 1001
_FIRST_GIVEN_ID = 9001
_MORNING = time(9, tzinfo=UTC)


class TestClock:
    """A clock at the morning of the test's day; waiting takes no time."""

    __test__ = False  # for pytest, which collects classes with such names

    def __init__(self, day: date) -> None:
        self._now = datetime.combine(day, _MORNING)

    def now(self) -> datetime:
        """The instant, in UTC."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Lets the time pass."""
        self._now += timedelta(seconds=seconds)

    def move_to(self, day: date) -> None:
        """Moves to the morning of a day, unless the time is later already."""
        self._now = max(self._now, datetime.combine(day, _MORNING))


class Fixture(Struct):
    """The content of both systems for one test. `records` are the ids of the rows' records.

    The mappings of `project` make the records of rows.
    """

    project: Project
    test: ProjectTest
    opened: ThrowAway
    records: dict[tuple[str, str], int] = {}  # by mapping and key
    written: dict[tuple[str, str], dict[str, object]] = {}
    """Columns that were written back when the records were made, by table and key."""

    def build(self) -> None:
        """Fills both systems and the state.

        Raises ConfigError for a row that cannot have a record, EngineError for data that the
        sandbox refuses.
        """
        test, sandbox = self.test, self.opened.sandbox
        target = test.target
        sandbox.load(as_json({"records": self._given_records(of_rows=False)}))
        if target.rows or target.all_of or target.units:
            self._make_records()
        rows = map(self._written_back, test.rows)
        write_exports(self.opened.folder / ROWS, self._tables, rows)
        sandbox.load(as_json({"records": self._given_records(of_rows=True)}))

    @property
    def _tables(self) -> Iterable[str]:
        return self.project.catalogue.tables

    def _make_records(self) -> None:
        write_exports(self.opened.folder / BEFORE, self._tables, self.test.before)
        project = _without_matching(self.project)
        options = pipeline.PlanOptions(as_of=self.test.as_of)
        plan = pipeline.plan(project, self.opened.world(BEFORE), options)
        changes = self._wanted(plan)
        ids = {change.id: _FIRST_ID + number for number, change in enumerate(changes)}
        self.records = {(one.mapping, one.keys[0]): ids[one.id] for one in changes}
        values = {one.id: self._values(one, ids) for one in changes}
        seed: dict[str, Any] = {"records": {}}
        for change in changes:
            record = {"id": ids[change.id], **values[change.id]}
            seed["records"].setdefault(change.entity, []).append(record)
        seed["adjustments"] = [*self._adjustments(values, ids)]
        seed["posted_until"] = posted_until(self.project, self.test.target.posted, self.records)
        self.opened.sandbox.load(as_json(seed))
        if self.test.target.linked:
            self._link(changes, values, ids)
        for change in plan.changes:
            if change.action is Action.WRITE_BACK and not change.marks_changes:
                self._note_write_back(change, ids)

    def _note_write_back(self, change: Change, ids: Mapping[str, int]) -> None:
        """Stores the values that the columns with write-backs have in a row."""
        if (change.mapping, change.keys[0]) not in self.records:
            return
        columns = self.written.setdefault((change.entity, change.keys[0]), {})
        for name, value in change.values.items():
            columns[name] = ids[value.change] if isinstance(value, Unknown) else value

    def _written_back(self, row: GivenRow) -> GivenRow:
        """Returns the row with the values that were written back when its record was made."""
        written = self.written.get((row.table, row.key), {})
        empty = {name: value for name, value in written.items() if row.values[name] is None}
        return replace(row, values={**row.values, **empty}) if empty else row

    def _wanted(self, plan: Plan) -> list[Change]:
        """The creates of the rows that have a record, and of those that they refer to."""
        target = self.test.target
        creates = {
            (one.mapping, one.keys[0]): one for one in plan.changes if one.action is Action.CREATE
        }
        wanted = {row for row in creates if row[0] in target.all_of}
        named: list[tuple[str, str, Place]] = [
            *((one.mapping, one.key, one.place) for one in target.rows),
            *((unit.mapping, unit.key, unit.place) for unit in target.units),
        ]
        for mapping, key, place in named:
            if (mapping, key) not in creates:
                raise ConfigError([_no_record(plan, mapping, key, place)])
            wanted.add((mapping, key))
        by_id = {create.id: create for create in creates.values()}
        found: dict[str, Change] = {}
        waiting = [creates[row] for row in wanted]
        while waiting:
            change = waiting.pop()
            found[change.id] = change
            unknown = [value for value in change.values.values() if isinstance(value, Unknown)]
            waiting += [by_id[one.change] for one in unknown if one.change not in found]
        found |= self._added(creates.values(), found)
        return [one for one in plan.changes if one.id in found]

    def _added(self, creates: Iterable[Change], found: Mapping[str, Change]) -> dict[str, Change]:
        """Creates of rows that were added for others, and refer only to rows with a record."""
        mappings = self.project.mappings
        added = {(row.table, row.key) for row in self.test.before if row.added}
        more = {}
        for change in creates:
            needed = [
                value.change for value in change.values.values() if isinstance(value, Unknown)
            ]
            table = mappings[change.mapping].source.table
            if needed and (table, change.keys[0]) in added and {*needed} <= found.keys():
                more[change.id] = change
        return more

    def _values(self, change: Change, ids: Mapping[str, int]) -> dict[str, Any]:
        """The fields of a record: what its mapping gives, and what the test changes in them."""
        given = [
            (row.values, row.place)
            for row in self.test.target.rows
            if (row.mapping, row.key) == (change.mapping, change.keys[0])
        ]
        values = {
            name: ids[value.change] if isinstance(value, Unknown) else value
            for name, value in change.values.items()
        }
        for other, place in given:
            values |= self._coerced(change.entity, other, place)
        return values

    def _coerced(self, entity: str, values: Mapping[str, object], place: Place) -> dict[str, Any]:
        """Values as the target stores them: labels of picklists and rows become numbers."""
        described = self.opened.target.entity(entity)
        coerced: dict[str, Any] = {}
        for name, value in values.items():
            known = described.field(name)
            if isinstance(value, Mapping):
                coerced[name] = self._record_of(value, place)
            elif value is None or known is None or name == "id":
                coerced[name] = value
            else:
                try:
                    coerced[name] = coerce(value, known)
                except CoercionError as error:
                    raise ConfigError([_fault(f"{name}: {error}", "", place)]) from None
        return coerced

    def _record_of(self, row: Mapping[str, object], place: Place) -> int:
        """The record of a row that a field names as `{MAPPING: KEY}`."""
        for mapping, key in row.items():
            if (mapping, str(key)) in self.records:
                return self.records[mapping, str(key)]
        named = ", ".join(f"{mapping} {key}" for mapping, key in row.items())
        remedy = "name it under target.rows as well"
        raise ConfigError([_fault(f"{named} has no record", remedy, place)])

    def _given_records(self, *, of_rows: bool) -> dict[str, list[dict[str, Any]]]:
        """The records of the test that refer to records of rows, or those that do not."""
        next_id = _FIRST_GIVEN_ID
        seed: dict[str, list[dict[str, Any]]] = {}
        for entity, records in self.test.target.records.items():
            for values in records:
                if of_rows == any(isinstance(value, Mapping) for value in values.values()):
                    coerced = self._coerced(entity, values, self.test.place)
                    seed.setdefault(entity, []).append({"id": next_id, **coerced})
                next_id += 1
        return seed

    def _adjustments(
        self, values: Mapping[str, Mapping[str, Any]], ids: Mapping[str, int]
    ) -> Iterator[dict[str, Any]]:
        """The adjustments that give the units of the test."""
        by_row = {self.records[row]: row for row in self.records}
        records = {ids[change]: one for change, one in values.items()}
        for given in self.test.target.units:
            mapping = self.project.mappings[given.mapping]
            _, append = adjustments_of(self.project, mapping)
            record = self.records[given.mapping, given.key]
            start = _contract_start(mapping, records[record], records, by_row)
            units = 0
            for day, wanted in sorted(given.steps.items(), key=lambda one: one[0] or date.min):
                if wanted != units:
                    yield adjustment(append, record, _day(day or start, given), wanted - units)
                units = wanted

    def _link(
        self,
        changes: Sequence[Change],
        values: Mapping[str, Mapping[str, Any]],
        ids: Mapping[str, int],
    ) -> None:
        """Records in the state that the rows are these records, and what was written last."""
        applied: dict[tuple[str, str], Mapping[str, object]] = {}
        for change in changes:
            owned = {
                name: ids[value.change] if isinstance(value, Unknown) else value
                for name, value in change.owned.items()
            }
            kept = {name: values[change.id][name] for name in owned if name in values[change.id]}
            applied[change.mapping, change.keys[0]] = {**owned, **kept}
        links = tuple(
            Link(one.mapping, one.keys[0], one.entity, ids[one.id], "created") for one in changes
        )
        opened, now = self.opened, self.opened.clock.now()
        systems = {"source": "", "target": opened.target.identity()}
        run = Run("fixture", "", "", "test", "", now, systems=systems)
        lease = opened.state.acquire("test")
        opened.state.begin(run, lease)
        opened.state.record(lease, run.id, (), Effects(links=links, applied=applied))
        opened.state.finish(lease, run.id, RunStatus.DONE, now)
        opened.state.release(lease)


def first_seed(test: ProjectTest) -> dict[str, Any]:
    """Returns what the target holds before a test's own records: most tests begin with the same."""
    seed: dict[str, Any] = as_json({**test.tenant, "clock": standing_at(test.as_of)})
    return seed


def standing_at(day: date) -> dict[str, str]:
    """Returns the clock of a sandbox that stands on the morning of a day."""
    return {"stands": datetime.combine(day, _MORNING).isoformat()}


def write_exports(folder: Path, names: Iterable[str], rows: Iterable[GivenRow]) -> None:
    """Writes one JSON file for each table, also for tables without rows."""
    folder.mkdir()
    tables: dict[str, list[Mapping[str, object]]] = {name: [] for name in names}
    for row in rows:
        tables[row.table].append(row.values)
    for table, listed in tables.items():
        text = json.dumps(as_json(listed))
        (folder / f"{table}.json").write_text(text, encoding="utf-8")


def as_json(value: Any) -> Any:  # noqa: ANN401 -- any value of a row, a record or a seed
    """Returns the value as JSON stores it."""
    match value:
        case Mapping():
            return {name: as_json(part) for name, part in value.items()}
        case list() | tuple():
            return [as_json(part) for part in value]
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case date():
            return value.isoformat()
        case _:
            return value


def _without_matching(project: Project) -> Project:
    """Returns the project without matching, blocking and decisions, to make all records."""
    auto = Value("auto", Place(""))
    mappings = {
        name: replace(mapping, create=auto, successor_of=None, match=(), similar=(), evidence=())
        for name, mapping in project.mappings.items()
    }
    return replace(project, mappings=mappings, rules=(), decisions=())


def adjustments_of(project: Project, mapping: MappingSpec) -> tuple[str, AppendSpec]:
    """Returns the entity that adjusts units of a mapping's records, and how it is appended.

    Raises EngineError for a mapping without a ledger.
    """
    pending = project.mappings[mapping.ledger.pending] if mapping.ledger else None
    if pending is None or pending.append is None:
        raise EngineError(f"units of {mapping.name} are not adjusted: it has no ledger")
    return pending.target.entity, pending.append


def adjustment(append: AppendSpec, record: int, day: date, units: int) -> dict[str, object]:
    """Returns the fields of an adjustment by so many units from a day on."""
    return {append.service_field: record, append.day_field: day, append.units_field: units}


def posted_until(
    project: Project, posted: Iterable[Posted], records: Mapping[tuple[str, str], int]
) -> dict[str, date]:
    """Returns the last posted day by the id of a contract, as a seed of the sandbox has it."""
    owners = {
        one.ledger.periods.start.mapping
        for one in project.mappings.values()
        if one.ledger and one.ledger.periods
    }
    until: dict[str, date] = {}
    for given in posted:
        for (mapping, key), record in records.items():
            is_meant = (mapping, key) == (given.mapping, given.key)
            if is_meant or (not given.mapping and mapping in owners):
                until[str(record)] = given.until
    return until


def _contract_start(
    mapping: MappingSpec,
    record: Mapping[str, Any],
    records: Mapping[int, Mapping[str, Any]],
    by_row: Mapping[int, tuple[str, str]],
) -> date | None:
    """The first day on which a record is billed."""
    if mapping.ledger is None or mapping.ledger.periods is None:
        return None
    owner, name = mapping.ledger.periods.start
    for field_name, spec in mapping.fields.items():
        if isinstance(spec.value, Reference) and spec.value.mapping == owner:
            id_ = record.get(field_name)
            if isinstance(id_, int) and by_row.get(id_, ("",))[0] == owner:
                start = records[id_].get(name)
                return start if isinstance(start, date) else None
    return None


def _day(day: date | None, given: GivenUnits) -> date:
    if day is None:
        text = f"the first day of {given.mapping} {given.key} is unknown"
        raise ConfigError([_fault(text, "give the units by day", given.place)])
    return day


def _no_record(plan: Plan, mapping: str, key: str, place: Place) -> Finding:
    """Why a row can have no record."""
    for blocked in plan.blocked:
        if (blocked.mapping, blocked.key) == (mapping, key):
            why = "; ".join(finding.text for finding in blocked.findings)
            text = f"{mapping} {key} can have no record: {why}"
            return _fault(text, "give the columns under `before` as they were then", place)
    text = f"{mapping} {key} can have no record: the mapping leaves the row out"
    return _fault(text, "give the columns under `before` as they were then", place)


def _fault(text: str, remedy: str, place: Place) -> Finding:
    return Finding("test", Severity.ERROR, text, remedy, place)
