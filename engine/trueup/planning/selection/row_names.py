"""Finds the row that a user means by its key, the start of the key, or its name in the plan."""

from collections.abc import Mapping

LEAST = 4
"""Characters of a key that are enough to name one row, if only one begins so."""

CUT = "…"
"""The mark of a long name that a plan cuts."""


def matching_keys(text: str, names: Mapping[str, str], least: int = LEAST) -> list[str]:
    """Keys of the rows that `text` may mean.

    `names`: keys with the names of their rows, empty if there is none. `least`: characters that
    the start of a key must have.
    """
    if text in names:
        return [text]
    wanted = text.strip().casefold()
    is_long = len(wanted) >= max(least, 1)
    found = [key for key in names if is_long and key.casefold().startswith(wanted)]
    found = found or [
        key for key, name in names.items() if name and name.strip().casefold() == wanted
    ]
    start = wanted.removesuffix(CUT).rstrip()
    if not found and wanted.endswith(CUT) and len(start) >= LEAST:
        found = [key for key, name in names.items() if name.strip().casefold().startswith(start)]
    return found
