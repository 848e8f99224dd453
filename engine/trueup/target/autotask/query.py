"""Turns conditions into the filters of queries, in pieces that Autotask accepts.

Autotask allows 500 OR conditions in a query, and each value of an `in` list is one. It allows one
condition on a user-defined field (docs/explanation/autotask.md, section 3).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from trueup.errors import TargetError
from trueup.model.catalogue import UDF, Entity, Field
from trueup.ports.target import Condition
from trueup.target.autotask.wire import UnsendableValue, to_filter

MOST_OR = 500

_LISTS = frozenset({"in", "notIn"})
_WITHOUT_VALUE = frozenset({"exist", "notExist"})
_PLAIN = frozenset({"eq", "noteq", "gt", "gte", "lt", "lte", "beginsWith", "endsWith", "contains"})
_OPERATORS = _PLAIN | _LISTS | _WITHOUT_VALUE

EVERYTHING: Mapping[str, object] = {"op": "exist", "field": "id"}
"""A condition that every record meets, because a query needs at least one."""

Filter = list[Mapping[str, object]]


def filters(entity: Entity, where: Sequence[Condition]) -> list[Filter]:
    """Returns one filter for each query to send; together they find what meets `where`.

    Returns none if nothing can meet it. Raises `TargetError` for what Autotask cannot answer, or
    would answer with an empty result instead of an error.
    """
    typed = [_typed(entity, condition) for condition in where]
    if sum(condition.field.startswith(UDF) for condition in typed) > 1:
        raise TargetError(
            f"a query of {entity.name} may have only one condition on a user-defined field"
        )
    return [
        [_on_the_wire(condition) for condition in piece] or [EVERYTHING]
        for piece in _pieces(typed)
        if all(condition.op != "in" or condition.value for condition in piece)
    ]


def after(filter_: Filter, last: int) -> Filter:
    """Returns the filter narrowed to records with a higher id."""
    return [*filter_, {"op": "gt", "field": "id", "value": last}]


def most_records(filter_: Filter) -> int | None:
    """Returns how many records the filter can find at most, if it names them by id."""
    for condition in filter_:
        value = condition.get("value")
        if condition["field"] == "id" and condition["op"] == "in" and isinstance(value, list):
            return len(value)
    return None


def _typed(entity: Entity, condition: Condition) -> Condition:
    """The condition with a value of its field's type. Raises `TargetError`."""
    field = entity.field(condition.field)
    name = f"{entity.name}.{condition.field}"
    if field is None or not field.queryable:
        raise TargetError(f"{name} {'is not known' if field is None else 'cannot be queried'}")
    if condition.op not in _OPERATORS:
        raise TargetError(f"{condition.op!r} is not an operator of a query ({name})")
    try:
        return replace(condition, value=_value(field, condition))
    except UnsendableValue as fault:
        raise TargetError(
            f"{entity.name} cannot be queried by {condition.field}: {fault}"
        ) from None


def _value(field: Field, condition: Condition) -> object:
    """A value of another type finds nothing, without an error. So each gets the field's type."""
    if condition.op in _WITHOUT_VALUE:
        return None
    if condition.op not in _LISTS:
        return to_filter(field, condition.value)
    if not isinstance(condition.value, Iterable) or isinstance(condition.value, str | Mapping):
        raise UnsendableValue(f"{condition.op} needs a list")
    return _distinct(to_filter(field, value) for value in condition.value)


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Each value once and in order, so that equal queries are equal requests."""
    return sorted(set(values))


def _pieces(where: list[Condition]) -> list[list[Condition]]:
    """The conditions, split at the longest `in` list until each piece has few enough values."""
    lengths = [len(_listed(condition)) for condition in where]
    total = sum(lengths)
    if total <= MOST_OR:
        return [where]

    longest = max(range(len(where)), key=lambda at: lengths[at] * (where[at].op == "in"))
    if where[longest].op != "in":
        raise TargetError(f"a notIn list may have {MOST_OR} values: {where[longest].field}")
    values = _listed(where[longest])
    others = total - len(values)
    # If the other lists leave enough room, this list fills it; if not, it is halved and the other
    # lists are split in the pieces.
    size = MOST_OR - others if others <= MOST_OR // 2 else (len(values) + 1) // 2
    if size >= len(values):
        raise TargetError(f"too many conditions for one query: {total}")
    return [
        piece
        for start in range(0, len(values), size)
        for piece in _pieces(_with_values(where, longest, values[start : start + size]))
    ]


def _with_values(where: list[Condition], at: int, values: list[Any]) -> list[Condition]:
    return [*where[:at], replace(where[at], value=values), *where[at + 1 :]]


def _listed(condition: Condition) -> list[Any]:
    return condition.value if isinstance(condition.value, list) else []


def _on_the_wire(condition: Condition) -> Mapping[str, object]:
    wire: dict[str, object] = {"op": condition.op, "field": condition.field.removeprefix(UDF)}
    if condition.op not in _WITHOUT_VALUE:
        wire["value"] = condition.value
    if condition.field.startswith(UDF):
        wire["udf"] = True
    return wire
