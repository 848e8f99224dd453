"""A wrong name in, the nearest right one out."""

from collections.abc import Iterable

from engine.model.finding import Finding, Place, Severity
from engine.model.near import by_case, closest

_FEW = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was most likely meant; case counts least."""
    names = [*known]
    if found := closest(name, names):
        return found
    longer = [right for folded, right in by_case(names).items() if len(name) > 1 and folded.startswith(name.casefold())]
    return longer[0] if len(longer) == 1 else None


def hint(name: str, known: Iterable[str]) -> str:
    """A remedy: the nearest name, or all of them where they are few."""
    names = sorted(set(known))
    if meant := nearest(name, names):
        return f"did you mean {meant!r}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= _FEW else ""


def unknown(text: str, name: str, known: Iterable[str], place: Place) -> Finding:
    """A finding about a name that is not known; `text` says what is wrong, the remedy what was meant."""
    return Finding("unknown-name", Severity.ERROR, text, hint(name, known), place)
