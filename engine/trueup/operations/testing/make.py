"""Makes a test from a row: the row and its relatives, its records, and the plan."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

from msgspec import Struct

from trueup import pipeline, wiring
from trueup.config.layout import formatted
from trueup.errors import ConfigError, EngineError
from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.namespace import Namespace
from trueup.model.catalogue import Type
from trueup.model.change import Action, Change
from trueup.model.coerce import CoercionError, coerce
from trueup.model.finding import Severity
from trueup.model.mapping import Find, MappingSpec, Reference
from trueup.model.mapping_state import Row
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.project_folder import TESTS
from trueup.operations.rows import known_rows, require_mapping, resolve_key
from trueup.operations.testing.files import load_new, usual_defaults
from trueup.operations.testing.made_file import as_yaml, header, new_file
from trueup.operations.testing.pseudonyms import Pseudonyms, goods_tables, region_of, settings_texts
from trueup.operations.testing.run import plan_test
from trueup.operations.testing.values import RowNames, in_cents
from trueup.planning.reading import read_source, read_unit_rows
from trueup.ports.target import Condition
from trueup.ports.world import World

RowId = tuple[str, str]
"""Table and key."""


class MadeTest(Struct, frozen=True):
    """A written test, and how its plan for the row differs from the tenant's."""

    file: Path
    difference: str = ""


def make_test(project: Project, mapping: str, text: str) -> MadeTest:
    """Writes a test of a row with its relatives; `text` is the row's key, its start or its name.

    Raises EngineError for an unknown row, and what reading both systems raises.
    """
    require_mapping(project, mapping)
    key = resolve_key(text, known_rows(project, mapping), mapping)
    with wiring.open_world(project) as world:
        plan = pipeline.plan(project, world)
        maker = _Maker(project, world, plan, mapping, key)
        given = maker.given()
    file, name = new_file(Path(project.root) / TESTS, mapping)
    document = {"test": name, "as_of": plan.as_of, **given}
    made, expect = _expected(project, {**document, "expect": {"plan": "nothing"}}, file)
    file.parent.mkdir(exist_ok=True)
    text = header(maker.goods) + as_yaml({**document, "expect": expect})
    file.write_bytes(formatted(text.encode(), file.name))
    real = _actions(plan, mapping, key)
    found = _actions(made, mapping, maker.keys[maker.start])
    differs = f"the plan of the test has `{found}` for this row, and that of the project `{real}`"
    return MadeTest(file, "" if real == found else differs)


class _Maker:
    """Collects a row, its relatives, and their records in the target."""

    def __init__(self, project: Project, world: World, plan: Plan, mapping: str, key: str) -> None:
        self._project, self._world, self._plan = project, world, plan
        self._tables = read_source(project, world.source).rows
        self._catalogue = project.catalogue.tables
        self._by_id: dict[RowId, Row] = {
            (name, str(row[self._catalogue[name].key])): row
            for name, rows in self._tables.items()
            for row in rows
        }
        self.start = (project.mappings[mapping].source.table, key)
        if self.start not in self._by_id:
            raise EngineError(f"{mapping} {key} cannot be read, so no test is made from it")
        self._rows = self._relatives(project.mappings[mapping])
        self.keys = _short_keys(self._rows)
        self._links = {
            row: link.record
            for row, link in world.state.load().links.items()
            if self._id_of(*row) in self._rows
        }
        self._defaults = usual_defaults(project)
        self._settings = {**project.settings, **self._defaults.settings}
        """Those of the test, before the e-mail addresses in them are replaced."""
        kept = (*settings_texts(project.settings), *settings_texts(self._settings))
        goods = goods_tables(project)
        self._names = Pseudonyms(frozenset(kept), goods)
        self.goods = sorted({table for table, _ in self._rows} & goods)
        self._replaced = self._replaced_rows()

    # Relatives

    def _relatives(self, mapping: MappingSpec) -> dict[RowId, Row]:
        """The row, the rows that its mapping joins, and all that these refer to."""
        found = {self.start: self._by_id[self.start]}
        self._add_joined(mapping, self.start, found)
        if mapping.append:
            spec = mapping.fields[mapping.append.in_turn].value
            if isinstance(spec, Reference):
                owner = self._project.mappings[spec.mapping]
                key = self._evaluated(mapping, spec.of.raw, self._by_id[self.start])
                row = (owner.source.table, str(key))
                if row in self._by_id:
                    found[row] = self._by_id[row]
                    self._add_joined(owner, row, found)
        waiting = [*found]
        while waiting:
            for row in self._references(waiting.pop()):
                if row in self._by_id and row not in found:
                    found[row] = self._by_id[row]
                    waiting.append(row)
        return found

    def _add_joined(self, mapping: MappingSpec, row: RowId, found: dict[RowId, Row]) -> None:
        related = self._namespace(mapping).names(self._by_id[row])["related"]
        for name, join in mapping.source.joins.items():
            table, joined = self._catalogue[join.table], related[name]
            for one in joined if isinstance(joined, list) else [joined]:
                if isinstance(one, dict) and (table.name, str(one.get(table.key))) in self._by_id:
                    row = (table.name, str(one[table.key]))
                    found[row] = self._by_id[row]

    def _namespace(self, mapping: MappingSpec) -> Namespace:
        plan = {"as_of": self._plan.as_of}
        return Namespace(mapping, self._tables, self._project.settings, plan)

    def _evaluated(self, mapping: MappingSpec, raw: object, row: Row) -> object:
        return _value(raw, self._namespace(mapping).names(row))

    def _references(self, row: RowId) -> Iterator[RowId]:
        for name, column in self._catalogue[row[0]].columns.items():
            value = self._by_id[row].get(name)
            if column.type is Type.LOOKUP and column.table and value is not None:
                yield column.table, str(value)

    def _id_of(self, mapping: str, key: str) -> RowId:
        spec = self._project.mappings.get(mapping)
        return (spec.source.table, key) if spec else ("", key)

    # What a test has of them

    def given(self) -> dict[str, Any]:
        """`settings`, `source` and `target` of the test."""
        source: dict[str, list[object]] = {}
        for (table, key), values in self._replaced.items():
            shown = self._shown(table, self.keys[table, key], values)
            source.setdefault(table, []).append(shown)
        usual = self._defaults.settings
        settings = {
            name: other
            for name, value in self._project.settings.items()
            if name not in usual and (other := self._names.setting(value)) != value
        }
        target = {
            "records": self._found_records(),
            "rows": self._linked(),
            "units": self._units(),
            "posted": self._posted,
        }
        held = {name: part for name, part in target.items() if part}
        return {
            **({"settings": settings} if settings else {}),
            "balance": False,
            "source": source,
            **({"target": held} if held else {}),
        }

    def _replaced_rows(self) -> dict[RowId, dict[str, object]]:
        """The rows with other texts; their keys and look-ups are still the real ones."""
        region = region_of(self._rows.values())
        return {
            id_: self._names.of(self._catalogue[id_[0]], row, region_of([row]) or region)
            for id_, row in self._rows.items()
        }

    def _shown(self, table: str, key: str, values: Mapping[str, object]) -> object:
        """The columns of a row that the defaults do not give."""
        spec, shown = self._catalogue[table], dict[str, object]()
        for name, value in values.items():
            if name == spec.key:
                continue
            default = self._defaults.rows.get(table, {}).get(name)
            usual = evaluate(default, {"key": key})
            if spec.columns[name].type is Type.LOOKUP and value is not None:
                row = (spec.columns[name].table or "", str(value))
                shown[name] = self.keys.get(row, {"missing": "elsewhere"})
            elif value != usual or (value is None and spec.columns[name].required):
                shown[name] = value
        return {spec.key: key, **shown} if shown else key

    def _found_records(self) -> dict[str, list[dict[str, object]]]:
        """Reference data that the mappings look up for these rows, and the defaults lack.

        The target is read with the values of the real rows. The test has the values that its own
        rows give, which are what its plan looks up, and name no person.
        """
        known = self._defaults.tenant.get("records")
        tenant: Mapping[str, Any] = known if isinstance(known, Mapping) else {}
        found: dict[str, list[dict[str, object]]] = {}
        for mapping in self._project.mappings.values():
            finds = [
                field.value for field in mapping.fields.values() if isinstance(field.value, Find)
            ]
            real, replaced = self._namespace(mapping), self._replaced_namespace(mapping)
            rows = [row for row in self._rows if row[0] == mapping.source.table]
            for row, find in product(rows, finds):
                sought = _values(find, real.names(self._rows[row]))
                given = _values(find, replaced.names(self._replaced[row]))
                if None in (*sought.values(), *given.values()) or given in found.get(
                    find.entity, []
                ):
                    continue
                values = self._as_sent(find.entity, given)
                if any(values.items() <= one.items() for one in tenant.get(find.entity, ())):
                    continue
                conditions = [
                    Condition(name, "eq", value)
                    for name, value in self._as_sent(find.entity, sought).items()
                ]
                fields = [one.field for one in conditions]
                if self._world.target.read(find.entity, conditions, fields):
                    found.setdefault(find.entity, []).append(given)
        return found

    def _replaced_namespace(self, mapping: MappingSpec) -> Namespace:
        """The names that expressions see in the test, but for keys, which join the same rows."""
        tables: dict[str, list[Row]] = {name: [] for name in self._catalogue}
        for (table, _), row in self._replaced.items():
            tables[table].append(row)
        settings = {name: self._names.setting(value) for name, value in self._settings.items()}
        usual = self._defaults.settings
        return Namespace(mapping, tables, {**settings, **usual}, {"as_of": self._plan.as_of})

    def _as_sent(self, entity: str, wanted: Mapping[str, object]) -> dict[str, object]:
        """Values as the target has them: numbers in the place of a picklist's labels."""
        described = self._world.target.entity(entity)
        sent = dict(wanted)
        for name, value in wanted.items():
            field = described.field(name)
            with suppress(CoercionError):  # a replaced text may be no label: then nothing is found
                sent[name] = coerce(value, field) if field else value
        return sent

    def _linked(self) -> dict[str, Any]:
        """The rows that have a record, with the fields that differ from what is planned."""
        differing: dict[RowId, dict[str, object]] = {}
        for change in self._plan.changes:
            if change.action is Action.UPDATE:
                fields = {field.field: self._field(field.before, field.shown_before)
                          for field in change.fields if field.before is not None}  # fmt: skip
                differing[change.mapping, change.keys[0]] = fields
        linked: dict[str, dict[str, object]] = {}
        for mapping, key in self._links:
            own = self.keys[self._id_of(mapping, key)]
            linked.setdefault(mapping, {})[own] = differing.get((mapping, key)) or None
        return linked

    def _field(self, value: object, shown: str) -> object:
        """A value of a record, with another text in the place of a name."""
        if isinstance(value, str):
            return self._names.known(value) or "Other text"
        records = {record: row for row, record in self._links.items()}
        if type(value) is int and value in records:
            mapping, key = records[value]
            return {mapping: self.keys[self._id_of(mapping, key)]}
        return shown if type(value) is int and not shown.isdecimal() else value

    def _units(self) -> dict[str, Any]:
        units: dict[str, Any] = {}
        self._posted: date | None = None
        for mapping, key in self._links:
            ledger = self._project.mappings[mapping].ledger
            append = self._project.mappings[ledger.pending].append if ledger else None
            if ledger is None or append is None:
                continue
            record = self._links[mapping, key]
            read = read_unit_rows(self._world.target, append, ledger, [record], date.min)
            steps: dict[str, int] = {}
            for row in read.get(record, ()):
                if not steps or [*steps.values()][-1] != row.units:
                    steps[str(row.start)] = row.units
                if row.posted:
                    self._posted = max(row.end, self._posted or row.end)
            units[self.keys[self._id_of(mapping, key)]] = steps or 0
        return units


def _value(raw: object, names: dict[str, Any]) -> object:
    try:
        return evaluate(raw, names)
    except EVALUATION_ERRORS:  # the row has no such relative then
        return None


def _values(find: Find, names: dict[str, Any]) -> dict[str, object]:
    return {name: _value(value.raw, names) for name, value in find.where.items()}


def _short_keys(rows: Iterable[RowId]) -> dict[RowId, str]:
    """Keys that identify no person: the table's name, with a number from the second row on."""
    keys: dict[RowId, str] = {}
    numbers: dict[str, int] = {}
    for table, key in rows:
        numbers[table] = numbers.get(table, 0) + 1
        suffix = f"-{numbers[table]}" if numbers[table] > 1 else ""
        keys[table, key] = f"{table}{suffix}"
    return keys


def _expected(
    project: Project, document: Mapping[str, Any], file: Path
) -> tuple[Plan, dict[str, Any]]:
    """The plan of the test, and what is expected of it."""
    tests, findings = load_new(project, file, as_yaml(document).encode())
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise ConfigError(errors)
    plan, comparison = plan_test(project, tests[0])
    names = RowNames.of(plan, comparison.records)
    changes: dict[str, list[dict[str, Any]]] = {}
    for change in plan.changes:
        if change.action is not Action.WRITE_BACK:
            key = str(change.action)
            changes.setdefault(key, []).append(_entry(change, names))
    findings_found = [
        {
            "code": finding.code,
            **({finding.mapping: finding.key} if finding.key else {}),
            "severity": str(finding.severity),
        }
        for finding in comparison.findings(plan)
    ]
    expect: dict[str, Any] = {"plan": changes or "nothing", "findings": findings_found or "none"}
    ledger = {
        line.key: {"class": str(line.class_), "quantity": line.quantity, "units": line.units,
                   "moved": line.moved, "held": line.held_units}
        for line in plan.ledger if line.key
    }  # fmt: skip
    if ledger:
        expect["ledger"] = ledger
        money = plan.summary
        sums = {"invoice": money.invoice.net, "run_rate": money.run_rate.net}
        expect["money"] = {one: in_cents(amount) for one, amount in sums.items()}
    if not plan.changes or not changes:
        expect["plan"] = "nothing" if not plan.changes else {}
    return plan, expect


def _entry(change: Change, names: RowNames) -> dict[str, Any]:
    """A change as a test expects it."""
    if change.adjustment:
        row, (before, after) = change.adjustment.row, change.units or (0, 0)
        return {row.mapping: row.key, "units": f"{before} → {after}", "on": change.adjustment.day}
    entry: dict[str, Any] = {change.mapping: change.keys[0]}
    if change.action is Action.LINK:
        return {**entry, "how": change.how}
    for field in change.fields:
        row_named = names.row(field.after)
        if row_named:
            entry[field.field] = {row_named[0]: row_named[1]}
        elif type(field.after) is int and field.shown_after != str(field.after):
            entry[field.field] = field.shown_after
        elif field.after is not None:
            entry[field.field] = field.after
    return entry


def _actions(plan: Plan, mapping: str, key: str) -> str:
    """What a plan does with a row, in words."""
    found = [
        str(change.action)
        for change in plan.changes
        if change.mapping == mapping and key in change.keys
    ]
    return " and ".join(sorted(found)) or "no change"
