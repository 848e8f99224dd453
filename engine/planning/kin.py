"""Which rows a row refers to, and which it is under: of rows that are kept out or gone, and of records, too."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import Undefined

from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.planning.draft import Draft

Key = tuple[str, str]
"""Mapping and key of a row."""


class Kin:
    """Who stands above a row: the rows that it refers to, and those that they refer to.

    `home` is the mapping of the row that people ask about. A row that is blocked or left out may lack the very
    reference that would lead there, so its joins to the table of that mapping count as well.
    """

    def __init__(self, draft: Draft, home: str = "") -> None:
        self.draft, self.home = draft, home
        self._above: dict[Key, tuple[Key, ...]] = {}

    def above(self, row: Key) -> tuple[Key, ...]:
        """The rows that it refers to directly."""
        if row not in self._above:
            self._above[row] = tuple(dict.fromkeys(self._refers_to(*row)))
        return self._above[row]

    def every(self, rows: Iterable[Key]) -> set[Key]:
        """These rows, and all that they refer to, directly or through others."""
        found: set[Key] = set()
        stack = [*rows]
        while stack:
            row = stack.pop()
            if row not in found:
                found.add(row)
                stack.extend(self.above(row))
        return found

    def under(self, rows: Iterable[Key], tops: Iterable[Key]) -> set[Key]:
        """Those of the rows that are one of `tops`, or refer to one, directly or through others."""
        below: dict[Key, list[Key]] = {}
        asked = {*rows}
        for row in self.every(asked):
            for other in self.above(row):
                below.setdefault(other, []).append(row)
        found: set[Key] = set()
        stack = [*tops]
        while stack:
            row = stack.pop()
            if row not in found:
                found.add(row)
                stack.extend(below.get(row, ()))
        return found & asked

    def of_record(self, mapping: str, record: int) -> set[Key]:
        """The rows that a record refers to, directly or through others: it may have no row of its own."""
        return self.every(self.of_record_directly(mapping, record))

    def of_record_directly(self, mapping: str, record: int) -> list[Key]:
        """The rows that a record refers to directly."""
        return [*self._of_record(mapping, self.draft.standings[mapping].records.get(record, {}))]

    def _of_record(self, mapping: str, record: Mapping[str, Any]) -> Iterator[Key]:
        for slot in self.draft.compiled[mapping].slots:
            if slot.reference:
                key = self.draft.key_of(slot.reference.mapping, record.get(slot.name))
                if key is not None:
                    yield slot.reference.mapping, key

    def _refers_to(self, mapping: str, key: str) -> Iterator[Key]:
        standing = self.draft.standings[mapping]
        if key in standing.ready:
            yield from self.draft.refers_to(mapping, key)
        elif key in standing.rows or (key in standing.unread and key not in standing.ids):
            yield from self._by_row(mapping, key)
        else:  # its row is gone, and the record is what is left of it
            yield from self._of_record(mapping, standing.records.get(standing.ids.get(key, -1), {}))

    def _by_row(self, mapping: str, key: str) -> Iterator[Key]:
        names = self.draft.names(mapping, key)
        for slot in self.draft.compiled[mapping].slots:
            if slot.reference and (value := _worked_out(slot.reference.of.raw, names)) is not None:
                yield slot.reference.mapping, str(value)
        home = self.draft.project.mappings.get(self.home)
        for join in self.draft.project.mappings[mapping].source.joins.values():
            if home and join.one and join.table == home.source.table:
                row = names["related"][join.name]
                if isinstance(row, dict):
                    yield home.name, str(row[self.draft.key_column(home)])


def _worked_out(raw: object, names: Mapping[str, Any]) -> object:
    """The value; none where there is none: what cannot be worked out refers to nothing."""
    try:
        value = evaluate(raw, names)
    except EVALUATION_ERRORS:
        return None
    return None if isinstance(value, Undefined) else value
