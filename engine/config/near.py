"""A wrong name in, the nearest right one out."""

from collections.abc import Iterable
from difflib import get_close_matches

from engine.model.finding import Finding, Place, Severity

_FEW = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was most likely meant; case counts least."""
    folded: dict[str, str] = {}
    for right in sorted(known):
        folded.setdefault(right.casefold(), right)
    wanted = name.casefold()
    found = get_close_matches(wanted, folded, n=1, cutoff=0.6)
    longer = [right for right in folded if right.startswith(wanted)] if len(wanted) > 1 else []
    if not found and len(longer) == 1:
        found = longer
    return folded[found[0]] if found else None


def hint(name: str, known: Iterable[str]) -> str:
    """A remedy: the nearest name, or all of them where they are few."""
    names = sorted(set(known))
    if meant := nearest(name, names):
        return f"did you mean {meant!r}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= _FEW else ""


def unknown(text: str, name: str, known: Iterable[str], place: Place) -> Finding:
    """A finding about a name that is not known; `text` says what is wrong, the remedy what was meant."""
    return Finding("unknown-name", Severity.ERROR, text, hint(name, known), place)
