"""Values as text, and the filters for text and for any value. None passes through most of them."""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jinja2 import Undefined

from trueup.model.coerce import BOOLEANS, plain_number, to_whole

LONGEST = 100_000
"""The most characters that a filter may give, so that no expression fills the memory."""


def as_text(value: object) -> str:  # noqa: PLR0911 -- one for each type
    """Returns a value as text.

    None is an empty text, a day is written as in ISO 8601, a number without an exponent or trailing
    zeros, yes and no as `true` and `false`, lists and maps as JSON. Raises `ValueError` if a list
    or a map is longer than `LONGEST`.
    """
    match value:
        case str():
            return str(value)
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return plain_number(value)
        case datetime() | date():
            return value.isoformat()
        case list() | tuple() | dict():
            return _as_json(value)
        case _:
            return str(value)


def _as_json(value: object) -> str:
    """Returns the text of a list or a map. Raises as `as_text`."""
    length = 0
    parts: list[str] = []
    for part in _json_parts(value):
        length += len(part)
        if length > LONGEST:
            raise ValueError("the list or map is too long to be written as text")
        parts.append(part)
    return "".join(parts)


def _json_parts(value: object) -> Iterator[str]:
    match value:
        case None:
            yield "null"
        case bool() | int() | Decimal():
            yield as_text(value)
        case dict():
            yield "{"
            for number, (name, part) in enumerate(value.items()):
                yield f"{', ' if number else ''}{_quoted(name)}: "
                yield from _json_parts(part)
            yield "}"
        case list() | tuple():
            yield "["
            for number, part in enumerate(value):
                yield ", " if number else ""
                yield from _json_parts(part)
            yield "]"
        case _:
            yield _quoted(value)


def _quoted(value: object) -> str:
    return json.dumps(as_text(value), ensure_ascii=False)


def fold(value: object) -> str:
    """Returns the text of a value for a look-up: without case and surrounding spaces."""
    return (value if type(value) is str else as_text(value)).strip().casefold()


def fold_all(values: Iterable[object]) -> str:
    """Returns one text for several values; equal if they differ in case and outer spaces only."""
    return "\0".join(map(fold, values))


def truncate_visibly(value: object, length: int) -> str | None:
    """Returns at most `length` characters, ending in … if something was cut off."""
    if value is None:
        return None
    longest = to_whole(length)
    if longest < 1:
        raise ValueError("truncate_visibly needs a length of at least 1")
    text = as_text(value)
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def trim(value: object) -> str | None:
    """Returns the text without surrounding spaces."""
    return None if value is None else as_text(value).strip()


def lower(value: object) -> str | None:
    """Returns the text in lower case."""
    return None if value is None else as_text(value).lower()


def upper(value: object) -> str | None:
    """Returns the text in upper case."""
    return None if value is None else as_text(value).upper()


def replace(value: object, old: str, new: str) -> str | None:
    """Returns the text with every `old` replaced by `new`.

    Raises `ValueError` if that makes it longer than `LONGEST`.
    """
    if value is None:
        return None
    text = as_text(value)
    growth = text.count(old) * (len(new) - len(old))
    if growth > 0 and len(text) + growth > LONGEST:
        raise ValueError("the text is too long for replace")
    return text.replace(old, new)


def yes_no(value: object) -> str | None:
    """Returns `Yes` or `No`; `No` also for the texts `false`, `no` and `0`."""
    if value is None:
        return None
    if isinstance(value, str):
        value = BOOLEANS.get(fold(value), bool(value))
    return "Yes" if value else "No"


def default(
    value: Any,  # noqa: ANN401 -- any value of a row
    instead: Any = "",  # noqa: ANN401 -- any value of a row
    boolean: bool = False,  # noqa: FBT001, FBT002 -- as in Jinja
) -> Any:  # noqa: ANN401 -- any value of a row
    """Returns `instead` for undefined and for none; with `boolean`, for any false value."""
    if isinstance(value, Undefined) or value is None or (boolean and not value):
        return instead
    return value
