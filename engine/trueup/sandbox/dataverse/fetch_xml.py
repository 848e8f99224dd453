"""Compiles a simple FetchXML query: columns, conditions, orders, pages.

Links to other tables, aggregates, aliases and operators that are not listed here are refused.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote
from xml.etree import ElementTree as ET

from msgspec import Struct

from trueup.sandbox.dataverse.filters import (
    Field,
    Test,
    among,
    between,
    compared,
    text_test,
    typed,
)
from trueup.sandbox.dataverse.query_options import LARGEST_PAGE, whole_number
from trueup.sandbox.dataverse.responses import DataverseError
from trueup.sandbox.dataverse.row_fields import RowFields
from trueup.sandbox.dataverse.schema import TableDefinition
from trueup.sandbox.dataverse.store import StoredRow

LONGEST = 64 * 1024  # characters
_FETCH = ("top", "count", "page", "paging-cookie", "returntotalrecordcount", "version",
          "mapping", "output-format", "no-lock", "distinct", "aggregate")  # fmt: skip
_COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
_LIKE = re.compile(r"(%?)([^%_\[\]]*)(%?)")

OrderKey = Callable[[StoredRow], tuple[bool, object]]


class FetchQuery(Struct, frozen=True):
    """A query as it is carried out on the rows of its table."""

    columns: Sequence[str]  # names in rows
    test: Test
    orders: Sequence[tuple[OrderKey, bool]]  # each with whether it descends
    size: int  # rows in a page
    page: int  # from 1
    limited: bool  # `top` is given: there are no more pages
    counted: bool  # the total is wanted

    def chosen(self, rows: Sequence[StoredRow]) -> list[StoredRow]:
        """Returns all rows that match, in their order."""
        found = sorted((row for row in rows if self.test(row)), key=lambda row: row.key)
        for order, descending in reversed(self.orders):
            found = sorted(found, key=order, reverse=descending)
        return found


def compile_fetch(text: str, table: TableDefinition, fields: RowFields) -> FetchQuery:
    """Compiles a query. Raises `DataverseError` if it is wrong or not supported."""
    fetch = _root(text)
    entity = fetch.find("entity")
    if len(fetch) != 1 or entity is None:
        raise _invalid("A fetch element must contain one entity element.")
    if entity.get("name") != table.logical:
        raise _invalid(f"Entity '{entity.get('name')}' of the query is not the one of the address.")
    return _Compiler(table, fields).query(fetch, entity)


def paging_cookie(query: FetchQuery, table: TableDefinition, page: Sequence[StoredRow]) -> str:
    """Returns the cookie of the page after this one, in Dataverse's twice encoded form."""
    first, last = page[0].key, page[-1].key
    inner = (
        f'<cookie page="{query.page}"><{table.key} last="{{{last.upper()}}}"'
        f' first="{{{first.upper()}}}" /></cookie>'
    )
    encoded = quote(quote(inner, safe=""), safe="")
    return f'<cookie pagenumber="{query.page + 1}" pagingcookie="{encoded}" istracking="False" />'


def _root(text: str) -> ET.Element:
    # A document type could define entities that grow without bounds.
    if len(text) > LONGEST or "<!" in text:
        raise _invalid("Invalid XML.")
    try:
        fetch = ET.fromstring(text)  # noqa: S314 -- without a document type, see above
    except ET.ParseError:
        raise _invalid("Invalid XML.") from None
    _only(fetch, "fetch", _FETCH)
    for name in ("distinct", "aggregate"):
        if fetch.get(name, "false") not in ("false", "0"):
            raise _invalid(f"The attribute {name} is not supported.")
    return fetch


class _Compiler(Struct, frozen=True):
    table: TableDefinition
    fields: RowFields

    def query(self, fetch: ET.Element, entity: ET.Element) -> FetchQuery:
        columns: list[str] = []
        tests: list[Test] = []
        orders: list[tuple[OrderKey, bool]] = []
        for element in entity:
            match element.tag:
                case "all-attributes":
                    columns += self.table.wire_names()
                case "attribute":
                    _only(element, "attribute", ("name",))
                    columns.append(self._wire(element.get("name")))
                case "order":
                    _only(element, "order", ("attribute", "descending"))
                    key = self.fields.order(self._wire(element.get("attribute")))
                    orders.append((key, element.get("descending") in ("true", "1")))
                case "filter":
                    tests.append(self._filter(element, 0))
                case _:
                    raise _invalid(f"The element {element.tag} is not supported.")

        top = whole_number("top", fetch.get("top"))
        size = whole_number("count", fetch.get("count")) or LARGEST_PAGE
        if top and (fetch.get("count") or fetch.get("page")):
            raise _invalid("The top attribute can't be specified with paging attribute page.")
        return FetchQuery(
            columns,
            lambda row: all(test(row) for test in tests),
            orders,
            top or min(size, LARGEST_PAGE),
            whole_number("page", fetch.get("page")) or 1,
            limited=top is not None,
            counted=fetch.get("returntotalrecordcount") in ("true", "1"),
        )

    def _wire(self, logical: str | None) -> str:
        attribute = self.table.attributes.get(logical or "")
        if attribute is None:
            raise DataverseError(
                400,
                "0x80041103",
                f"'{self.table.logical}' entity doesn't contain attribute with Name = '{logical}'.",
            )
        return attribute.wire

    def _filter(self, element: ET.Element, depth: int) -> Test:
        _only(element, "filter", ("type",))
        kind = element.get("type", "and")
        if kind not in ("and", "or") or depth > 10:  # noqa: PLR2004 -- levels
            raise _invalid("A filter has the type and or or, and at most 10 levels.")
        tests = [
            self._filter(child, depth + 1) if child.tag == "filter" else self._condition(child)
            for child in element
        ]
        combine = all if kind == "and" else any
        return lambda row: not tests or combine(test(row) for test in tests)

    def _condition(self, element: ET.Element) -> Test:
        _only(element, "condition", ("attribute", "operator", "value"))
        field = self.fields.field(self._wire(element.get("attribute")))
        comparison = element.get("operator", "")
        given = element.get("value")
        values = [child.text or "" for child in element]
        if any(child.tag != "value" for child in element):
            raise _invalid("A condition contains only value elements.")
        return condition_test(field, comparison, [given] if given is not None else values)


def condition_test(field: Field, comparison: str, values: Sequence[str]) -> Test:
    """Returns the test of one condition, by the operator's name. Raises `DataverseError`."""
    if comparison in ("null", "not-null"):
        _count(comparison, values, 0, 0)
        missing = comparison == "null"
        return lambda row: (field.read(row) is None) is missing

    negated = comparison.startswith("not-")
    base = comparison.removeprefix("not-")
    if comparison in _COMPARISONS:
        _count(comparison, values, 1, 1)
        wanted = typed(field, values[0])
        return compared(comparison, field, lambda _: wanted)
    if base == "in":
        _count(comparison, values, 1, math.inf)
        return among(field, [typed(field, value) for value in values], negated=negated)
    if base == "between":
        _count(comparison, values, 2, 2)
        low, high = (typed(field, value) for value in values)
        return between(field, low, high, negated=negated)
    test = _text_condition(field, base, values)
    return (lambda row: not test(row)) if negated else test


def _text_condition(field: Field, base: str, values: Sequence[str]) -> Test:
    if base not in _TEXT_OPERATORS or field.type != "String":
        raise _invalid(f"The operator {base} is not supported here.")
    _count(base, values, 1, 1)
    return _TEXT_OPERATORS[base](field, values[0])


def _like(field: Field, pattern: str) -> Test:
    match = _LIKE.fullmatch(pattern)
    if match is None:
        raise _invalid(f"The pattern '{pattern:.60}' is not supported.")
    before, part, after = match.groups()
    if before and after:
        return text_test("contains", field, part)
    if before:
        return text_test("endswith", field, part)
    if after:
        return text_test("startswith", field, part)
    return compared("eq", field, lambda _: part)


_TEXT_OPERATORS: Mapping[str, Callable[[Field, str], Test]] = {
    "like": _like,
    "begin-with": lambda field, part: text_test("startswith", field, part),
    "begins-with": lambda field, part: text_test("startswith", field, part),
    "ends-with": lambda field, part: text_test("endswith", field, part),
    "end-with": lambda field, part: text_test("endswith", field, part),
}


def _count(name: str, values: Sequence[str], low: int, high: float) -> None:
    if not low <= len(values) <= high:
        raise _invalid(f"The condition operator '{name}' has a wrong number of values.")


def _only(element: ET.Element, tag: str, names: Sequence[str]) -> None:
    """Raises `DataverseError` for another element, or an attribute that is not supported."""
    if element.tag != tag:
        raise _invalid(f"The element {element.tag} is not supported here.")
    for name in element.attrib:
        if name not in names:
            raise _invalid(f"The attribute {name} of {tag} is not supported.")


def _invalid(message: str) -> DataverseError:
    return DataverseError(400, "0x80041102", message)
