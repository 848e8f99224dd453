"""The names that the expressions of a mapping see: the row, its joined rows, settings, the plan.

`Namespace.names` returns them for one row, `Namespace.base` where there is no row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from trueup.expressions.joins import Joins, Tables
from trueup.expressions.unreadable import PartialRow, UnreadableValue
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import Row, UnreadableRows


class Namespace:
    """The names for the expressions of one mapping, over all rows of the tables."""

    def __init__(
        self,
        mapping: MappingSpec,
        tables: Tables,
        settings: Mapping[str, Any],
        plan: Mapping[str, Any],
        unreadable: Mapping[str, UnreadableRows] | None = None,
    ) -> None:
        self._constants = {"settings": settings, "plan": plan}
        self._joins = Joins(mapping.source.joins, tables, self._constants, unreadable or {})

    def names(self, row: Row) -> dict[str, Any]:
        """Returns a new dict of names for a row. A join is looked up when it is first used."""
        return {"source": row, "related": self._joins.related(row, None), **self._constants}

    def reader(self, joins: Iterable[str]) -> Callable[[Row], dict[str, Any]]:
        """Returns a function that gives the names for a row, quickly: for many rows.

        The names hold the joins that are named here, and those they join through.
        """
        related, constants = self._joins.reader(joins), self._constants
        return lambda row: {"source": row, "related": related(row), **constants}

    def unreadable(self, row: Row, joins: Iterable[str]) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yields, for each joined row that cannot be read, what is wrong, and its table and key."""
        for joined in self._joins.related(row, joins).values():
            for joined_row in joined if isinstance(joined, list) else (joined,):
                if isinstance(joined_row, PartialRow):
                    yield joined_row.why, joined_row.row
                elif isinstance(joined_row, UnreadableValue) and joined_row.row:
                    yield joined_row.text, joined_row.row

    def base(self, **more: object) -> dict[str, Any]:
        """Returns the names for expressions without a row, with more names added."""
        return {"source": None, "related": {}, **self._constants, **more}
