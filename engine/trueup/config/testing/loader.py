"""Loads the tests of a project: every fault of every file is reported, with its place."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from trueup.config.checked_document import CheckedDocument
from trueup.config.days import parse_day
from trueup.config.documents import parse, read
from trueup.config.node import Node
from trueup.config.schema import Schemas
from trueup.config.specs import DAY_SETTINGS
from trueup.config.testing.adaptations import parse_policies, parse_test_guards
from trueup.config.testing.expectations import ExpectationParser
from trueup.config.testing.rows import CODE, RowCompleter, fault, read_rows
from trueup.config.testing.steps import StepParser, decisions_of
from trueup.config.testing.target import Names, parse_target
from trueup.config.testing.test_file import TestFile
from trueup.model.coerce import shown
from trueup.model.finding import Finding, Place, Severity
from trueup.model.project import Project
from trueup.model.suggestions import few_searches, unknown
from trueup.model.testing import BalanceRule, ProjectTest, RowDefaults


def load_tests(
    project: Project, files: Sequence[TestFile], shipped: Path
) -> tuple[list[ProjectTest], list[Finding]]:
    """Returns the tests of these files, in their order, and what is wrong.

    `shipped` is the folder with the schemas that ship with trueup.
    """
    with few_searches():
        return _Loader(project, Schemas(shipped)).load(files)


def load_defaults(
    project: Project, file: TestFile, shipped: Path
) -> tuple[RowDefaults, list[Finding]]:
    """Returns the defaults in a file, and what is wrong with them."""
    with few_searches():
        return _Loader(project, Schemas(shipped)).load_defaults(file)


class _Loader:
    def __init__(self, project: Project, schemas: Schemas) -> None:
        self._project, self._schemas = project, schemas
        self._findings: list[Finding] = []
        self._defaults = RowDefaults(None, {}, (), {})
        self._settings: dict[str, object] = {}  # of all tests, where they differ

    def load(self, files: Sequence[TestFile]) -> tuple[list[ProjectTest], list[Finding]]:
        tests: dict[str, ProjectTest] = {}
        begun: TestFile | None = None
        for file in files:
            if file.defaults and file.defaults != begun:
                begun = file.defaults
                self._begin(begun)
            for checked in self._checked(file, "test"):
                test = self._test(Node(checked.document, checked.data))
                if test.name in tests:
                    text = f"a test of this name is at {tests[test.name].place} already"
                    self._findings.append(fault(text, "give it another name", test.place))
                tests.setdefault(test.name, test)
        return [*tests.values()], self._ordered()

    def load_defaults(self, file: TestFile) -> tuple[RowDefaults, list[Finding]]:
        self._begin(file)
        return self._defaults, self._ordered()

    def _begin(self, defaults: TestFile) -> None:
        """Reads the defaults of the tests that follow."""
        self._defaults, self._settings = RowDefaults(None, {}, (), {}), {}
        for checked in self._checked(defaults, "test_defaults"):
            node = Node(checked.document, checked.data)
            self._settings = self._parse_settings(node.get("settings"))
            self._defaults = self._parse_defaults(node)

    def _ordered(self) -> list[Finding]:
        return sorted({*self._findings}, key=lambda one: (one.place or Place(""), one.text))

    def _checked(self, file: TestFile, kind: str) -> Iterator[CheckedDocument]:
        read_file = read(file.path, file.name) if file.text is None else parse(file.text, file.name)
        documents, findings = read_file
        self._findings += findings
        if not documents and not findings:
            warning = Finding(CODE, Severity.WARNING, "this file is empty", "", Place(file.name))
            self._findings.append(warning)
        for document in documents:
            if document.data is None:
                continue
            checked = self._schemas.check(document, kind)
            self._findings += checked.findings
            if checked.data is not None and (kind != "test" or _is_whole(checked.data)):
                yield checked

    def _test(self, node: Node) -> ProjectTest:
        as_of = self._as_of(node)
        balance = node.get("balance")
        tables = self._project.catalogue.tables
        raw = read_rows(node.get("source"), tables, self._findings)
        earlier = read_rows(node.get("before"), tables, self._findings)
        now = {(row.table, row.key): row for row in raw}
        tables_before = {row.table for row in earlier}
        merged = [row for row in raw if row.table not in tables_before]
        for row in earlier:
            values = now[row.table, row.key].values if (row.table, row.key) in now else {}
            merged.append(replace(row, values={**values, **row.values}))

        balanced = balance is None or bool(balance.data)
        completer = RowCompleter(tables, self._defaults, as_of, self._findings, balanced)
        rows = before = completer.complete(raw)
        if earlier:
            known = frozenset((row.table, row.key) for row in rows)
            before = replace(completer, known=known).complete(merged)
        names = Names.of(self._project, rows, self._findings)
        names_before = Names.of(self._project, (*rows, *before), self._findings)
        target = parse_target(node.get("target"), names_before)
        parser = ExpectationParser(names, target, names_before)
        test = ProjectTest(
            name=str(node["test"].data),
            place=node["test"].place,
            as_of=as_of,
            rows=rows,
            before=before,
            target=target,
            expect=parser.parse(node["expect"]),
            settings=self._parse_settings(node.get("settings")),
            decisions=decisions_of(node, self._project, self._findings),
            policies=parse_policies(node.get("policy"), self._project, self._findings),
            guards=parse_test_guards(node.get("guards"), self._project, self._findings),
            tenant=self._defaults.tenant,
        )
        if "then" not in node:
            return test
        steps = StepParser(test, self._project, raw, completer).parse(node["then"])
        return replace(test, then=tuple(steps))

    def _as_of(self, node: Node) -> date:
        given = node.get("as_of")
        day = parse_day(given.data) if given else self._defaults.as_of
        if day is None:
            text = "the test names no day"
            self._findings.append(fault(text, "write as_of: 2026-11-15", node["test"].place))
        return day or date(2026, 1, 1)

    def _parse_settings(self, node: Node | None) -> dict[str, object]:
        """The settings that differ; those of a mapping are put into the project's own one."""
        settings = dict(self._settings)
        for name, part in node.items() if node else ():
            if name not in self._project.settings:
                text, known = f"there is no setting {name}", self._project.settings
                self._findings.append(unknown(text, name, known, part.key_place))
                continue
            own = settings.get(name, self._project.settings[name])
            day = parse_day(part.data) if name in DAY_SETTINGS else None
            if name in DAY_SETTINGS and day is None and part.data is not None:
                text = f"{name}: {shown(part.data)} is not a day"
                self._findings.append(fault(text, "write a day such as 2026-11-01", part.place))
                continue
            if isinstance(own, Mapping) and isinstance(part.data, Mapping):
                settings[name] = {**own, **part.data}
            elif name in DAY_SETTINGS:
                settings[name] = day
            else:
                settings[name] = part.data
        return settings

    # Defaults

    def _parse_defaults(self, node: Node) -> RowDefaults:
        as_of, source, balance, target = (
            node.get(name) for name in ("as_of", "source", "balance", "target")
        )
        tables = self._project.catalogue.tables
        rows: dict[str, dict[str, object]] = {}
        for name, part in source.items() if source else ():
            if name not in tables:
                text = f"there is no table {name}"
                self._findings.append(unknown(text, name, tables, part.key_place))
                continue
            for column, value in part.items():
                if column not in tables[name].columns:
                    text, known = f"{name} has no column {column}", tables[name].columns
                    self._findings.append(unknown(text, column, known, value.key_place))
            rows[name] = {
                column: value
                for column, value in part.data.items()
                if column in tables[name].columns
            }
        rules = (self._balance(part) for part in balance.parts()) if balance else ()
        return RowDefaults(
            as_of=parse_day(as_of.data) if as_of else None,
            rows=rows,
            balance=tuple(rule for rule in rules if rule),
            tenant=_tenant(target.data) if target else {},
            settings=self._settings,
        )

    def _balance(self, node: Node) -> BalanceRule | None:
        tables = self._project.catalogue.tables
        table = tables.get(node["table"].data)
        if table is None:
            text, name = f"there is no table {node['table'].data}", str(node["table"].data)
            self._findings.append(unknown(text, name, tables, node["table"].place))
            return None
        owner = tables.get((table.columns[node["of"].data].table or "")
                           if node["of"].data in table.columns else "")  # fmt: skip
        for key, columns in (("of", table), ("sum", table), ("equals", owner)):
            name = str(node[key].data)
            if columns is not None and name not in columns.columns:
                text, known = f"{columns.name} has no column {name}", columns.columns
                self._findings.append(unknown(text, name, known, node[key].place))
                return None
        if owner is None:
            text = f"{table.name}.{node['of'].data} is no look-up"
            self._findings.append(fault(text, "name a look-up", node["of"].place))
            return None
        values = node.get("with")
        return BalanceRule(
            table.name,
            str(node["of"].data),
            str(node["sum"].data),
            str(node["equals"].data),
            dict(values.data) if values else {},
        )


def _tenant(data: Mapping[str, Any]) -> dict[str, object]:
    """The seed of the target that all tests have."""
    fields = data.get("user_defined_fields", {})
    named = {entity: [{"name": name} for name in names] for entity, names in fields.items()}
    return {**data, **({"user_defined_fields": named} if named else {})}


def _is_whole(data: object) -> bool:
    return isinstance(data, Mapping) and bool(data.get("test")) and bool(data.get("expect"))
