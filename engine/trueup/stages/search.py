"""Ranks records by how well they fit a text that a user typed."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from trueup.expressions.filters import domain, normalise
from trueup.expressions.value_filters import fold
from trueup.model.record_search import Fit, Fits

ALIKE = 0.75
"""Names that are so similar may be two spellings of one."""

Texts = Mapping[str, str]
"""The searched values of one record, by field; none is empty."""


def rank(records: Mapping[int, Texts], text: str) -> list[tuple[int, Fits]]:
    """The records that fit, the best first; equally good ones by their first value, then by id."""
    found = [(id_, fits) for id_, texts in records.items() if (fits := _fits(texts, text))]
    return sorted(
        found,
        key=lambda pair: (
            [-fit for _, fit in pair[1].by],
            fold(next(iter(records[pair[0]].values()))),
            pair[0],
        ),
    )


def words_of(text: str) -> Sequence[str]:
    """The words by which texts are compared: without legal forms, accents and case."""
    return list(dict.fromkeys(normalise(text).split()))


def _fits(texts: Texts, text: str) -> Fits | None:
    """How the text fits the record; None where it does not."""
    found = [(name, fit) for name, value in texts.items() if (fit := _fit(value, text))]
    if not found:
        found = _by_words(texts, text)
    found.sort(key=lambda pair: -pair[1])  # fields that fit equally well stay in their order
    return Fits(tuple(found)) if found else None


def _fit(value: str, text: str) -> Fit | None:
    """How the text as a whole fits one value."""
    one, other = fold(value), fold(text)
    if one == other:
        return Fit.SAME
    names = normalise(value), normalise(text)
    if names[0] and names[0] == names[1]:
        return Fit.NAME
    if domain(value) and domain(value) == domain(text):
        return Fit.DOMAIN
    pairs = [pair for pair in ((one, other), names) if pair[1]]
    if any(begun.startswith(sought) for begun, sought in pairs):
        return Fit.BEGINS
    if any(sought in begun for begun, sought in pairs):
        return Fit.CONTAINS
    return Fit.ALIKE if all(names) and _are_alike(*names) else None


def _are_alike(one: str, other: str) -> bool:
    """Whether two names are similar; the quick bounds spare most comparisons."""
    matcher = SequenceMatcher(None, one, other)
    return (
        matcher.real_quick_ratio() >= ALIKE
        and matcher.quick_ratio() >= ALIKE
        and matcher.ratio() >= ALIKE
    )


def _by_words(texts: Texts, text: str) -> list[tuple[str, Fit]]:
    """Fields with words of the text; a word counts where a word of the value begins with it."""
    words = words_of(text)
    having = {name: _found_words(value, words) for name, value in texts.items()}
    found = set().union(*having.values())
    if not found:
        return []
    fit = Fit.WORDS if len(found) == len(words) else Fit.SOME_WORDS
    return [(name, fit) for name, some in having.items() if some]


def _found_words(value: str, words: Sequence[str]) -> set[str]:
    there = normalise(value).split()
    return {word for word in words if any(one.startswith(word) for one in there)}
