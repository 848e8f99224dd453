"""Finds records by the values of some fields."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trueup.expressions.filters import domain, look_alike, names_in
from trueup.expressions.value_filters import fold
from trueup.model.mapping_state import Record


class RecordIndex:
    """Records by some of their fields, ignoring case and outer spaces.

    Nearly every record has values of its own, so a list is made only if two share them. The index
    keeps hashes instead of the values, which halves its memory.
    """

    def __init__(self, records: Mapping[int, Record], names: Sequence[str]) -> None:
        self._records, self._names = records, names
        self._first: dict[int, int] = {}
        self._others: dict[int, list[int]] = {}
        for id_, record in records.items():
            value = hash(folded(map(record.get, names)))
            if self._first.setdefault(value, id_) != id_:
                self._others.setdefault(value, []).append(id_)

    def having(self, values: Iterable[Any]) -> list[int]:
        """Ids of the records with these values, in the order in which they were read."""
        wanted = folded(values)
        value = hash(wanted)
        if value not in self._first:
            return []
        candidates = (self._first[value], *self._others.get(value, ()))
        return [id_ for id_ in candidates if self._folded(id_) == wanted]

    def _folded(self, id_: int) -> str:
        return folded(map(self._records[id_].get, self._names))


Forms = Mapping[str, set[str]]
"""By field: the forms in which two values of it are compared."""


class SimilarIndex:
    """Records by normalised forms of their fields: reduced text, and the domain."""

    def __init__(self, records: Mapping[int, Record], names: Sequence[str]) -> None:
        self._found: dict[tuple[str, str], list[int]] = {}
        for id_, record in records.items():
            for name in names:
                for form in _forms(record.get(name)):
                    self._found.setdefault((name, form), []).append(id_)

    def like(self, forms: Forms) -> list[int]:
        """Returns ids of records with a form of the row in any field, ascending."""
        found = {
            record
            for name, every in forms.items()
            for form in every
            for record in self._found.get((name, form), ())
        }
        return sorted(found)


def folded(values: Iterable[Any]) -> str:
    """Returns one text for several values; equal if they differ in case and outer spaces only."""
    return "\0".join(map(fold, values))


def forms_of(values: Mapping[str, Any]) -> Forms:
    """The forms of some values, by field."""
    return {name: _forms(value) for name, value in values.items()}


def _forms(value: object) -> set[str]:
    if not isinstance(value, str) or not value.strip():
        return set()
    names = {look_alike(name) for name in (value, *names_in(value))}
    return {form for form in (*names, domain(value)) if form}
