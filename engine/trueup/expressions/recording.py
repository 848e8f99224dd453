"""Records which parts of expressions are evaluated, for the coverage of a project's tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

MARK = "reached branch"
"""The filter that notes a part. No expression can name it: its name has a space."""

Reached = set[tuple[str, int]]
"""Texts of expressions, each with the number of a branch; 0 is the expression as a whole."""

_reached: ContextVar[Reached | None] = ContextVar("reached", default=None)


@contextmanager
def recording() -> Iterator[Reached]:
    """Inside, expressions note the branches that are evaluated in the set."""
    reached: Reached = set()
    token = _reached.set(reached)
    try:
        yield reached
    finally:
        _reached.reset(token)


def is_recording() -> bool:
    """Whether branches are noted at present."""
    return _reached.get() is not None


def mark(value: Any, text: str, branch: int) -> Any:  # noqa: ANN401 -- any value of a row
    """Notes a branch; returns its value."""
    reached = _reached.get()
    if reached is not None:
        reached.add((text, branch))
    return value
