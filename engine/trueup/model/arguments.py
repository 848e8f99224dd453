"""Checks of what Python callers pass: they may leave types unchecked, and variables unset."""

import re
import unicodedata
from collections.abc import Collection
from datetime import date

from trueup.errors import EngineError

_SHORT = (str, bytes, bool, int, float, date, list, tuple, type(None))
_LONGEST = 200
"""Characters of a value that a message repeats."""

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols of Unicode that show nothing."""

_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""What a terminal obeys: colours, moves of the cursor."""


def is_visible(text: str) -> bool:
    """Returns whether a reader of the text sees anything: a letter, a digit, a sign."""
    return any(
        unicodedata.category(character)[0] in "LNPS" and character not in _BLANK
        for character in _SEQUENCE.sub("", text)
    )


def require(name: str, value: object, kind: type) -> None:
    """Raises EngineError for a value of another type."""
    if not isinstance(value, kind):
        raise EngineError(f"{name} is {shown(value)}: the type must be {kind.__name__}")


def require_text(name: str, value: object) -> None:
    """Raises EngineError for anything but a text with a character that can be seen.

    An empty text is most often a variable that was not set: taken as "all", it would lift a limit.
    """
    require_string(name, value)
    if isinstance(value, str) and not is_visible(value):
        raise EngineError(f"{name} is empty: give a value, or leave it out")


def require_string(name: str, value: object) -> None:
    """Raises EngineError for anything but a text, which may be empty."""
    if not isinstance(value, str):
        raise EngineError(f"{name} is {shown(value)}: give a text")


def require_texts(name: str, values: object) -> None:
    """Raises EngineError for anything but a tuple or another collection of texts.

    A single text is a collection of its letters, and would be taken for as many names.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Collection):
        raise EngineError(f"{name} is {shown(values)}: give texts in a tuple")
    for value in values:
        require_text(name, value)


def shown(value: object) -> str:
    """Returns the value, without the middle of a long one; its type only where it has parts."""
    if not isinstance(value, _SHORT):
        return f"of type {type(value).__name__}"
    text = repr(value)
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"
