"""Parses `$filter` and compiles it to a test of one row.

The subset is the one that Dataverse documents: comparisons of a column with a literal or with
another column, `and`, `or`, `not`, `contains`, `startswith`, `endswith`, and the query functions
`In`, `NotIn`, `Between` and `NotBetween`. Texts are compared without regard to case. `ne` is true
for a column without a value, as in FetchXML. Everything else is refused.
Source: docs/explanation/work365.md, section 6.2.

The grammar is short, so that this module reads it itself. odata-query 0.10, the known parser for
Python, refuses names that begin with `all`, `any`, `null` or `true`, and the query functions; its
bounds for python-dateutil (below 3) and sly (below 0.5) conflict with current releases.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from trueup.sandbox.dataverse.responses import DataverseError, unsupported

DEEPEST = 50  # levels of parentheses
LONGEST_LIST = 2000  # values in one list

Test = Callable[[Any], bool]
"""Tells whether a row matches."""


class Field(Struct, frozen=True):
    """A column as a filter sees it: its Edm type and how to read it from a row."""

    type: str  # String, Number, Boolean, DateTimeOffset, Guid
    read: Callable[[Any], object]  # returns str, Decimal or int, bool, datetime, or None


Resolve = Callable[[str], Field]
"""Returns the field with a name or path. Raises `DataverseError` if there is none."""


class _Token(Struct, frozen=True):
    kind: str
    text: str
    start: int


class _Literal(Struct, frozen=True):
    type: str
    value: object


_TOKENS = re.compile(
    r"""(?P<space>\s+)
    |(?P<enum>[A-Za-z_][\w.]*\.[A-Za-z_]\w*'(?:[^']|'')*')
    |(?P<string>'(?:[^']|'')*'|"[^"]*")
    |(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)
    |(?P<instant>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)
    |(?P<number>[+-]?\d+(?:\.\d+)?)
    |(?P<name>@?[A-Za-z_][\w.]*(?:/[A-Za-z_][\w.]*)*)
    |(?P<mark>[()\[\],=:])""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?")
_OPERATORS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "eq": ("Equal", operator.eq),
    "ne": ("NotEqual", operator.ne),
    "gt": ("GreaterThan", operator.gt),
    "ge": ("GreaterThanOrEqual", operator.ge),
    "lt": ("LessThan", operator.lt),
    "le": ("LessThanOrEqual", operator.le),
}
_TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_QUERY_FUNCTION = "Microsoft.Dynamics.CRM."
_QUERY_FUNCTIONS = ("In", "NotIn", "Between", "NotBetween")
_WORDS: Mapping[str, _Literal] = {
    "null": _Literal("Null", None),
    "true": _Literal("Boolean", True),  # noqa: FBT003 -- a value
    "false": _Literal("Boolean", False),  # noqa: FBT003 -- a value
}


def compile_filter(text: str, resolve: Resolve) -> Test:
    """Compiles a filter. Raises `DataverseError` if it is wrong or not supported."""
    parser = _Parser(text, resolve)
    return parser.whole()


def same(value: object) -> object:
    """Returns a value in the form in which it is compared: texts without regard to case."""
    return value.casefold() if isinstance(value, str) else value


def compared(comparison: str, field: Field, wanted: Callable[[Any], object]) -> Test:
    """Returns the test for `field <comparison> value`; the value may depend on the row."""
    compare = _OPERATORS[comparison][1]

    def test(row: object) -> bool:
        left, right = same(field.read(row)), same(wanted(row))
        if left is None or right is None:
            if comparison == "ne":
                return left is not right
            return comparison == "eq" and left is right
        return compare(left, right)

    return test


def text_test(name: str, field: Field, part: str) -> Test:
    """Returns the test of `contains`, `startswith` or `endswith`."""
    test, folded = _TEXT_TESTS[name], part.casefold()

    def matches(row: object) -> bool:
        value = field.read(row)
        return value is not None and test(str(value).casefold(), folded)

    return matches


def among(field: Field, values: Sequence[object], *, negated: bool) -> Test:
    """Returns the test of `In` or `NotIn`."""
    wanted = {same(value) for value in values}
    return lambda row: (same(field.read(row)) in wanted) is not negated


def between(field: Field, low: object, high: object, *, negated: bool) -> Test:
    """Returns the test of `Between` or `NotBetween`; both bounds are included."""
    first = compared("ge", field, lambda _: low)
    last = compared("le", field, lambda _: high)
    return lambda row: (first(row) and last(row)) is not negated


def typed(field: Field, text: str) -> object:
    """Reads a value that is written as a text. Raises `DataverseError`."""
    try:
        return _READERS[field.type](text)
    except (KeyError, ValueError):
        raise unsupported(f"Cannot convert '{text:.60}' to type 'Edm.{field.type}'.") from None


def instant(text: str) -> datetime:
    """Reads a day or an instant; without a zone it is UTC. Raises `ValueError`."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(text) from None


def number(text: str) -> Decimal:
    """Reads a number in plain digits. Raises `ValueError`."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def _boolean(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


def _guid(text: str) -> str:
    stripped = text.strip("{}").lower()
    if not re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", stripped):
        raise ValueError(text)
    return stripped


_READERS: Mapping[str, Callable[[str], object]] = {
    "String": str,
    "Number": number,
    "Boolean": _boolean,
    "DateTimeOffset": instant,
    "Guid": _guid,
}


class _Parser:
    """Reads one filter from left to right."""

    def __init__(self, text: str, resolve: Resolve) -> None:
        self._text = text
        self._resolve = resolve
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def whole(self) -> Test:
        test = self._any()
        if self._peek() is not None:
            raise self._wrong()
        return test

    def _split(self) -> list[_Token]:
        tokens, position = [], 0
        while position < len(self._text):
            match = _TOKENS.match(self._text, position)
            if match is None:
                raise unsupported(
                    f"Syntax error: character '{self._text[position]}' is not valid at position"
                    f" {position} in '{self._text:.200}'."
                )
            position = match.end()
            if match.lastgroup != "space":
                tokens.append(_Token(str(match.lastgroup), match[0], match.start()))
        return tokens

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, *texts: str) -> bool:
        """Takes the next token if it is one of these texts."""
        token = self._peek()
        if token is None or token.kind in ("string", "enum") or token.text not in texts:
            return False
        self._next += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._wrong()

    def _token(self) -> _Token:
        token = self._peek()
        if token is None:
            raise self._wrong()
        self._next += 1
        return token

    def _wrong(self) -> DataverseError:
        token = self._peek()
        place = len(self._text) if token is None else token.start
        return unsupported(f"Syntax error at position {place} in '{self._text:.200}'.")

    def _any(self) -> Test:
        tests = [self._all()]
        while self._take("or"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._take("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        negated = False
        while self._take("not"):
            negated = not negated
        test = self._simple()
        return (lambda row: not test(row)) if negated else test

    def _simple(self) -> Test:
        if self._take("("):
            self._depth += 1
            if self._depth > DEEPEST:
                raise unsupported("The node count limit of the filter is exceeded.")
            test = self._any()
            self._expect(")")
            self._depth -= 1
            return test

        name = self._token()
        if name.kind != "name":
            self._next -= 1
            raise self._wrong()
        return self._call(name.text) if self._take("(") else self._comparison(name.text)

    def _call(self, name: str) -> Test:
        """Reads a function's arguments, after its opening parenthesis."""
        if name in _TEXT_TESTS:
            field = self._field()
            self._expect(",")
            part = self._literal()
            self._expect(")")
            if field.type != "String" or part.type != "String":
                raise unsupported(
                    f"No function signature for the function with name '{name}' matches the"
                    " specified arguments."
                )
            return text_test(name, field, str(part.value))

        function = name.removeprefix(_QUERY_FUNCTION)
        if function == name or function not in _QUERY_FUNCTIONS:
            raise unsupported(f"An unknown function with name '{name}' was found.")
        return self._query_function(function)

    def _query_function(self, function: str) -> Test:
        arguments: dict[str, _Literal | list[_Literal]] = {}
        while not self._take(")"):
            parameter = self._token().text
            self._expect("=")
            arguments[parameter] = self._list() if self._take("[") else self._literal()
            self._take(",")

        name, listed = arguments.get("PropertyName"), arguments.get("PropertyValues")
        if not isinstance(name, _Literal) or not isinstance(listed, list):
            raise unsupported(f"The function '{function}' needs PropertyName and PropertyValues.")
        field = self._resolve(str(name.value))
        values = [typed(field, str(value.value)) for value in listed]
        negated = function.startswith("Not")
        if function.endswith("In"):
            return among(field, values, negated=negated)
        if len(values) != 2:  # noqa: PLR2004 -- the two bounds
            raise unsupported(f"The function '{function}' needs two PropertyValues.")
        return between(field, values[0], values[1], negated=negated)

    def _list(self) -> list[_Literal]:
        values = []
        while not self._take("]"):
            values.append(self._literal())
            self._take(",")
            if len(values) > LONGEST_LIST:
                raise unsupported("The list of values is too long.")
        return values

    def _comparison(self, name: str) -> Test:
        field = self._resolve(name)
        comparison = self._token().text
        if comparison not in _OPERATORS:
            self._next -= 1
            raise self._wrong()

        token = self._peek()
        if token is not None and token.kind == "name" and token.text not in _WORDS:
            other = self._field()
            self._check_types(comparison, field, other.type)
            return compared(comparison, field, other.read)
        literal = self._literal()
        self._check_types(comparison, field, literal.type)
        return compared(comparison, field, lambda _: literal.value)

    def _check_types(self, comparison: str, field: Field, other: str) -> None:
        if other not in (field.type, "Null"):
            raise unsupported(
                "A binary operator with incompatible types was detected. Found operand types"
                f" 'Edm.{field.type}' and 'Edm.{other}' for operator kind"
                f" '{_OPERATORS[comparison][0]}'."
            )

    def _field(self) -> Field:
        token = self._token()
        if token.kind != "name":
            self._next -= 1
            raise self._wrong()
        return self._resolve(token.text)

    def _literal(self) -> _Literal:
        token = self._token()
        try:
            return _literal(token)
        except (KeyError, ValueError):
            self._next -= 1
            raise self._wrong() from None


def _literal(token: _Token) -> _Literal:
    match token.kind:
        case "string":
            return _Literal("String", token.text[1:-1].replace("''", "'"))
        case "enum":  # Microsoft.Dynamics.CRM.AttributeTypeCode'String'
            return _Literal("String", token.text.partition("'")[2][:-1])
        case "number":
            return _Literal("Number", number(token.text))
        case "guid":
            return _Literal("Guid", token.text.lower())
        case "instant":
            return _Literal("DateTimeOffset", instant(token.text))
        case _:  # a name, or a mark, which is no word
            return _WORDS[token.text]
