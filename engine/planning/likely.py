"""Rows that a record without a row may be: they refer to the same rows, or to others of the same ones."""

from collections.abc import Sequence
from functools import cached_property

from engine.model.project import MappingSpec
from engine.planning.draft import Draft
from engine.planning.kin import Key, Kin

MOST = 3
"""Rows that are named; more are no hint."""


class Likely:
    """The rows of one mapping that are no record, to be asked of one record after the other."""

    def __init__(self, draft: Draft, mapping: MappingSpec) -> None:
        self.draft, self.mapping, self.kin = draft, mapping, Kin(draft)

    def rows(self, record: int) -> Sequence[str]:
        """Keys of those that may be this record, by name; nothing where there are too many."""
        direct = self.kin.of_record_directly(self.mapping.name, record)
        wanted = [self._class(row) for row in direct]
        if not wanted:
            return ()
        found = [key for key, classes in self._loose.items() if all(one in classes for one in wanted)]
        return sorted(found, key=lambda key: (self._label(key), key)) if len(found) <= MOST else ()

    @cached_property
    def _loose(self) -> dict[str, set[object]]:
        """Rows that are no record → what they refer to."""
        standing = self.draft.standings[self.mapping.name]
        known = standing.ids.keys() | standing.shadows.keys()
        return {
            key: {self._class(row) for row in self.kin.above((self.mapping.name, key))}
            for key in standing.rows
            if key not in known and key not in standing.out
        }

    def _class(self, row: Key) -> object:
        """What is alike of rows that are: those above it (contracts of one customer), else the row itself."""
        return (row[0], self.kin.above(row)) if self.kin.above(row) else row

    def _label(self, key: str) -> str:
        return self.draft.label(self.mapping.name, key)
