"""The query language in, SQL out: `{"filter": […], "MaxRecords": n, "IncludeFields": […]}`."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.model.catalogue import UDF, Entity, Field, Type
from engine.sandbox import lenient, wire
from engine.sandbox.answers import Refused
from engine.sandbox.lenient import Json
from engine.sandbox.store import quoted
from engine.sandbox.tenant import Tenant

PAGE = 500
MOST_ALTERNATIVES = 500
DEEPEST = 40
_TOO_MANY = "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions."
_NOTHING = "0"
_COMPARISONS = {"eq": "=", "noteq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_LISTS = {"in": "IN", "notin": "NOT IN"}
_TEXTS: dict[str, str] = {
    "beginswith": "substr({column}, 1, length({mark})) = {mark}",
    "endswith": "(length({mark}) = 0 OR substr({column}, -length({mark})) = {mark})",
    "contains": "instr({column}, {mark}) > 0",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for in one entity, and what to show of it."""

    entity: Entity
    where: str  # SQL over the entity's table
    values: tuple[object, ...]
    names: tuple[str, ...]  # fields to show, `id` first
    size: int  # records in a page
    narrowed: bool  # IncludeFields was given
    names_id: bool  # … and names id, or was not given
    sought: frozenset[str]  # fields that an index would help


class _Reader:
    """Reads one filter; counts what Autotask counts."""

    def __init__(self, entity: Entity, tenant: Tenant) -> None:
        self.tenant = tenant
        self.entity = entity
        self.fields = tenant.fields_by_small_name[entity.name]
        self.values: list[object] = []
        self.sought: set[str] = set()
        self.alternatives = 0
        self.udfs = 0

    def group(self, items: Json, word: str, depth: int = 0) -> str:
        """A list of conditions, joined by AND or OR."""
        if not isinstance(items, Sequence) or isinstance(items, str) or not items:
            raise Refused("Invalid query syntax. A filter must be a list with at least one condition.")
        if depth > DEEPEST:
            raise Refused("Invalid query syntax. The filter is nested too deeply.")
        if word == "OR":
            self._count(len(items))
        return _joined([self.item(item, depth) for item in items], word)

    def item(self, said: Json, depth: int) -> str:
        """A group or a condition."""
        item = lenient.mapping(said, "A condition")
        operator = str(item.get("op", "")).lower()
        if operator in {"and", "or"}:
            return self.group(item.get("items"), operator.upper(), depth + 1)
        return self.condition(operator, item)

    def condition(self, operator: str, item: dict[str, Json]) -> str:
        """One comparison of one field."""
        field = self._field(item)
        column = quoted(field.name)
        if operator == "exist":
            return f"{column} IS NOT NULL"
        if operator == "notexist":
            return f"{column} IS NULL"
        if "value" not in item:
            raise Refused(f"Invalid query syntax. The condition on {field.name} has no value.")
        for known, compare in (
            (_COMPARISONS, self._comparison),
            (_LISTS, self._list),
            (_TEXTS, self._text),
        ):
            if operator in known:
                return compare(field, known[operator], item["value"])
        raise Refused(f"Invalid query syntax. '{item.get('op')}' is not an operator.")

    def _field(self, item: dict[str, Json]) -> Field:
        name = str(item.get("field", ""))
        is_udf = str(item.get("udf", False)).lower() == "true"
        field = self.fields.get((UDF + name if is_udf else name).lower())
        if field is None or field.name.startswith(UDF) is not is_udf:
            raise unknown_field(name, self.entity)
        if not field.queryable:
            raise Refused(f"{field.name} is not a queryable field of the {self.entity.name} Entity.")
        self.udfs += is_udf
        if self.udfs > (1 if self.tenant.switches["udf_conditions"] == "one" else 5):
            raise Refused("Invalid query syntax. Too many conditions on user-defined fields.")
        return field

    def _comparison(self, field: Field, sign: str, value: Json) -> str:
        kept = self._kept(field, value)
        if kept is None:
            return _NOTHING
        if sign == "=":
            self.sought.add(field.name)
        return self._cased(field, sign, "?", [kept])

    def _list(self, field: Field, sign: str, value: Json) -> str:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise Refused(f"Invalid query syntax. '{field.name}' needs a list of values.")
        self._count(len(value))
        kept = [one for one in (self._kept(field, each) for each in value) if one is not None]
        if sign == "IN":
            self.sought.add(field.name)
        return self._cased(field, sign, f"({', '.join('?' * len(kept))})", kept)

    def _cased(self, field: Field, sign: str, marks: str, kept: Sequence[wire.Stored]) -> str:
        """Columns of text compare without case, and so do their indexes; with case it takes a second look."""
        self.values.extend(kept)
        condition = f"{quoted(field.name)} {sign} {marks}"
        if field.type is not Type.TEXT or self.tenant.switches["text_case"] == "ignored":
            return condition
        exact = f"{quoted(field.name)} COLLATE BINARY {sign} {marks}"
        if sign in {"=", "IN"}:
            self.values.extend(kept)
            return f"({condition} AND {exact})"
        return exact

    def _text(self, field: Field, pattern: str, value: Json) -> str:
        column = f"CAST({quoted(field.name)} AS TEXT)"
        mark = "?"
        if self.tenant.switches["text_case"] == "ignored":
            column, mark = f"lower({column})", "lower(?)"
        self.values.extend([str(value)] * pattern.count("{mark}"))
        return pattern.format(column=column, mark=mark)

    def _kept(self, field: Field, value: Json) -> wire.Stored:
        """The value as it is kept; none where it can match nothing."""
        if field.type is Type.INTEGER and wire.data_type(field) == "long" and isinstance(value, str):
            return None  # text against a long finds nothing, and says nothing
        if field.type is Type.BOOLEAN and not isinstance(value, bool):
            if self.tenant.switches["boolean_text_in_filter"] == "nothing":
                return None
        elif isinstance(value, list | dict):
            raise Refused(f"Invalid query syntax. The value of {field.name} must be a single one.")
        try:
            return wire.stored(field, value)
        except wire.Unfit as unfit:
            raise Refused(str(unfit)) from None

    def _count(self, alternatives: int) -> None:
        self.alternatives += alternatives
        if self.alternatives > MOST_ALTERNATIVES:
            raise Refused(_TOO_MANY)


def read(said: Json, entity: Entity, tenant: Tenant) -> Query:
    """A query as it came, checked. Raises Refused in Autotask's words."""
    body = lenient.mapping(said, "A query")
    if "filter" not in body:
        raise Refused("Invalid query syntax. A filter is required.")
    reader = _Reader(entity, tenant)
    where = reader.group(body["filter"], "AND")
    names = _shown(body.get("includefields"), reader)
    return Query(
        entity=entity,
        where=where,
        values=tuple(reader.values),
        names=names or tuple(entity.fields),
        size=_size(body.get("maxrecords"), tenant),
        narrowed=bool(names),
        names_id=not names or "id" in (str(name).lower() for name in body["includefields"]),
        sought=frozenset(reader.sought - {"id"}),
    )


def _shown(said: Json, reader: _Reader) -> tuple[str, ...]:
    """The fields of IncludeFields, `id` first; none where all are wanted. User-defined ones go by their bare name."""
    if not said:
        return ()
    if not isinstance(said, list):
        raise Refused("Invalid query syntax. IncludeFields must be a list.")
    names = ["id"]
    for name in said:
        small = str(name).lower()
        field = reader.fields.get(small) or reader.fields.get(UDF + small)
        if field is None:
            raise unknown_field(str(name), reader.entity)
        names.append(field.name)
    return tuple(dict.fromkeys(names))


def _size(said: Json, tenant: Tenant) -> int:
    if said is None:
        return PAGE
    size = int(said) if isinstance(said, int) or str(said).isdecimal() else 0
    if size < 1 or (size > PAGE and tenant.switches["max_records_over_500"] == "refused"):
        raise Refused(f"Invalid query syntax. MaxRecords must be from 1 to {PAGE}.")
    return min(size, PAGE)


def unknown_field(name: str, entity: Entity) -> Refused:
    """The text seen in the wild for a field that is not there."""
    return Refused(f"Unable to find {name} in the {entity.name} Entity.")


def _joined(conditions: list[str], word: str) -> str:
    """Joined by halves: a chain of hundreds would be too deep a tree for SQLite."""
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return f"({_joined(conditions[:middle], word)} {word} {_joined(conditions[middle:], word)})"
