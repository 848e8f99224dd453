"""Parses Autotask's query language into SQL.

A query is `{"filter": […], "MaxRecords": n, "IncludeFields": […]}`.
Source: docs/explanation/autotask.md, section 3.
"""

from collections.abc import Sequence

from msgspec import Struct

from trueup.model.catalogue import UDF, Entity, Field, Type
from trueup.sandbox.autotask import lenient_json as lenient
from trueup.sandbox.autotask import wire
from trueup.sandbox.autotask.names import model_name
from trueup.sandbox.autotask.responses import AutotaskError
from trueup.sandbox.autotask.store import fold, quoted
from trueup.sandbox.autotask.tenant import Tenant
from trueup.sandbox.http.json_types import Json
from trueup.sandbox.http.request import Request

LONGEST_URL = 2048  # characters of a GET query
PAGE = 500  # records
MOST_ALTERNATIVES = 500
DEEPEST = 40  # nested groups
_INVALID = "Invalid query syntax."
_MATCHES_NOTHING = "0"
_MATCHES_EVERYTHING = "1"
_ACTIVE = "isActive"  # whole number or boolean; clients send true, 1 and the text of either
_TRUTH = {"true": 1, "false": 0}
_PRESENCE = {"exist": "IS NOT NULL", "notexist": "IS NULL"}
_COMPARISONS = {"eq": "=", "noteq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_LISTS = {"in": "IN", "notin": "NOT IN"}
_TEXTS = {
    "beginswith": "substr({column}, 1, length(?)) = ?",
    "endswith": "(length(?) = 0 OR substr({column}, -length(?)) = ?)",
    "contains": "instr({column}, ?) > 0",
}
_OPERATORS = frozenset({*_COMPARISONS, *_LISTS, *_TEXTS})


class Query(Struct, frozen=True):
    """Which records of one entity to find, and which of their fields to show."""

    entity: Entity
    where: str  # an SQL condition on the entity's table
    values: tuple[object, ...]  # of the condition's parameters
    names: tuple[str, ...]  # fields to show, `id` first
    size: int  # records in a page
    includes_id: bool  # IncludeFields names id, or is missing
    index_candidates: frozenset[str]  # fields that an index would help to find


def read_search(request: Request) -> Json:
    """Returns the query of a request: the body of a POST, the parameter `search` of a GET.

    Raises `AutotaskError` if the query is not JSON.
    """
    is_next = request.path.lower().rstrip("/").endswith("/query/next")
    if request.verb == "POST":
        text = lenient.body_text(request).strip()
        if not text and is_next:
            text = request.parameter("resent") or ""
        return lenient.read(text) if text else {}

    return lenient.read(request.parameter("search") or "{}")


def is_too_long(request: Request) -> bool:
    """Returns whether a query by GET has a longer address than the web server accepts.

    Autotask's own address of a next page may be longer.
    """
    path = request.path.lower().rstrip("/")
    if request.verb != "GET" or not path.endswith(("/query", "/query/count")):
        return False
    return len(request.path) + len(request.query) > LONGEST_URL


def parse(search: Json, entity: Entity, tenant: Tenant) -> Query:
    """Parses a query. Raises `AutotaskError` if it is not valid."""
    body = lenient.mapping(search, "A query")
    if "filter" not in body:
        raise AutotaskError(f"{_INVALID} A filter is required.")

    parser = _FilterParser(entity, tenant)
    where = parser.group(body["filter"], "AND")
    names = _included_fields(body.get("includefields"), parser)
    return Query(
        entity=entity,
        where=where,
        values=tuple(parser.values),
        names=names or tuple(entity.fields),
        size=_page_size(body.get("maxrecords")),
        includes_id=not names or "id" in (str(name).lower() for name in body["includefields"]),
        index_candidates=frozenset(parser.index_candidates - {"id"}),
    )


def unknown_field(name: str, entity: Entity) -> AutotaskError:
    """Returns the error for an unknown field, with the text that clients have received."""
    return AutotaskError(f"Unable to find {name} in the {model_name(entity.name)} Entity.")


def indexed(field: Field) -> str:
    """Returns the SQL expression that an index on the field contains: of text, without case."""
    return f"fold({quoted(field.name)})" if field.type is Type.TEXT else quoted(field.name)


class _FilterParser:
    """Parses one filter, and counts what Autotask limits."""

    def __init__(self, entity: Entity, tenant: Tenant) -> None:
        self.tenant = tenant
        self.entity = entity
        self.fields = tenant.fields_by_lower_name[entity.name]
        self.values: list[object] = []
        self.index_candidates: set[str] = set()
        self._alternatives = 0
        self._udf_conditions = 0

    def group(self, items: Json, operator: str, depth: int = 0) -> str:
        """Returns the SQL of a list of conditions that are joined by AND or OR."""
        if not isinstance(items, Sequence) or isinstance(items, str) or not items:
            raise AutotaskError(f"{_INVALID} A filter must be a list with at least one condition.")
        if depth > DEEPEST:
            raise AutotaskError(f"{_INVALID} The filter is nested too deeply.")
        if operator == "OR":
            self._count_alternatives(len(items))
        conditions = [self._item(item, depth) for item in items]
        return _joined([condition for condition in conditions if condition is not None], operator)

    def _item(self, value: Json, depth: int) -> str | None:
        """Returns the SQL of a condition or a group; None for a condition that is dropped."""
        item = lenient.mapping(value, "A condition")
        operator = str(item.get("op", "")).lower()
        if operator in {"and", "or"}:
            return self.group(item.get("items"), operator.upper(), depth + 1)
        return self._condition(operator, item)

    def _condition(self, operator: str, item: dict[str, Json]) -> str | None:
        field = self._field(item)
        if operator in _PRESENCE:
            return f"{quoted(field.name)} {_PRESENCE[operator]}"
        if operator in _OPERATORS:
            # A production client sends conditions without a value, and receives all records.
            return self._with_value(field, operator, item["value"]) if "value" in item else None
        if operator and self.tenant.switches["unknown_operator"] == "dropped":
            return None
        raise AutotaskError(f"{_INVALID} '{item.get('op')}' is not an operator.")

    def _with_value(self, field: Field, operator: str, value: Json) -> str:
        if operator in _COMPARISONS:
            return self._comparison(field, _COMPARISONS[operator], value)
        if operator in _LISTS:
            return self._list(field, _LISTS[operator], value)
        return self._text(field, _TEXTS[operator], value)

    def _field(self, item: dict[str, Json]) -> Field:
        name = str(item.get("field", ""))
        is_udf = str(item.get("udf", False)).lower() == "true"
        field = self.fields.get((UDF + name if is_udf else name).lower())
        if field is None or field.name.startswith(UDF) is not is_udf:
            raise unknown_field(name, self.entity)
        if not field.queryable:
            model = model_name(self.entity.name)
            raise AutotaskError(f"{field.name} is not a queryable field of the {model} Entity.")

        self._udf_conditions += is_udf
        if self._udf_conditions > (1 if self.tenant.switches["udf_conditions"] == "one" else 5):
            raise AutotaskError(f"{_INVALID} Too many conditions on user-defined fields.")
        return field

    def _comparison(self, field: Field, sign: str, value: Json) -> str:
        stored = self._stored(field, value)
        if stored is None:
            return _MATCHES_NOTHING
        if sign == "=":
            self.index_candidates.add(field.name)
        return self._with_case(field, sign, "?", [stored])

    def _list(self, field: Field, sign: str, value: Json) -> str:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise AutotaskError(f"{_INVALID} '{field.name}' needs a list of values.")
        self._count_alternatives(len(value))

        converted = [self._stored(field, element) for element in value]
        stored = [element for element in converted if element is not None]
        if sign == "IN":
            self.index_candidates.add(field.name)
        return self._with_case(field, sign, f"({', '.join('?' * len(stored))})", stored)

    def _with_case(
        self, field: Field, sign: str, marks: str, stored: Sequence[wire.StoredValue]
    ) -> str:
        """Returns a comparison that respects case if the tenant's switch demands it.

        Indexes of text ignore case. To use one anyway, an equality is tested twice: without case,
        then with it.
        """
        if field.type is not Type.TEXT:
            self.values.extend(stored)
            return f"{quoted(field.name)} {sign} {marks}"

        folded = f"{indexed(field)} {sign} {marks}"
        if self._ignores_case:
            self.values.extend(map(fold, stored))
            return folded
        # Older files have columns that ignore the case of ASCII letters.
        exact = f"{quoted(field.name)} COLLATE BINARY {sign} {marks}"
        if sign in {"=", "IN"}:
            self.values.extend([*map(fold, stored), *stored])
            return f"({folded} AND {exact})"
        self.values.extend(stored)
        return exact

    def _text(self, field: Field, pattern: str, value: Json) -> str:
        column = f"CAST({quoted(field.name)} AS TEXT)"
        text: wire.StoredValue = str(value)
        if self._ignores_case:
            column, text = f"fold({column})", fold(text)
        self.values.extend([text] * pattern.count("?"))
        return pattern.format(column=column)

    @property
    def _ignores_case(self) -> bool:
        return self.tenant.switches["text_case"] == "ignored"

    def _stored(self, field: Field, value: Json) -> wire.StoredValue:
        """Returns the value in its stored form; None if it can match nothing."""
        is_long = field.type is Type.INTEGER and wire.data_type(field) == "long"
        if is_long and isinstance(value, str):
            return None  # text against a long matches nothing, without an error
        if isinstance(value, list | dict):
            raise AutotaskError(f"{_INVALID} The value of {field.name} must be a single one.")
        if field.name == _ACTIVE and isinstance(value, str):
            value = _TRUTH.get(value.strip().lower(), value)
        try:
            return wire.to_stored(field, value)
        except wire.ConversionError as error:
            raise AutotaskError(str(error)) from None

    def _count_alternatives(self, alternatives: int) -> None:
        self._alternatives += alternatives
        if self._alternatives > MOST_ALTERNATIVES:
            raise AutotaskError(f"{_INVALID} Queries are limited to 500 or fewer 'OR' conditions.")


def _included_fields(value: Json, parser: _FilterParser) -> tuple[str, ...]:
    """Returns the fields of IncludeFields, `id` first; empty if there is no IncludeFields.

    User-defined fields are named without a prefix.
    """
    if not value:
        return ()
    if not isinstance(value, list):
        raise AutotaskError(f"{_INVALID} IncludeFields must be a list.")
    names = ["id"]
    for name in value:
        lower = str(name).lower()
        field = parser.fields.get(lower) or parser.fields.get(UDF + lower)
        if field is None:
            raise unknown_field(str(name), parser.entity)
        names.append(field.name)
    return tuple(dict.fromkeys(names))


def _page_size(value: Json) -> int:
    if value is None:
        return PAGE
    size = int(value) if isinstance(value, int) or str(value).isdecimal() else 0
    if not 1 <= size <= PAGE:
        raise AutotaskError(f"maxCountOfRecordsToReturn must be between 1 and {PAGE}")
    return size


def _joined(conditions: list[str], operator: str) -> str:
    """Joins conditions in halves: a chain of hundreds is too deep an expression for SQLite.

    Without a condition, everything matches.
    """
    if not conditions:
        return _MATCHES_EVERYTHING
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    head, tail = _joined(conditions[:middle], operator), _joined(conditions[middle:], operator)
    return f"({head} {operator} {tail})"
