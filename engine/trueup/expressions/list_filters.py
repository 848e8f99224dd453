"""Filters over lists: of rows, by a column, or of plain values. None among them counts for nothing."""

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import pass_context

from engine.expressions.values import LONGEST, as_text
from engine.expressions.words import kind


def each(values: Iterable[Any], attribute: str | None = None) -> list[Any]:
    """The values, or that attribute of each: an attribute that is not there is an error, not nothing."""
    return [*values] if attribute is None else [_part(item, attribute) for item in values]


def _part(item: Any, attribute: str) -> Any:  # noqa: ANN401 -- any value of a row
    if item is None:
        return None
    if not isinstance(item, dict):
        raise TypeError(f"{kind(item)} has no {attribute!r}")
    if attribute not in item:
        raise LookupError(f"there is no {attribute!r}")
    return item[attribute]


def pluck(values: Iterable[Any], attribute: str) -> list[Any]:
    """One attribute of each."""
    return each(values, attribute)


def total(values: Iterable[Any], attribute: str | None = None) -> Any:  # noqa: ANN401 -- int or Decimal, as the values are
    """The sum."""
    return sum((item for item in each(values, attribute) if item is not None), start=0)


def join(values: Iterable[object], separator: str = ", ", attribute: str | None = None) -> str:
    """Texts with a separator between, within what memory should bear."""
    texts = [as_text(item) for item in each(values, attribute)]
    if sum(map(len, texts)) + len(separator) * len(texts) > LONGEST:
        raise ValueError("the texts are too long for join")
    return separator.join(texts)


def ordered(values: Iterable[Any], attribute: str | None = None, reverse: bool = False) -> list[Any]:  # noqa: FBT001, FBT002 -- Jinja passes it by place
    """Sorted, by an attribute if one is named; none comes last."""
    pairs = _keyed(values, attribute)
    known = sorted((pair for pair in pairs if pair[0] is not None), key=_key, reverse=reverse)
    return [item for _, item in known] + [item for key, item in pairs if key is None]


def extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    """`min` or `max` of values, or the item whose attribute it is; none for no values."""

    def chosen(values: Iterable[Any], attribute: str | None = None) -> Any:  # noqa: ANN401 -- any value of a row
        known = [pair for pair in _keyed(values, attribute) if pair[0] is not None]
        return choose(known, key=_key)[1] if known else None

    return chosen


def _keyed(values: Iterable[Any], attribute: str | None) -> list[tuple[Any, Any]]:
    items = [*values]
    return [*zip(each(items, attribute), items, strict=True)]


def _key(pair: tuple[Any, Any]) -> Any:  # noqa: ANN401 -- any value of a row
    return pair[0]


def first(values: Iterable[Any]) -> Any:  # noqa: ANN401 -- any value of a row
    """The first one, or none."""
    return next(iter(values), None)


def last(values: Iterable[Any]) -> Any:  # noqa: ANN401 -- any value of a row
    """The last one, or none."""
    return next(reversed([*values]), None)


def unique(values: Iterable[Any]) -> list[Any]:
    """Each value once, in the order of its first place."""
    return list(dict.fromkeys(values))


def picking(choose: Callable[..., Iterable[Any]]) -> Callable[..., list[Any]]:
    """A filter of Jinja's that picks, giving a list: a generator would be true even when it gives nothing."""

    @pass_context
    def picked(*args: Any, **kwargs: Any) -> list[Any]:  # noqa: ANN401 -- as Jinja's
        return [*choose(*args, **kwargs)]

    return picked
