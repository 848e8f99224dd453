"""Finds records by the values of some fields."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trueup.expressions.filters import domain, look_alike, names_in
from trueup.expressions.value_filters import fold_all
from trueup.model.mapping_state import Record

_END = -1
"""The position after the last one."""


class RecordIndex:
    """Records by some of their fields, ignoring case and outer spaces.

    The index is a hash table in two arrays, without the values: 16 bytes per record where a
    dictionary takes 80. Nearly all rows are linked, so few of a million records are ever looked up.
    """

    def __init__(self, records: Mapping[int, Record], names: Sequence[str]) -> None:
        self._records, self._names = records, names
        self._ids = [*records]
        size, nothing = len(records), array("i", [_END])
        self._last = last = nothing * size
        """Position of the last record with a hash, by the hash modulo the number of records."""
        self._before = before = nothing * size
        """By position of a record, that of the record before it with such a hash."""

        for position, record in enumerate(records.values()):
            place = hash(fold_all(map(record.get, names))) % size
            before[position] = last[place]
            last[place] = position

    def having(self, values: Iterable[Any]) -> list[int]:
        """Ids of the records with these values, in the order in which they were read."""
        wanted = fold_all(values)
        found: list[int] = []
        position = self._last[hash(wanted) % len(self._ids)] if self._ids else _END
        while position != _END:
            id_ = self._ids[position]
            if self._folded(id_) == wanted:
                found.append(id_)
            position = self._before[position]
        return found[::-1]

    def _folded(self, id_: int) -> str:
        return fold_all(map(self._records[id_].get, self._names))


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


def forms_of(values: Mapping[str, Any]) -> Forms:
    """The forms of some values, by field."""
    return {name: _forms(value) for name, value in values.items()}


def _forms(value: object) -> set[str]:
    if not isinstance(value, str) or not value.strip():
        return set()
    names = {look_alike(name) for name in (value, *names_in(value))}
    return {form for form in (*names, domain(value)) if form}
