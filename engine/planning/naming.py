"""Which row people mean: they give its key, the start of it, or its name as the plan shows it."""

from collections.abc import Mapping

LEAST = 4
"""Characters of a key that are enough to mean one row, if only one begins so."""

CUT = "…"
"""Where a plan cuts a long name."""


def fits(said: str, known: Mapping[str, str]) -> list[str]:
    """Keys of the rows that may be meant. `known`: keys with the names of their rows, empty where there is none."""
    if said in known:
        return [said]
    wanted = said.strip().casefold()
    found = [key for key in known if len(said) >= LEAST and key.casefold().startswith(wanted)]
    found = found or [key for key, name in known.items() if name and name.strip().casefold() == wanted]
    start = wanted.removesuffix(CUT).rstrip()
    if not found and wanted.endswith(CUT) and len(start) >= LEAST:
        found = [key for key, name in known.items() if name.strip().casefold().startswith(start)]
    return found
