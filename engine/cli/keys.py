"""Which row a command is about: people give its key, the start of it, or its name; what is kept is the whole key."""

from collections.abc import Mapping
from difflib import get_close_matches

from engine.errors import EngineError
from engine.render.harmless import clean

LEAST = 4
"""Characters of a key that are enough to mean one row, if only one begins so."""

MOST = 5
"""Rows that are named where several fit."""


def whole(said: str, known: Mapping[str, str], mapping: str) -> str:
    """The key of the one row that is meant. `known`: keys with the names of their rows, empty where there is none.

    Raises EngineError where no row fits, or more than one.
    """
    if said in known:
        return said
    fits = [key for key in known if len(said) >= LEAST and key.casefold().startswith(said.casefold())]
    fits = fits or [key for key, name in known.items() if name and name.casefold() == said.casefold()]
    if len(fits) > 1:
        shown = ", ".join(named(key, known[key]) for key in sorted(fits)[:MOST])
        more = f" and {len(fits) - MOST:,} more" if len(fits) > MOST else ""
        raise EngineError(f"{clean(said)!r} may be any of {len(fits):,} rows of {mapping}: {shown}{more}; give the key")
    if not fits:
        near = get_close_matches(said, [name for name in known.values() if name], 1)
        hint = f"; did you mean {clean(near[0])!r}?" if near else ", or the start of it, as the plan shows it"
        raise EngineError(f"there is no row {clean(said)!r} of {mapping}: give its key{hint}")
    return fits[0]


def named(key: str, name: str) -> str:
    """A row by its key, and in brackets by its name."""
    return f"{clean(key)} ({clean(name)})" if name and name != key else clean(key)
