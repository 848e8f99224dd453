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
    indent = len(text) - len(text.lstrip(" "))
    pieces: list[str] = []  # of the line, which is as wide as `used`
    used = indent
    for piece in _pieces(text, columns - hanging):
        wide = width(piece)
        if pieces and used + 1 + wide > columns:
            lines.append(" " * indent + " ".join(pieces))
            indent = used = hanging
            pieces = []
        used += wide + (1 if pieces else 0)
        pieces.append(piece)
    return [*lines, " " * indent + " ".join(pieces)]


def _pieces(text: str, columns: int) -> Iterator[str]:
    """Words and commands, none of them wider than a line."""
    for found in _PIECES.finditer(text):
        piece = found[0]
        parts = [piece] if width(piece) <= columns else piece.split(" ")
        for part in parts:
            yield from _broken(part, columns)


def _broken(word: str, columns: int) -> Iterator[str]:
    """The word in parts that fit, each letter looked at once."""
    start, used = 0, 0
    for at, letter in enumerate(word):
        wide = width(letter)
        if used + wide > columns and at > start:
            yield word[start:at]
            start, used = at, 0
        used += wide
    if word:
        yield word[start:]
