"""Filters and tests for parts of texts. None passes through a filter."""

from typing import Any

from trueup.expressions.number_filters import to_int
from trueup.expressions.value_filters import as_text
from trueup.model.coerce import to_whole


def substring(value: object, start: int, length: int | None = None) -> str | None:
    """Returns at most `length` characters, from the position `start` on; the first one is 0."""
    if value is None:
        return None
    first, count = to_whole(start), to_int(length)
    if first < 0 or (count is not None and count < 0):
        raise ValueError("substring counts from 0 on; slice also counts from the end")
    return as_text(value)[first : None if count is None else first + count]


def cut(value: Any, start: int = 0, end: int | None = None) -> Any:  # noqa: ANN401 -- text or list
    """Returns the characters, or the items of a list, from `start` on and before `end`.

    Negative positions count from the end: `slice(-4)` gives the last four.
    """
    if value is None:
        return None
    return (value if isinstance(value, list | tuple) else as_text(value))[
        to_int(start) : to_int(end)
    ]


def title(value: object) -> str | None:
    """Returns the text with a capital at the beginning of each word and small letters after it."""
    if value is None:
        return None
    words = as_text(value).split(" ")
    return " ".join("-".join(part.capitalize() for part in word.split("-")) for word in words)


def capitalize(value: object) -> str | None:
    """Returns the text with a capital at its beginning; other letters stay as they are."""
    text = as_text(value)
    return None if value is None else text[:1].upper() + text[1:]


def split(value: object, separator: str | None = None) -> list[str]:
    """Returns the parts of the text between separators, without spaces around them.

    Without a separator, returns the words. None gives an empty list.
    """
    if separator == "":
        raise ValueError("split needs a separator of at least one character")
    text = as_text(value)
    return [part.strip() for part in text.split(separator)] if text else []


def pad(value: object, length: int, fill: str = "0") -> str | None:
    """Returns the text with `fill` before it, so that it has at least `length` characters."""
    if value is None:
        return None
    count = to_whole(length)
    if len(fill) != 1 or not 0 <= count <= 1_000:  # noqa: PLR2004 -- far above any field
        raise ValueError("pad needs one character, and a length of at most 1,000")
    return as_text(value).rjust(count, fill)


def starts_with(value: object, start: str) -> bool:
    """Returns whether the text begins with `start`."""
    return value is not None and as_text(value).startswith(start)


def ends_with(value: object, end: str) -> bool:
    """Returns whether the text ends with `end`."""
    return value is not None and as_text(value).endswith(end)
