"""Suggests the nearest known name for a wrong name, in messages.

Given a name that is not among the known ones, `closest` returns the most similar known name;
`nearest` also accepts the beginning of a name. `hint` makes the remedy, `unknown` the finding.
`counterpart` returns the name from which a name differs by a typo in one of both only.
Words with which many known names begin or end, such as the prefix of a Dataverse publisher, do not
count: `work365_lcl_isaudit` is no suggestion for `work365_lcl_quantity`.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache

from trueup.model.finding import Finding, Place, Severity

ALIKE = 0.6
"""How similar two names must be, from 0 to 1, for one to be suggested for the other."""

MOST_SEARCHES = 1000
"""Names that are compared with the known ones in one check of a project."""

_COMMON = 3
"""From this number of known names on, the words that they begin or end with do not count."""

_FEW = 12
"""Up to this number of known names, a remedy lists them all."""


_MOST_WORDS = 8
"""Words at the start and at the end of a name that are compared with those of other names."""

_WORD_START = re.compile(r"(?<=[^\W_])[\W_]+(?=[^\W_])|(?<=[a-z0-9])(?=[A-Z])")
"""What separates two words of a name: `_` in `end_date`, nothing in `endDate`."""

_WORDS = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+")

_SAME_WORD = 0.7
"""From this similarity on, two words of two names may be one with a typo: `form` and `from`."""

_MOST_LISTED = 40
"""Up to this number of names of a catalogue, a remedy lists them all; of more, the first few."""

_searches_left: ContextVar[list[int] | None] = ContextVar("searches_left", default=None)
"""How many more names may be compared, inside `few_searches`."""


@contextmanager
def few_searches(most: int = MOST_SEARCHES) -> Iterator[None]:
    """Limits the number of searches for suggestions inside the block, because they are slow.

    A file may hold a hundred thousand wrong names. The first ones show what is wrong with it.
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
    """Returns the known name that is most similar to `name`, ignoring case, or None.

    Blanks around `name` do not count.
    """
    if not _may_search():
        return None
    names = by_case(known)
    wrong = name.strip().casefold()
    if wrong in names:
        return names[wrong]
    best, most = None, 0.0
    for (start, end), rest in _by_common_words(wrong, names).items():
        sought = wrong[start : len(wrong) - end]
        for match in get_close_matches(sought, rest, n=1, cutoff=alike):
            ratio = SequenceMatcher(None, match, sought).ratio()
            if ratio > most:
                best, most = rest[match], ratio
    return best


def _by_common_words(wrong: str, names: Mapping[str, str]) -> dict[tuple[int, int], dict[str, str]]:
    """Returns what counts of the known names, with the whole names.

    It is grouped by the lengths of the start and the end that do not count, because `wrong` has
    them as many known names do. `names` and `wrong` are case-folded.
    """
    parts = {folded: _parts(name) for folded, name in names.items()}
    starts = Counter(start for both in parts.values() for start in both[0])
    ends = Counter(end for both in parts.values() for end in both[1])

    groups: dict[tuple[int, int], dict[str, str]] = {}
    for folded, name in names.items():
        known_starts, known_ends = parts[folded]
        start = _longest(
            one for one in known_starts if starts[one] >= _COMMON and wrong.startswith(one)
        )
        end = _longest(one for one in known_ends if ends[one] >= _COMMON and wrong.endswith(one))
        if start == len(wrong):
            continue  # it begins many names: each of them would be a guess
        if start + end >= min(len(folded), len(wrong)):
            end = 0
        groups.setdefault((start, end), {})[folded[start : len(folded) - end]] = name
    return groups


@lru_cache(maxsize=4096)
def _parts(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The starts and the ends of a name that are whole words, case-folded."""
    found = [*_WORD_START.finditer(name)]
    starts = tuple(name[: match.end()].casefold() for match in found[:_MOST_WORDS])
    ends = tuple(name[match.start() :].casefold() for match in found[-_MOST_WORDS:])
    return starts, ends


def _longest(parts: Iterable[str]) -> int:
    return max(map(len, parts), default=0)


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


def counterpart(name: str, names: Collection[str], alike: float = ALIKE) -> str | None:
    """Returns the name from which `name` differs by a typo only, or None where that is not certain.

    `names` are all names that either could be, those that are missing and those that are there.
    Each of both is the closest one of the other: a third name that is closer to the one that is
    missing was likely meant, and of two that are as close, either was. Names that differ in a
    number or by a whole word (`setup_fee_2`) are two names.
    """
    other = closest(name, {*names} - {name}, alike)
    if other is None or _are_two(name, other):
        return None
    if closest(other, {*names, name} - {other}, alike) != name:
        return None
    thirds = {*names} - {name, other}
    return None if _is_as_close(thirds, name, other) or _is_as_close(thirds, other, name) else other


def _is_as_close(thirds: Iterable[str], one: str, other: str) -> bool:
    """Returns whether any of these names is just as similar to `other` as `one` is."""
    return any(_similarity(third, other) == _similarity(one, other) for third in thirds)


def _similarity(one: str, other: str) -> float:
    return SequenceMatcher(None, one.casefold(), other.casefold()).ratio()


def _are_two(name: str, other: str) -> bool:
    """Returns whether two names that resemble each other are so by intent.

    They differ by a number, by a word that one has besides, or by a word that is another one:
    `note_gbp` and `note_eur`.
    """
    ours, theirs = (Counter(map(str.casefold, _WORDS.findall(one))) for one in (name, other))
    one, two = [*(ours - theirs).elements()], [*(theirs - ours).elements()]
    if any(word.isdecimal() for word in (*one, *two)) or ours < theirs or theirs < ours:
        return True
    return len(one) == len(two) == 1 and _similarity(one[0], two[0]) < _SAME_WORD


def hint(name: str, known: Iterable[str]) -> str:
    """Returns a remedy: the nearest known name, or all known names if there are only a few."""
    names = sorted(set(known))
    if match := nearest(name, names):
        return f"did you mean {match!r}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= _FEW else ""


def listed(name: str, known: Iterable[str], add: str) -> str:
    """Returns a remedy for a name that a catalogue lacks: the nearest one, else all of them.

    `add` says how one is added.
    """
    names = sorted(set(known))
    if match := nearest(name, names):
        return f"did you mean {match!r}?"
    if _are_used_up():
        return add
    if len(names) > _MOST_LISTED:
        names = [*names[:_FEW], f"{len(names) - _FEW} more"]
    return f"known: {', '.join(names)}; {add}"


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
