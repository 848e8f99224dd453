"""The few colours that output knows. A pipe gets `PLAIN`; a terminal's come from the command line."""

from collections.abc import Callable
from dataclasses import dataclass

Paint = Callable[[str], str]


def plain(text: str) -> str:
    """Text as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Style:
    """One function for each thing that may be painted; each takes text and gives it back with its colour."""

    heading: Paint = plain
    add: Paint = plain
    change: Paint = plain
    remove: Paint = plain
    link: Paint = plain
    warn: Paint = plain
    error: Paint = plain
    dim: Paint = plain


PLAIN = Style()
