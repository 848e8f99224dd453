"""Which row a command is about: people give its key, the start of it, or its name; what is kept is the whole key."""

from collections.abc import Mapping, Sequence

from engine.errors import EngineError
from engine.model.near import closest
from engine.planning.naming import LEAST, fits
from engine.render.harmless import clean

MOST = 5
"""Rows that are named where several fit."""


def whole(said: str, known: Mapping[str, str], mapping: str) -> str:
    """The key of the one row that is meant. `known`: keys with the names of their rows, empty where there is none.

    Raises EngineError where no row fits, or more than one.
    """
    found = fits(said, known)
    if len(found) > 1:
        raise EngineError(
            f"{clean(said)!r} may be any of {len(found):,} rows of {mapping}: {_some(found, known)}; give the key"
        )
    if not found:
        _too_little(said, known, mapping)
        near = closest(said, known.values())
        hint = f"; did you mean {clean(near)!r}?" if near else ", or the start of it, as the plan shows it"
        raise EngineError(f"there is no row {clean(said)!r} of {mapping}: give its key{hint}")
    return found[0]


def _too_little(said: str, known: Mapping[str, str], mapping: str) -> None:
    """Raises EngineError where keys start so, and it is too little to mean one."""
    found = [key for key in known if key.casefold().startswith(said.strip().casefold())] if said.strip() else []
    if len(found) > 1:
        text = f"{len(found):,} keys of {mapping} start with {clean(said)!r}: {_some(found, known)}: give more of it"
        raise EngineError(text)
    if found:
        text = f"one key of {mapping} starts with {clean(said)!r}, {_some(found, known)}"
        raise EngineError(f"{text}: give at least {LEAST} characters of it")


def _some(found: Sequence[str], known: Mapping[str, str]) -> str:
    shown = ", ".join(named(key, known[key]) for key in sorted(found)[:MOST])
    return shown + (f" and {len(found) - MOST:,} more" if len(found) > MOST else "")


def named(key: str, name: str) -> str:
    """A row by its key, and in brackets by its name."""
    return f"{clean(key)} ({clean(name)})" if name and name != key else clean(key)
