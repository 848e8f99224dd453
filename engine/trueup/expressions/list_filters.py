"""Filters over lists, of rows or of plain values. None among the values is ignored."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from jinja2 import pass_context

from trueup.expressions.error_messages import kind_of
from trueup.expressions.value_filters import LONGEST, as_text


def _values(items: Iterable[Any], attribute: str | None) -> list[Any]:
    """Returns the items, or that attribute of each. Raises `LookupError` if one lacks it."""
    if attribute is None:
        return [*items]
    return [
        item[attribute]
        if item.__class__ is dict and attribute in item  # a row, nearly always: without a call
        else _attribute(item, attribute)
        for item in items
    ]


def _attribute(item: Any, attribute: str) -> Any:  # noqa: ANN401 -- any value of a row
    if item is None:
        return None
    if not isinstance(item, dict):
        raise TypeError(f"{kind_of(item)} has no {attribute!r}")
    if attribute not in item:
        raise LookupError(f"there is no {attribute!r}")
    return item[attribute]


def pluck(values: Iterable[Any], attribute: str) -> list[Any]:
    """Returns one attribute of each item."""
    return _values(values, attribute)


def total(values: Iterable[Any], attribute: str | None = None) -> Any:  # noqa: ANN401 -- a number
    """Returns the sum of the values, or of one attribute of each item."""
    return sum([value for value in _values(values, attribute) if value is not None], start=0)


def join(values: Iterable[object], separator: str = ", ", attribute: str | None = None) -> str:
    """Returns the texts of the values with a separator between them.

    Raises `ValueError` if the result is longer than `LONGEST`.
    """
    texts = [as_text(value) for value in _values(values, attribute)]
    if sum(map(len, texts)) + len(separator) * len(texts) > LONGEST:
        raise ValueError("the texts are too long for join")
    return separator.join(texts)


def ordered(
    values: Iterable[Any],
    attribute: str | None = None,
    reverse: bool = False,  # noqa: FBT001, FBT002 -- as in Jinja
) -> list[Any]:
    """Returns the items sorted, by an attribute if one is named; none comes last."""
    pairs = _keyed(values, attribute)
    present = [pair for pair in pairs if pair[0] is not None]
    absent = [item for key, item in pairs if key is None]
    return [item for _, item in sorted(present, key=_key, reverse=reverse)] + absent


def extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the filter for `min` or `max`.

    The filter returns that value, or the item with that attribute, or None if there is no value.
    """

    def chosen(values: Iterable[Any], attribute: str | None = None) -> Any:  # noqa: ANN401 -- any
        present = [pair for pair in _keyed(values, attribute) if pair[0] is not None]
        return choose(present, key=_key)[1] if present else None

    return chosen


def _keyed(values: Iterable[Any], attribute: str | None) -> list[tuple[Any, Any]]:
    """Returns the items, each with the value that it is compared by."""
    items = [*values]
    return [*zip(_values(items, attribute), items, strict=True)]


def _key(pair: tuple[Any, Any]) -> Any:  # noqa: ANN401 -- any value of a row
    return pair[0]


def first(values: Iterable[Any]) -> Any:  # noqa: ANN401 -- any value of a row
    """Returns the first item, or None."""
    return next(iter(values), None)


def last(values: Iterable[Any]) -> Any:  # noqa: ANN401 -- any value of a row
    """Returns the last item, or None."""
    return next(reversed([*values]), None)


def unique(values: Iterable[Any], attribute: str | None = None) -> list[Any]:
    """Returns each value once, or one item for each value of an attribute, the first of them."""
    found: dict[Any, Any] = {}
    for key, item in _keyed(values, attribute):
        found.setdefault(key, item)
    return [*found.values()]


def reverse(values: Iterable[Any]) -> list[Any]:
    """Returns the items in reverse order."""
    return [*values][::-1]


def average(values: Iterable[Any], attribute: str | None = None) -> Decimal | None:
    """Returns the sum of the values, or of one attribute, divided by their number; or None."""
    present = [value for value in _values(values, attribute) if value is not None]
    return Decimal(sum(present)) / len(present) if present else None


def keys(values: Any) -> list[Any]:  # noqa: ANN401 -- a map of the settings
    """Returns the names of a map, such as those of a setting."""
    if not isinstance(values, dict):
        raise TypeError(f"{kind_of(values)} is not a map")
    return [*values]


def picking(choose: Callable[..., Iterable[Any]]) -> Callable[..., list[Any]]:
    """Returns one of Jinja's selecting filters, made to return a list.

    Jinja's own returns a generator, which would be true even if it selects nothing.
    """

    @pass_context
    def picked(*args: Any, **kwargs: Any) -> list[Any]:  # noqa: ANN401 -- as Jinja's
        return [*choose(*args, **kwargs)]

    return picked
