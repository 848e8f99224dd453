"""A wrong name in, the nearest right one out."""

from collections.abc import Iterable
from difflib import get_close_matches

ALIKE = 0.6
"""How much alike two names must be for one to be meant by the other, from 0 to 1."""


def closest(name: str, known: Iterable[str], alike: float = ALIKE) -> str | None:
    """The known name that is most like it; case counts least."""
    folded = by_case(known)
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=alike)
    return folded[found[0]] if found else None


def by_case(known: Iterable[str]) -> dict[str, str]:
    """Known names without case → the names; the first of those that differ in case only."""
    folded: dict[str, str] = {}
    for name in sorted(known):
        if name:
            folded.setdefault(name.casefold(), name)
    return folded
