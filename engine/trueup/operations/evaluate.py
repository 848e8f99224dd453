"""Evaluates expressions on a row of the source, to try them out. Reads only the source."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from trueup import wiring
from trueup.config.checks.context import CheckContext
from trueup.config.checks.expressions import check_expression
from trueup.errors import ConfigError, EngineError
from trueup.expressions import EVALUATION_ERRORS, as_text, evaluate
from trueup.expressions.completion import completions
from trueup.expressions.error_messages import kind_of
from trueup.expressions.filter_reference import filter_reference
from trueup.expressions.namespace import Namespace
from trueup.expressions.used_values import row_values, seen_values, used_values
from trueup.model.arguments import require_text
from trueup.model.evaluation import Evaluation, NamedValue, RowView, SourceRow
from trueup.model.filter_help import FilterHelp
from trueup.model.finding import Place, Severity
from trueup.model.mapping import MappingSpec, Value, is_code
from trueup.model.mapping_state import Row
from trueup.model.project import Project
from trueup.model.rule_scopes import RuleOn
from trueup.operations.arguments import require_common
from trueup.operations.rows import require_mapping, resolve_key
from trueup.operations.source_places import with_places
from trueup.planning.needs import columns, value_columns
from trueup.planning.reading import Tables, read_tables
from trueup.planning.selection.row_names import matching_keys
from trueup.ports.source import Source

EXPRESSION = "expression"
"""The name, in messages, of the text of an expression that is in no file."""


def evaluate_expression(project: Project, mapping: str, key: str, expression: str) -> Evaluation:
    """Evaluates an expression or a template on one row.

    `key` is the row's key, a unique start of it, or its name. Text without braces is an expression.
    Raises ConfigError for an expression that is not valid, and EngineError for an unknown mapping
    or row, and for an expression that fails on this row.
    """
    require_common(project)
    for name, text in (("mapping", mapping), ("key", key), ("expression", expression)):
        require_text(name, text)
    with open_row(project, mapping, key) as row:
        return row.evaluate(expression)


def list_filters() -> Sequence[FilterHelp]:
    """Returns every filter of expressions, with an example and its result."""
    return filter_reference()


@contextmanager
def open_row(project: Project, mapping: str, key: str) -> Iterator["OpenRow"]:
    """Returns one row, to evaluate several expressions on it. Raises EngineError if unknown."""
    require_mapping(project, mapping)
    with wiring.connections(project) as opened:
        yield OpenRow(project, project.mappings[mapping], opened.source(), key)


class OpenRow:
    """One row of a mapping, with the tables that its expressions use.

    A column that no file of the project names is read when an expression first uses it.
    """

    def __init__(self, project: Project, mapping: MappingSpec, source: Source, key: str) -> None:
        """Reads the tables. Raises EngineError for an unknown or ambiguous row."""
        self._project, self._mapping, self._source = project, mapping, source
        self._seen: Mapping[str, Any] = {}
        self._day = project.as_of or wiring.SystemClock().now().astimezone(project.zone).date()
        self._checks = CheckContext(
            project.catalogue, project.mappings, frozenset(project.mappings), project.settings
        )
        self._shapes = self._checks.of_row(mapping)
        known = columns(project)
        joined = (join.table for join in mapping.source.joins.values())
        self._columns = {name: known[name] for name in {mapping.source.table, *joined}}
        self._read()
        self.key = self._resolve(key)

    @property
    def mapping(self) -> MappingSpec:
        """The mapping of the row."""
        return self._mapping

    @property
    def source(self) -> Source:
        """Where the row was read."""
        return self._source

    def see(self, on: RuleOn, names: Mapping[str, Any]) -> None:
        """Sets the names that expressions see, as rules of a scope see them."""
        self._shapes = self._checks.of_scope(on, self._mapping)
        self._seen = {
            name: value for name, value in names.items() if name not in {"source", "related"}
        }

    def names(self) -> dict[str, Any]:
        """The names that expressions see."""
        return self._names(self._rows[self.key])

    @property
    def name(self) -> str:
        """The display name of the row."""
        return self._label(self.key, self._rows[self.key])

    def view(self) -> RowView:
        """Returns all columns and joins of the row that the project names. Raises SourceError."""
        names = self._names(self._rows[self.key])
        own, joins, others = row_values(self._mapping, self._project.catalogue, names)
        others += seen_values(self._seen)
        view = RowView(
            mapping=self._mapping.name,
            key=self.key,
            name=self.name,
            row=SourceRow(self._mapping.source.table, self.key),
            columns=tuple(own),
            joins=tuple(joins),
            others=tuple(others),
        )
        return with_places(view, self._source)

    def evaluate(self, expression: str) -> Evaluation:
        """Evaluates one expression or template. Raises as `evaluate_expression` does."""
        text = expression if is_code(expression) else f"{{{{ {expression} }}}}"
        value = Value(text, Place(EXPRESSION, 1, 1))
        checked = check_expression(value, self._shapes, guarded=True)
        if errors := [
            finding for finding in checked.findings if finding.severity is Severity.ERROR
        ]:
            raise ConfigError(errors)
        self._read_also(value)

        names = self._names(self._rows[self.key])
        uses = used_values([text], self._mapping, self._project.catalogue, names)
        try:
            result = evaluate(text, names)
        except EVALUATION_ERRORS as fault:
            raise EngineError(
                f"{value.place}: cannot be evaluated: {fault}{_with(uses)}"
            ) from fault
        found = Evaluation(expression, result, kind_of(result), uses)
        return with_places(found, self._source)

    def complete(self, text: str) -> Sequence[str]:
        """Returns the completions of an expression, each as a whole last word."""
        return completions(text, self._mapping, self._project.catalogue, self._project.settings)

    def _read_also(self, value: Value) -> None:
        """Reads columns that the value names and that were not read before."""
        missing = False
        for table, names in value_columns(self._mapping, [value]).items():
            new = (
                names & self._project.catalogue.tables[table].columns.keys() - self._columns[table]
            )
            self._columns[table] |= new
            missing = missing or bool(new)
        if missing:
            self._read()

    def _read(self) -> None:
        tables = read_tables(self._project, self._source, self._columns)
        table = self._project.catalogue.tables[self._mapping.source.table]
        unreadable = tables.unreadable.get(table.name)
        self._rows: dict[str, Row] = {row[table.key]: row for row in tables.rows[table.name]}
        if unreadable:
            self._rows |= {key: one.row for key, one in unreadable.rows.items()}
        self._namespace = self._namespace_of(tables)

    def _namespace_of(self, tables: Tables) -> Namespace:
        return Namespace(
            self._mapping,
            tables.rows,
            self._project.settings,
            {"as_of": self._day},
            tables.unreadable,
        )

    def _names(self, row: Row) -> dict[str, Any]:
        return {**self._namespace.names(row), **self._seen}

    def _resolve(self, text: str) -> str:
        """Returns the key of a row that is given by key, by its name in plans, or by its title."""
        if text in self._rows:
            return text
        labels = {key: self._label(key, row) for key, row in self._rows.items()}
        title = self._project.catalogue.tables[self._mapping.source.table].title
        titles = {key: as_text(row.get(title)) for key, row in self._rows.items()}
        names = labels if matching_keys(text, labels) else {**titles}
        return resolve_key(
            text, names if matching_keys(text, names) else labels, self._mapping.name
        )

    def _label(self, key: str, row: Row) -> str:
        title = self._project.catalogue.tables[self._mapping.source.table].title
        raw = self._mapping.label.raw if self._mapping.label else f"{{{{ source.{title} }}}}"
        try:
            return as_text(evaluate(raw, self._names(row))) or key
        except EVALUATION_ERRORS:  # a label only names the row: its key does so as well
            return key


def _with(uses: Iterable[NamedValue]) -> str:
    """Returns the values that a failing expression used, as the end of a message."""
    shown = [f"{use.name} is {use.unreadable or as_text(use.value) or 'none'}" for use in uses]
    return f" ({'; '.join(shown)})" if shown else ""
