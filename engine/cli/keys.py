"""Which row a command is about: people give its key, the start of it, or its name; what is kept is the whole key."""

from collections.abc import Mapping

from engine.errors import EngineError
from engine.planning.naming import fits, nearest
from engine.render.harmless import clean

MOST = 5
"""Rows that are named where several fit."""


def whole(said: str, known: Mapping[str, str], mapping: str) -> str:
    """The key of the one row that is meant. `known`: keys with the names of their rows, empty where there is none.

    Raises EngineError where no row fits, or more than one.
    """
    found = fits(said, known)
    if len(found) > 1:
        shown = ", ".join(named(key, known[key]) for key in sorted(found)[:MOST])
        more = f" and {len(found) - MOST:,} more" if len(found) > MOST else ""
        text = f"{clean(said)!r} may be any of {len(found):,} rows of {mapping}: {shown}{more}; give the key"
        raise EngineError(text)
    if not found:
        near = nearest(said, known.values())
        hint = f"; did you mean {clean(near)!r}?" if near else ", or the start of it, as the plan shows it"
        raise EngineError(f"there is no row {clean(said)!r} of {mapping}: give its key{hint}")
    return found[0]


def named(key: str, name: str) -> str:
    """A row by its key, and in brackets by its name."""
    return f"{clean(key)} ({clean(name)})" if name and name != key else clean(key)
