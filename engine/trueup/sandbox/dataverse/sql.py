"""Compiles the SQL of `GET <set>?sql=…`: one SELECT of columns of one table.

`SELECT [TOP n] columns FROM table [alias] [WHERE …] [ORDER BY …]`, with comparisons, `LIKE`, `IN`,
`BETWEEN`, `IS NULL`, `AND`, `OR`, `NOT`. Joins, aggregates, aliases of columns, `SELECT *` and
everything else are refused. As in standard SQL, a comparison with no value is false.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from trueup.sandbox.dataverse.fetch_xml import FetchQuery, OrderKey, condition_test
from trueup.sandbox.dataverse.filters import DEEPEST, Test
from trueup.sandbox.dataverse.query_options import LARGEST_PAGE, whole_number
from trueup.sandbox.dataverse.responses import DataverseError
from trueup.sandbox.dataverse.row_fields import RowFields
from trueup.sandbox.dataverse.schema import TableDefinition

Item = TypeVar("Item")

LONGEST = 32 * 1024  # characters
_TOKENS = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>N?'(?:[^']|'')*')
    |(?P<number>-?\d+(?:\.\d+)?)
    |(?P<name>(?:\[?[A-Za-z_]\w*\]?\.)?\[?[A-Za-z_]\w*\]?)
    |(?P<mark><>|!=|<=|>=|[=<>(),])""",
    re.VERBOSE,
)
_COMPARISONS = {
    "=": "eq", "<>": "ne", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
}  # fmt: skip
_WORDS = frozenset(
    ("select", "top", "from", "where", "order", "by", "and", "or", "not", "in", "like", "between",
     "is", "null", "asc", "desc", "distinct", "join", "group", "having", "as", "union", "inner",
     "left", "on")
)  # fmt: skip


def compile_sql(text: str, table: TableDefinition, fields: RowFields) -> FetchQuery:
    """Compiles a query of one table. Raises `DataverseError` if it is wrong or not supported."""
    return _Parser(text, table, fields).whole()


class _Token(Struct, frozen=True):
    kind: str
    text: str

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind in ("name", "mark") else ""


class _Parser:
    """Reads one statement from left to right."""

    def __init__(self, text: str, table: TableDefinition, fields: RowFields) -> None:
        self._table = table
        self._fields = fields
        self._tokens = _split(text)
        self._next = 0
        self._depth = 0
        self._names = {table.logical}  # that may stand before a column

    def whole(self) -> FetchQuery:
        self._expect("select")
        top = None
        if self._take("top"):
            in_parentheses = self._take("(")
            top = whole_number("TOP", self._token("number"))
            if in_parentheses:
                self._expect(")")
        columns = self._listed(lambda: self._token("name"))
        self._expect("from")
        self._from()
        test = self._any() if self._take("where") else _every
        orders: list[tuple[OrderKey, bool]] = []
        if self._take("order"):
            self._expect("by")
            orders = self._listed(self._order)
        if self._peek() is not None:
            raise self._wrong()
        return FetchQuery(
            [self._wire(name) for name in columns],
            test,
            orders,
            min(top or LARGEST_PAGE, LARGEST_PAGE),
            1,
            limited=top is not None,
            counted=False,
        )

    def _from(self) -> None:
        if self._token("name").strip("[]").lower() != self._table.logical:
            raise _invalid(f"The table of the query is not {self._table.logical}.")
        token = self._peek()
        if token is not None and token.kind == "name" and token.word not in _WORDS:
            self._names.add(self._token("name").strip("[]").lower())

    def _any(self) -> Test:
        tests = [self._all()]
        while self._take("or"):
            tests.append(self._all())
        return lambda row: any(test(row) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._take("and"):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._take("not"):
            self._deeper()
            test = self._one()
            return lambda row: not test(row)
        if self._take("("):
            self._deeper()
            test = self._any()
            self._expect(")")
            return test
        return self._condition()

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _invalid("The conditions are nested too deeply.")

    def _condition(self) -> Test:
        field = self._fields.field(self._wire(self._token("name")))
        if self._take("is"):
            negated = self._take("not")
            self._expect("null")
            return condition_test(field, "not-null" if negated else "null", [])

        prefix = "not-" if self._take("not") else ""
        values: list[str]
        if self._take("in"):
            self._expect("(")
            values = self._listed(self._value)
            self._expect(")")
            comparison = f"{prefix}in"
        elif self._take("like"):
            comparison, values = f"{prefix}like", [self._value()]
        elif self._take("between"):
            low = self._value()
            self._expect("and")
            comparison, values = f"{prefix}between", [low, self._value()]
        else:
            comparison, values = self._comparison(prefix), [self._value()]
        test = condition_test(field, comparison, values)
        return lambda row: field.read(row) is not None and test(row)

    def _comparison(self, prefix: str) -> str:
        token = self._peek()
        if token is None or prefix or token.text not in _COMPARISONS:
            raise self._wrong()
        self._next += 1
        return _COMPARISONS[token.text]

    def _order(self) -> tuple[OrderKey, bool]:
        key = self._fields.order(self._wire(self._token("name")))
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        return key, descending

    def _value(self) -> str:
        token = self._peek()
        if token is None or token.kind not in ("string", "number"):
            raise self._wrong()
        self._next += 1
        if token.kind == "number":
            return token.text
        return token.text.removeprefix("N")[1:-1].replace("''", "'")

    def _wire(self, name: str) -> str:
        """Returns the name in rows of a column, with or without the table before it."""
        owner, _, column = name.replace("[", "").replace("]", "").lower().rpartition(".")
        attribute = self._table.attributes.get(column)
        if attribute is None or (owner and owner not in self._names):
            raise _invalid(f"Invalid column name '{name:.100}'.")
        return attribute.wire

    def _listed(self, read: Callable[[], Item]) -> list[Item]:
        items = [read()]
        while self._take(","):
            items.append(read())
        return items

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.word != word:
            return False
        self._next += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise self._wrong()

    def _token(self, kind: str) -> str:
        token = self._peek()
        if token is None or token.kind != kind or token.word in _WORDS:
            raise self._wrong()
        self._next += 1
        return token.text

    def _wrong(self) -> DataverseError:
        token = self._peek()
        near = "the end" if token is None else f"'{token.text:.60}'"
        return _invalid(f"Incorrect or unsupported syntax near {near}.")


def _every(_row: object) -> bool:
    return True


def _split(text: str) -> Sequence[_Token]:
    if len(text) > LONGEST:
        raise _invalid("The statement is too long.")
    tokens, position = [], 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None:
            raise _invalid(f"Incorrect or unsupported syntax near '{text[position:]:.60}'.")
        position = match.end()
        if match.lastgroup != "space":
            tokens.append(_Token(str(match.lastgroup), match[0]))
    return tokens


def _invalid(message: str) -> DataverseError:
    return DataverseError(400, "0x80060888", f"SQL query error: {message}")
