"""Regular expressions whose time grows only with the length of the text.

The syntax is RE2's: that of Python without look-around and back-references, which are what makes
other engines run for hours on a short text. A limit in seconds would depend on the machine, and the
same input must give the same plan. So there is no such limit; the sizes of pattern and text are
limited instead. RE2 is Google's; its Python package comes from the same repository.
"""

from functools import lru_cache
from typing import Any

import re2

from trueup.expressions.value_filters import LONGEST, as_text
from trueup.model.coerce import to_whole

LONGEST_PATTERN = 1_000
"""The most characters of a pattern."""

_MEMORY = 1 << 20
"""Bytes that a compiled pattern may take; a pattern such as `(a{1,90}){1,90}` would take more."""

_TOO_LONG = "the text is too long for regex_replace"

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False  # they are raised; RE2 would write them to stderr as well
_OPTIONS.max_mem = _MEMORY


@lru_cache(maxsize=1_024)
def compile_pattern(pattern: str) -> Any:  # noqa: ANN401 -- the package has no types
    """Returns the compiled pattern. Raises `ValueError`, with the part that is wrong."""
    if not isinstance(pattern, str):
        raise TypeError("a pattern is text")
    _require_whole_characters(pattern)
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"the pattern has more than {LONGEST_PATTERN:,} characters")
    try:
        return re2.compile(pattern, options=_OPTIONS)
    except re2.error as fault:
        raise ValueError(f"{pattern!r:.60} is not a pattern: {_reason(fault)}") from fault


def _reason(fault: Exception) -> str:
    raw = fault.args[0] if fault.args else ""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    if text.startswith(("invalid perl operator: (?=", "invalid perl operator: (?!")):
        return "look-ahead is not available"
    if text.startswith("invalid perl operator: (?<"):
        return "look-behind is not available"
    if text.startswith(("pattern too large", "invalid repetition size")):
        return "its repetitions make it too large"
    return text


def _text(value: object) -> str:
    text = as_text(value)
    if len(text) > LONGEST:
        raise ValueError("the text is too long for a pattern")
    _require_whole_characters(text)
    return text


def _require_whole_characters(text: str) -> None:
    """Raises `ValueError` for half of a surrogate pair: JSON can hold one, RE2 takes none."""
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        character = f"U+{ord(text[fault.start]):04X}"
        raise ValueError(f"{character} is half of a character, which no pattern fits") from fault


def matches(value: object, pattern: str) -> bool:
    """Returns whether the pattern fits the whole text; none never fits."""
    compiled = compile_pattern(pattern)
    return value is not None and compiled.fullmatch(_text(value)) is not None


def regex_find(value: object, pattern: str, group: int = 0) -> str | None:
    """Returns the first place that the pattern fits, or one of its groups; none if it fits nowhere.

    Raises `ValueError` for a group that the pattern does not have.
    """
    compiled = compile_pattern(pattern)
    number = to_whole(group)
    if not 0 <= number <= compiled.groups:
        raise ValueError(f"the pattern has no group {number}")
    found = None if value is None else compiled.search(_text(value))
    return found.group(number) if found else None


def regex_find_all(value: object, pattern: str) -> list[str]:
    """Returns all places that the pattern fits, as a list of texts."""
    compiled = compile_pattern(pattern)
    return [] if value is None else [found.group(0) for found in compiled.finditer(_text(value))]


def regex_replace(value: object, pattern: str, new: str) -> str | None:
    r"""Returns the text with every place that the pattern fits replaced by `new`.

    In `new`, `\1` stands for the first group of the pattern, and `\0` for all that it fits.
    Raises `ValueError` if the result is longer than `LONGEST`, or the pattern has no such group.
    """
    compiled = compile_pattern(pattern)
    if value is None:
        return None
    parts = replacement_parts(pattern, new)
    text = _text(value)
    written: list[str] = []
    length = end = 0
    for found in compiled.finditer(text):
        written.append(text[end : found.start()])
        written += [part if isinstance(part, str) else found.group(part) or "" for part in parts]
        end = found.end()
        length += sum(map(len, written[-1 - len(parts) :]))
        if length > LONGEST:  # a text of many matches would take memory until the end
            raise ValueError(_TOO_LONG)
    if length + len(text) - end > LONGEST:
        raise ValueError(_TOO_LONG)
    return "".join([*written, text[end:]])


@lru_cache(maxsize=1_024)
def replacement_parts(pattern: str, new: str) -> tuple[str | int, ...]:
    r"""Returns the texts of a replacement, with the numbers of the groups between them.

    Raises `ValueError` for a group that the pattern does not have.
    """
    parts: list[str | int] = []
    text, position = "", 0
    while position < len(new):
        following = new[position + 1 : position + 2]
        if new[position] == "\\" and following.isdecimal():
            group = int(following)
            if group > compile_pattern(pattern).groups:
                raise ValueError(f"the pattern has no group {group}")
            parts += [text, group]
            text = ""
        elif new[position] == "\\" and following == "\\":
            text += "\\"
        else:
            text += new[position]
            position += 1
            continue
        position += 2
    return (*parts, text)
