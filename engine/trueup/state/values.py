"""Values as text and back, with their types: canonical JSON with tags for types that JSON lacks.

A decimal is `{"$decimal": "1.50"}`, a day `{"$date": "2026-11-20"}`, an instant `{"$time": "…"}`. A
mapping with a key that looks like a tag is `{"$map": [[key, value], …]}`. Tuples are read as lists.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from trueup.errors import StateError

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
"""Made once: `json.dumps` with options makes one for each document."""

_PLAIN = frozenset({str, int, bool, type(None)})

_READERS: dict[str, Callable[[Any], object]] = {
    "$decimal": Decimal,
    "$date": date.fromisoformat,
    "$time": datetime.fromisoformat,
    "$map": dict,
}


class ForeignValue(ValueError):
    """A column holds a value that trueup did not write."""


UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""Errors that reading raises for such a value."""


def foreign_value(name: str) -> StateError:
    """Returns the error of a store, by its name in messages, that holds such a value."""
    return StateError(f"{name} holds a value that trueup did not write: put a copy back")


@contextmanager
def foreign_if_rejected(rejected: tuple[type[Exception], ...]) -> Iterator[None]:
    """Raises `ForeignValue` where a database raises one of these errors for rows of an import."""
    try:
        yield
    except rejected as error:
        raise ForeignValue("a row of an import") from error


def encode(value: object) -> str:
    """Canonical JSON: equal values give equal texts.

    Raises `TypeError` for values that could not be read back as they were: floats, keys that are
    not text, decimals that are not finite, and any other class.
    """
    return canonical(_tagged(value))


def decode(text: str) -> Any:  # noqa: ANN401 -- the caller knows the type
    """The value that `encode` was given. Raises `ValueError` or `TypeError` for any other text."""
    return json.loads(text, object_hook=_untagged)


def canonical(document: object) -> str:
    """JSON on one line, in ASCII, with sorted keys: the form that is hashed and stored."""
    return _CANONICAL.encode(document)


def _tagged(value: object) -> object:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, list | tuple):
        return [_tagged(item) for item in value]
    return _scalar(value)


def _mapping(value: Mapping[Any, object]) -> object:
    tagged = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"the state stores mappings with text keys, not {type(key).__name__}")
        tagged[key] = item if type(item) in _PLAIN else _tagged(item)
    if any(key.startswith("$") for key in tagged):
        return {"$map": sorted(tagged.items())}
    return tagged


def _scalar(value: object) -> object:
    if isinstance(value, Decimal) and value.is_finite():
        return {"$decimal": str(value)}
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, str | int):  # enumerations are stored as their values
        return value
    raise TypeError(
        f"the state cannot store a {type(value).__name__}: it could not be read back as it was"
    )


def _untagged(document: dict[str, Any]) -> object:
    if len(document) == 1:
        ((tag, value),) = document.items()
        if tag in _READERS:
            return _READERS[tag](value)
    return document
