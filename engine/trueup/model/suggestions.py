"""The nearest right name for a wrong one, as messages suggest it.

Given a name that is not among the known ones, `closest` returns the most similar known name;
`nearest` also accepts the beginning of a name. `hint` makes the remedy, `unknown` the finding.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches

from trueup.model.finding import Finding, Place, Severity

ALIKE = 0.6
"""How similar two names must be, from 0 to 1, for one to be suggested for the other."""

MOST_SEARCHES = 1000
"""Names that are compared with the known ones in one check of a project."""

_FEW = 12
"""Up to this number of known names, a remedy lists them all."""


_searches_left: ContextVar[list[int] | None] = ContextVar("searches_left", default=None)
"""How many more names may be compared, inside `few_searches`."""


@contextmanager
def few_searches(most: int = MOST_SEARCHES) -> Iterator[None]:
    """Inside, only so many wrong names get a suggestion: to compare names takes time.

    A file may hold a hundred thousand wrong names. The first ones tell what is wrong with it.
    """
    token = _searches_left.set([most])
    try:
        yield
    finally:
        _searches_left.reset(token)


def _may_search() -> bool:
    left = _searches_left.get()
    if left is None:
        return True
    left[0] -= 1
    return left[0] >= 0


def _are_used_up() -> bool:
    left = _searches_left.get()
    return left is not None and left[0] < 0


def closest(name: str, known: Iterable[str], alike: float = ALIKE) -> str | None:
    """Returns the known name that is most similar to `name`, ignoring case, or None."""
    if not _may_search():
        return None
    names = by_case(known)
    matches = get_close_matches(name.casefold(), names, n=1, cutoff=alike)
    return names[matches[0]] if matches else None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Returns the closest known name, else the only known name that begins with `name`, or None."""
    names = [*known]
    if match := closest(name, names):
        return match
    if _are_used_up():
        return None

    longer = [
        original
        for folded, original in by_case(names).items()
        if len(name) > 1 and folded.startswith(name.casefold())
    ]
    return longer[0] if len(longer) == 1 else None


def hint(name: str, known: Iterable[str]) -> str:
    """Returns a remedy: the nearest known name, or all known names if there are only a few."""
    names = sorted(set(known))
    if match := nearest(name, names):
        return f"did you mean {match!r}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= _FEW else ""


def unknown(text: str, name: str, known: Iterable[str], place: Place) -> Finding:
    """Returns the finding for an unknown name. `text` says what is wrong; `hint` is the remedy."""
    return Finding("unknown-name", Severity.ERROR, text, hint(name, known), place)


def by_case(known: Iterable[str]) -> dict[str, str]:
    """Returns the known names by their case-folded form.

    Of names that differ only in case, the first in sort order is kept.
    """
    names: dict[str, str] = {}
    for name in sorted(known):
        if name:
            names.setdefault(name.casefold(), name)
    return names
