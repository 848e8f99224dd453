"""Ranks records by how well they fit a text that a user typed."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from msgspec import Struct

from trueup.expressions.filters import domain, normalise
from trueup.expressions.value_filters import fold
from trueup.model.record_search import Fit, Fits

ALIKE = 0.75
"""Names that are so similar may be two spellings of one."""

FORMS_KEPT = 65_536
"""Values whose forms are kept; the records of a large tenant have about a third of that."""

LONGEST_KEPT = 200
"""Characters of such a value."""

Texts = Mapping[str, str]
"""The searched values of one record, by field; none is empty."""


def rank(records: Mapping[int, Texts], text: str) -> list[tuple[int, Fits]]:
    """Returns the records that fit, the best first; equals by their first value, then by id."""
    query = _Query(text)
    found = [(id_, fits) for id_, texts in records.items() if (fits := query.fits(texts))]
    return sorted(
        found,
        key=lambda pair: (
            [-fit for _, fit in pair[1].by],
            _forms(next(iter(records[pair[0]].values()))).folded,
            pair[0],
        ),
    )


def words_of(text: str) -> Sequence[str]:
    """Returns the words by which texts are compared, without legal forms, accents and case."""
    return list(dict.fromkeys(normalise(text).split()))


class _Forms(Struct, frozen=True):
    """A text in the forms in which it is compared."""

    folded: str
    name: str  # without legal forms; empty if nothing is left
    domain: str

    @classmethod
    def of(cls, text: str) -> "_Forms":
        return cls(fold(text), normalise(text), domain(text) or "")


_kept_forms = lru_cache(maxsize=FORMS_KEPT)(_Forms.of)


def _forms(text: str) -> _Forms:
    """Returns the forms of a text; cached, because searches while typing repeat them."""
    return _kept_forms(text) if len(text) <= LONGEST_KEPT else _Forms.of(text)


class _Query:
    """The text of a search."""

    def __init__(self, text: str) -> None:
        self._forms, self._words = _Forms.of(text), words_of(text)
        self._matcher = SequenceMatcher(None, "", self._forms.name)

    def fits(self, texts: Texts) -> Fits | None:
        """How the text fits the record; None if it does not."""
        found = [(name, fit) for name, value in texts.items() if (fit := self._fit(_forms(value)))]
        if not found:
            found = self._by_words(texts)
        found.sort(key=lambda pair: -pair[1])  # fields that fit equally well stay in their order
        return Fits(tuple(found)) if found else None

    def _fit(self, value: _Forms) -> Fit | None:
        """How the text as a whole fits one value."""
        own = self._forms
        if value.folded == own.folded:
            return Fit.SAME
        if value.name and value.name == own.name:
            return Fit.NAME
        if value.domain and value.domain == own.domain:
            return Fit.DOMAIN
        pairs = [(value.folded, own.folded)]
        pairs += [(value.name, own.name)] if own.name else []
        if any(begun.startswith(sought) for begun, sought in pairs):
            return Fit.BEGINS
        if any(sought in begun for begun, sought in pairs):
            return Fit.CONTAINS
        return Fit.ALIKE if value.name and own.name and self._is_alike(value.name) else None

    def _is_alike(self, name: str) -> bool:
        """Whether a name is similar; the quick bounds spare most comparisons."""
        self._matcher.set_seq1(name)
        return (
            self._matcher.real_quick_ratio() >= ALIKE
            and self._matcher.quick_ratio() >= ALIKE
            and self._matcher.ratio() >= ALIKE
        )

    def _by_words(self, texts: Texts) -> list[tuple[str, Fit]]:
        """Returns fields with words of the text; a word fits the beginning of a value's word."""
        having = {name: self._found_words(_forms(value)) for name, value in texts.items()}
        found = set().union(*having.values())
        if not found:
            return []
        fit = Fit.WORDS if len(found) == len(self._words) else Fit.SOME_WORDS
        return [(name, fit) for name, some in having.items() if some]

    def _found_words(self, value: _Forms) -> set[str]:
        there = value.name.split()
        return {word for word in self._words if any(one.startswith(word) for one in there)}
