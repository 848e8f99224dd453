"""Wraps text into lines of a width, at spaces if possible."""

import re
from collections.abc import Iterator

from trueup.render.sanitize import width

_PIECES = re.compile(r"`[^`]*`[^ ]*|[^ ]+")
"""A command between backticks stays in one line, so that it can be copied; else words."""


def wrap(text: str, columns: int, hanging: int = 0) -> list[str]:
    """Returns the text in lines of at most that many columns; later ones indented by `hanging`.

    A word that is wider than a line is broken.
    """
    if width(text) <= columns:
        return [text]
    columns = max(columns, hanging + 2)
    lines: list[str] = []
    line = " " * (len(text) - len(text.lstrip(" ")))
    is_empty = True
    for piece in _pieces(text, columns - hanging):
        joined = line + piece if is_empty else f"{line} {piece}"
        if not is_empty and width(joined) > columns:
            lines.append(line)
            joined = " " * hanging + piece
        line, is_empty = joined, False
    return [*lines, line]


def _pieces(text: str, columns: int) -> Iterator[str]:
    """Words and commands, none of them wider than a line."""
    for piece in _PIECES.findall(text):
        parts = [piece] if width(piece) <= columns else piece.split(" ")
        for part in parts:
            yield from _broken(part, columns)


def _broken(word: str, columns: int) -> Iterator[str]:
    while width(word) > columns:
        taken, used = 0, 0
        for letter in word:
            used += width(letter)
            if used > columns and taken:
                break
            taken += 1
        yield word[:taken]
        word = word[taken:]
    if word:
        yield word
