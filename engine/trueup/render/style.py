"""The colours and the width of output. Output to a pipe has `PLAIN`."""

from collections.abc import Callable

from msgspec import Struct

Paint = Callable[[str], str]

WIDTH = 120
"""Columns of a plan's lines without a terminal."""


def plain(text: str) -> str:
    """Returns text unchanged."""
    return text


class Style(Struct, frozen=True):
    """One function for each kind of text: text in, text with its colour out."""

    heading: Paint = plain
    add: Paint = plain
    change: Paint = plain
    remove: Paint = plain
    link: Paint = plain
    warn: Paint = plain
    error: Paint = plain
    dim: Paint = plain
    columns: int | None = None  # of the terminal; None: there is none


PLAIN = Style()
