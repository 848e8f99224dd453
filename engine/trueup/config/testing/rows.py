"""Completes the rows of a test: valid values for columns, rows that are referred to, and sums.

`read_rows` returns the rows as a test has them, `RowCompleter.complete` all rows with all columns.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.config.node import Node
from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.catalogue import Column, Field, Table, Type
from trueup.model.coerce import CoercionError, coerce, shown
from trueup.model.finding import Finding, Place, Severity
from trueup.model.suggestions import hint, unknown
from trueup.model.testing import GivenRow, RowDefaults

CODE = "test"
"""The code of findings about test files."""

MISSING = "missing"
"""`{missing: KEY}`: a look-up of a row that is not there, on purpose."""

_LONGEST_CHAIN = 10
"""Rows that are added for one another; more of them never come to an end."""


class RawRow(Struct, frozen=True):
    """A row as a test has it."""

    table: str
    key: str
    values: Mapping[str, Node]
    place: Place
    chain: tuple[tuple[str, str], ...] = ()  # table and key of the rows for which it was added


def fault(text: str, remedy: str, place: Place) -> Finding:
    """Returns an error in a test file."""
    return Finding(CODE, Severity.ERROR, text, remedy, place)


def read_rows(
    node: Node | None, tables: Mapping[str, Table], findings: list[Finding]
) -> list[RawRow]:
    """Returns the rows below `source` or `before`, checked for names, types and double keys."""
    rows: dict[tuple[str, str], RawRow] = {}
    for name, part in node.items() if node else ():
        table = tables.get(name)
        if table is None:
            findings.append(unknown(f"there is no table {name}", name, tables, part.key_place))
            continue
        for position, row in enumerate(part.parts() if part.data else ()):
            raw = _raw_row(table, row, position, findings)
            if (name, raw.key) in rows:
                text = f"{name} {raw.key} occurs twice"
                findings.append(fault(text, "give one of them another key", raw.place))
            rows[name, raw.key] = raw
    return [*rows.values()]


def _raw_row(table: Table, node: Node, position: int, findings: list[Finding]) -> RawRow:
    if not isinstance(node.data, dict):  # the key alone
        return RawRow(table.name, str(node.data), {}, node.place)
    values = {}
    for name, part in node.items():
        column = table.columns.get(name)
        if column is None:
            text = f"{table.name} has no column {name}"
            findings.append(unknown(text, name, table.columns, part.key_place))
        elif problem := _problem(column, part.data):
            findings.append(fault(f"{name}: {problem}", "", part.place))
        else:
            values[name] = part
    given = node.data.get(table.key)
    key = str(given) if given is not None else table.name + (f"-{position + 1}" if position else "")
    return RawRow(table.name, key, values, node.place)


def _problem(column: Column, value: object) -> str:
    """Returns what is wrong with the value of a column; "" if nothing is."""
    if isinstance(value, dict):
        is_missing = column.type is Type.LOOKUP and value.keys() == {MISSING}
        return "" if is_missing else "is a mapping; only a look-up takes {missing: KEY}"
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    wanted = ""
    match column.type:
        case _ if value is None:
            pass
        case Type.BOOLEAN if not isinstance(value, bool):
            wanted = "true or false"
        case Type.DAY if not isinstance(value, date):
            wanted = "a day such as 2026-11-01"
        case Type.INSTANT if not _is_instant(value):
            wanted = "a point in time such as 2026-11-01T09:30:00Z"
        case Type.INTEGER | Type.DECIMAL if not is_number:
            wanted = "a number"
        case Type.CHOICE if column.choices and value not in column.choices.values():
            known = [*column.choices.values()]
            remedy = hint(str(value), known) or f"known: {', '.join(known)}"
            return f"{shown(value)} is none of its choices; {remedy}"
    return f"write {wanted}" if wanted else ""


def _is_instant(value: object) -> bool:
    try:
        return bool(coerce(value, Field("", Type.INSTANT)))
    except CoercionError:
        return False


class RowCompleter(Struct):
    """Completes the rows of one test, and notes what is wrong with them."""

    tables: Mapping[str, Table]
    defaults: RowDefaults
    as_of: date
    findings: list[Finding]
    balanced: bool = True
    known: frozenset[tuple[str, str]] = frozenset()  # rows of another time, which may be named
    _rows: dict[tuple[str, str], RawRow] = {}
    _complete: dict[tuple[str, str], GivenRow] = {}

    def complete(self, raw: Iterable[RawRow]) -> tuple[GivenRow, ...]:
        """Returns all rows, also those that were added, in the order of tables and keys."""
        self._rows = {(row.table, row.key): row for row in raw}
        self._complete = {}
        waiting = [*self._rows.values()]
        while waiting:
            added = self._complete_row(waiting.pop(0))
            waiting += added
            if not waiting and self.balanced:
                waiting = self._balance()
        self._check_references()
        return tuple(self._complete[row] for row in sorted(self._complete))

    def _complete_row(self, row: RawRow) -> list[RawRow]:
        """Completes one row; returns the rows that are added because it refers to them."""
        table, added = self.tables[row.table], list[RawRow]()
        values: dict[str, object] = {}
        for name, column in table.columns.items():
            if name == table.key:
                values[name] = row.key
            elif name in row.values:
                values[name] = _value(row.values[name].data)
            elif column.type is Type.LOOKUP:
                values[name] = self._look_up(row, column, added)
            else:
                values[name] = self._default(row, column)
        added_for = bool(row.chain)
        given = GivenRow(row.table, row.key, values, row.place, added_for)
        self._complete[row.table, row.key] = given
        return added

    def _default(self, row: RawRow, column: Column) -> object:
        defaults = self.defaults.rows.get(row.table, {})
        if column.name in defaults:
            return self._evaluated(defaults[column.name], row)
        return _stand_in(column, row.key, self.as_of) if column.required else None

    def _evaluated(self, raw: object, row: RawRow) -> object:
        try:
            return evaluate(raw, {"key": row.key})
        except EVALUATION_ERRORS as error:
            text = f"the default {shown(raw)} of {row.table} cannot be evaluated: {error}"
            self.findings.append(fault(text, "correct tests/defaults.yaml", row.place))
            return None

    def _look_up(self, row: RawRow, column: Column, added: list[RawRow]) -> object:
        """The key of the row that a look-up refers to, where the test names none."""
        table = column.table or ""
        raw = self.defaults.rows.get(row.table, {}).get(column.name)
        if raw is not None:
            return self._added(row, table, str(self._evaluated(raw, row)), added)
        owners = [key for owner, key in row.chain if owner == table]
        if owners:
            return owners[-1]
        if not column.required:
            return None
        known = sorted(key for owner, key in self._rows if owner == table)
        if len(known) > 1:
            text = f"{row.table} {row.key} names no {column.name}, and there are {len(known)}"
            remedy = f"write {column.name}: {' or '.join(known)}"
            self.findings.append(fault(text, remedy, row.place))
            return None
        return known[0] if known else self._added(row, table, table, added)

    def _added(self, row: RawRow, table: str, key: str, added: list[RawRow]) -> str | None:
        """Adds a row for another one, unless it is there."""
        if (table, key) in self._rows:
            return key
        chain = (*row.chain, (row.table, row.key))
        if len(chain) > _LONGEST_CHAIN:
            text = "the defaults add rows without end: " + " → ".join(
                f"{owner} {name}"[:40] for owner, name in chain[:4]
            )
            remedy = "name a row in the test, or change the look-ups in tests/defaults.yaml"
            self.findings.append(fault(text, remedy, row.place))
            return None
        new = RawRow(table, key, {}, row.place, chain)
        self._rows[table, key] = new
        added.append(new)
        return key

    def _balance(self) -> list[RawRow]:
        """Adds a row for each sum that the rows do not give."""
        added: list[RawRow] = []
        for rule in self.defaults.balance:
            owner_table = self.tables[rule.table].columns[rule.of].table or ""
            parts = [row for row in self._complete.values() if row.table == rule.table]
            for (name, key), owner in sorted(self._complete.items()):
                total = owner.values.get(rule.equals)
                new = (rule.table, f"{key}-rest")
                if name != owner_table or not _is_number(total) or new in self._complete:
                    continue
                rest = Decimal(str(total)) - sum(
                    Decimal(str(row.values[rule.sum]))
                    for row in parts
                    if row.values[rule.of] == key and _is_number(row.values[rule.sum])
                )
                if rest:
                    row = RawRow(*new, {}, owner.place, ((name, key),))
                    self._rows[new] = row
                    self._complete_row(row)
                    values = {rule.of: key, rule.sum: rest, **rule.values}
                    complete = self._complete[new]
                    filled = replace(complete, values={**complete.values, **values})
                    self._complete[new] = filled
        return added

    def _check_references(self) -> None:
        """Reports look-ups of rows that are not there, where the test itself names them."""
        for row in self._rows.values():
            for name, node in row.values.items():
                column = self.tables[row.table].columns[name]
                if column.type is not Type.LOOKUP or node.data is None:
                    continue
                key = str(node.data)
                row_named = (column.table or "", key)
                if isinstance(node.data, dict) or row_named in {*self._complete, *self.known}:
                    continue
                known = [key for table, key in self._complete if table == column.table]
                text = f"there is no {column.table} {key}"
                remedy = hint(key, known) or "add the row"
                also = f"; {{missing: {key}}} refers to a row that is not there, on purpose"
                self.findings.append(fault(text, remedy + also, node.place))


def _value(data: Any) -> object:  # noqa: ANN401 -- any YAML
    return data[MISSING] if isinstance(data, dict) else data


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _stand_in(column: Column, key: str, as_of: date) -> object:
    """A valid value of a required column that neither the test nor the defaults name."""
    match column.type:
        case Type.TEXT | Type.LOOKUP:
            return f"{column.label or column.name} {key}"
        case Type.INTEGER | Type.DECIMAL:
            return 1
        case Type.BOOLEAN:
            return False
        case Type.DAY | Type.INSTANT:
            return as_of
        case Type.CHOICE:
            return next(iter(column.choices.values()), None)
