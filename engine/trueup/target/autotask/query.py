"""Queries: conditions in, the filters to send out, in pieces that Autotask takes.

Autotask allows 500 OR conditions in a query, and each value of an `in` list is one; it allows one
condition on a user-defined field (autotask-api.md, section 3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.errors import TargetError
from engine.model.catalogue import UDF, Entity, Field
from engine.ports import Condition
from engine.target.wire import NotWire, to_filter

MOST_OR = 500

_LISTS = frozenset({"in", "notIn"})
_BARE = frozenset({"exist", "notExist"})
_PLAIN = frozenset({"eq", "noteq", "gt", "gte", "lt", "lte", "beginsWith", "endsWith", "contains"})
_OPERATORS = _PLAIN | _LISTS | _BARE

EVERYTHING: Mapping[str, object] = {"op": "exist", "field": "id"}

Filter = list[Mapping[str, object]]


def filters(entity: Entity, where: Sequence[Condition]) -> list[Filter]:
    """One filter per query to send; together they find what `where` asks for. None where nothing can.

    Raises TargetError for what Autotask cannot answer, or would answer with nothing without a word.
    """
    typed = [_typed(entity, condition) for condition in where]
    if sum(condition.field.startswith(UDF) for condition in typed) > 1:
        raise TargetError(f"a query of {entity.name} may have one condition on a user-defined field")
    return [
        [_sent(condition) for condition in piece] or [EVERYTHING]
        for piece in _pieces(typed)
        if all(condition.op != "in" or condition.value for condition in piece)
    ]


def after(filter_: Filter, last: int) -> Filter:
    """The same, for records that come after one."""
    return [*filter_, {"op": "gt", "field": "id", "value": last}]


def most(filter_: Filter) -> int | None:
    """How many records the filter can find at most, where it names them by id."""
    for condition in filter_:
        value = condition.get("value")
        if condition["field"] == "id" and condition["op"] == "in" and isinstance(value, list):
            return len(value)
    return None


def _typed(entity: Entity, condition: Condition) -> Condition:
    known = entity.field(condition.field)
    if known is None or not known.queryable:
        why = "is not known" if known is None else "cannot be queried"
        raise TargetError(f"{entity.name}.{condition.field} {why}")
    if condition.op not in _OPERATORS:
        raise TargetError(f"{condition.op!r} is no operator of a query ({entity.name}.{condition.field})")
    try:
        return replace(condition, value=_value(known, condition))
    except NotWire as fault:
        raise TargetError(f"{entity.name} cannot be asked for {condition.field}: {fault}") from None


def _value(known: Field, condition: Condition) -> object:
    """A value of another type finds nothing, without an error; so each is made the field's own."""
    if condition.op in _BARE:
        return None
    if condition.op not in _LISTS:
        return to_filter(known, condition.value)
    if not isinstance(condition.value, Iterable) or isinstance(condition.value, str | Mapping):
        raise NotWire(f"{condition.op} takes a list")
    return _distinct(to_filter(known, value) for value in condition.value)


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Each once and in order, so that the same question is the same request."""
    return sorted(set(values))


def _pieces(where: list[Condition]) -> list[list[Condition]]:
    lengths = [len(_list(condition)) for condition in where]
    total = sum(lengths)
    if total <= MOST_OR:
        return [where]
    longest = max(range(len(where)), key=lambda place: lengths[place] * (where[place].op == "in"))
    if where[longest].op != "in":
        raise TargetError(f"a notIn list may have {MOST_OR} values: {where[longest].field}")
    values = _list(where[longest])
    others = total - len(values)
    size = MOST_OR - others if others <= MOST_OR // 2 else (len(values) + 1) // 2
    if size >= len(values):
        raise TargetError(f"too many conditions for one query: {total}")
    return [
        piece
        for start in range(0, len(values), size)
        for piece in _pieces(_with(where, longest, values[start : start + size]))
    ]


def _with(where: list[Condition], place: int, values: list[Any]) -> list[Condition]:
    return [*where[:place], replace(where[place], value=values), *where[place + 1 :]]


def _list(condition: Condition) -> list[Any]:
    return condition.value if isinstance(condition.value, list) else []


def _sent(condition: Condition) -> Mapping[str, object]:
    sent: dict[str, object] = {"op": condition.op, "field": condition.field.removeprefix(UDF)}
    if condition.op not in _BARE:
        sent["value"] = condition.value
    if condition.field.startswith(UDF):
        sent["udf"] = True
    return sent
