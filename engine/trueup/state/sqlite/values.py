"""Values as text and back, with their types: canonical JSON in which what JSON lacks is tagged.

A decimal is `{"$decimal": "1.50"}`, a day `{"$date": "2026-11-20"}`, an instant `{"$time": "…"}`; a mapping
with a key that could be taken for a tag is `{"$map": [[key, value], …]}`. Tuples come back as lists.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_PLAIN = frozenset({str, int, bool, type(None)})

_READERS: dict[str, Callable[[Any], object]] = {
    "$decimal": Decimal,
    "$date": date.fromisoformat,
    "$time": datetime.fromisoformat,
    "$map": dict,
}


def encode(value: object) -> str:
    """Canonical JSON: the same value gives the same text.

    Raises TypeError for what would not come back as it was: floats, keys that are no text, numbers that
    are none, any other class.
    """
    return canonical(_tagged(value))


def decode(text: str) -> Any:  # noqa: ANN401 -- the caller knows what it wrote
    """What `encode` was given. Raises ValueError or TypeError for what it never wrote."""
    return json.loads(text, object_hook=_untagged)


def canonical(document: object) -> str:
    """JSON in one line and one way only, in ASCII: what is hashed and stored."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


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
            raise TypeError(f"state keeps mappings with keys of text, not of {type(key).__name__}")
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
    if isinstance(value, str | int):  # enumerations: their value
        return value
    raise TypeError(f"state does not keep a {type(value).__name__}: it would not come back as it was")


def _untagged(found: dict[str, Any]) -> object:
    if len(found) == 1:
        for tag, value in found.items():
            if tag in _READERS:
                return _READERS[tag](value)
    return found
