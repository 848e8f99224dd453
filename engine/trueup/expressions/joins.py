"""The joins of a mapping: for a row, the rows of other tables that belong to it.

`Joins.related` returns the joined rows of a row by the name of the join. Each join is indexed once,
on first use (`_JoinIndex`). Joined rows that cannot be read are included, so that an expression
which uses them fails instead of missing them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from operator import itemgetter
from typing import Any

from jinja2 import Undefined

from trueup.expressions.inspection import inspect
from trueup.expressions.jinja_environment import ENVIRONMENT
from trueup.expressions.program import EVALUATION_ERRORS, cached, evaluate
from trueup.expressions.unreadable import NotRead, UnreadableValue
from trueup.model.mapping import Join, is_code
from trueup.model.mapping_state import Row, UnreadableRows

Tables = Mapping[str, Sequence[Row]]

_ALL_READABLE = UnreadableRows({})


def used_joins(raws: Iterable[object]) -> set[str]:
    """Returns the names of the joins that these values refer to."""
    used: set[str] = set()
    for raw in raws:
        if is_code(raw):
            paths = inspect(raw).paths
            used.update(path[1] for path in paths if path[0] == "related" and len(path) > 1)
    return used


class Joins:
    """The joins of one mapping.

    `constants` are the names that need no row; the `where` of a join may use them.
    """

    def __init__(
        self,
        joins: Mapping[str, Join],
        tables: Tables,
        constants: Mapping[str, Any],
        unreadable: Mapping[str, UnreadableRows],
    ) -> None:
        self._indexes = {
            name: _JoinIndex(join, tables, unreadable.get(join.table, _ALL_READABLE), constants)
            for name, join in joins.items()
        }
        for index in self._indexes.values():
            index.used &= joins.keys()

    def related(self, row: Row, names: Iterable[str] | None) -> dict[str, Any]:
        """Returns the joined rows of a row by join: those named, and those they join through.

        With None, each join is looked up when it is first used. Raises `KeyError` for a name that
        is not a join.
        """
        if names is None:
            return _LazyRelated(self, row)

        related: dict[str, Any] = {}
        for name in names:
            if name not in related:
                self.add(name, row, related)
        return related

    def reader(self, names: Iterable[str]) -> Callable[[Row], dict[str, Any]]:
        """Returns `related` with these names as a function of the row, for many rows.

        The indexes are built now. A join by the row's own columns, without a condition on the pair
        and with nothing unreadable, is one look-up in them; that takes a third of `add`. Lists of
        rows are those of the index: expressions cannot change them.
        """
        names = (*names,)
        quick = {name: self._indexes[name] for name in names if self._indexes[name].is_quick()}
        ones = [(name, one.own_key, one.first) for name, one in quick.items() if one.is_single]
        lists = [
            (name, one.own_key, one.first, one.several)
            for name, one in quick.items()
            if not one.is_single
        ]
        others = [name for name in names if name not in quick]

        def related(row: Row) -> dict[str, Any]:
            if row.__class__ is not dict:
                return self.related(row, names)
            found: dict[str, Any] = {name: first.get(key(row)) for name, key, first in ones}
            for name, key_of, first, several in lists:
                key = key_of(row)
                joined = first.get(key)
                found[name] = [] if joined is None else (several.get(key) or [joined])
            for name in others:
                if name not in found:
                    self.add(name, row, found)
            return found

        return related

    def add(self, name: str, row: Row, related: dict[str, Any]) -> None:
        """Adds one join of a row, and those it joins through, to `related`."""
        index = self._indexes[name]
        for needed in (*index.through, *index.used):
            if needed not in related:
                self.add(needed, row, related)
        related[name] = index.joined(row, related)


class _LazyRelated(dict[str, Any]):
    """The joined rows of one row. Each join is looked up when it is first used."""

    def __init__(self, joins: Joins, row: Row) -> None:
        super().__init__()
        self._joins, self._row = joins, row

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 -- one row, a list of rows, or none
        self._joins.add(name, self._row, self)
        return self[name]


class _JoinIndex:
    """The rows of the joined table, by the values of the columns that they are joined on.

    A `where` that only looks at the joined row is evaluated once for each joined row, when the
    index is built. One that also looks at `source` or `related` is evaluated for each pair.
    """

    def __init__(
        self, join: Join, tables: Tables, unreadable: UnreadableRows, constants: Mapping[str, Any]
    ) -> None:
        self._join, self._tables, self._constants = join, tables, constants
        self._unreadable = unreadable

        self._paths = [path.split(".") for path in join.on.values()]
        self.through = [path[0] for path in self._paths if len(path) > 1]
        columns = [path[0] for path in self._paths]
        self.own_key: Callable[[Row], object] = itemgetter(*columns)
        """Gives the key of a row; only for one that is joined by its own columns alone."""

        where = join.where.raw if join.where else None
        roots = inspect(where).roots if is_code(where) else frozenset()
        is_per_pair = "source" in roots or "related" in roots
        self._where_of_pair = where if is_per_pair else None
        self._where_of_row = None if is_per_pair else where
        self.used = used_joins([where])
        """Joins that the `where` uses; they are looked up before it is evaluated."""

        self._is_built = False
        self.first: dict[object, Row] = {}
        self.several: dict[object, list[Row]] = {}
        """The first row of each key, and all rows of a key that has more than one. Most keys have
        one row: a list for each of them would take more memory than the index itself."""

        # Key → the undefined value that raises for it, because `where` failed on one of its rows.
        self._broken: dict[object, Undefined] = {}

        # All keys of the table, also those that `where` leaves out. It is only filled if there are
        # rows without a key.
        self._seen: set[object] = set()

    def joined(self, row: Row, related: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- row or rows
        """Returns the joined rows of a row, in the order of their table.

        For `one: true`, returns the first of them or none. Returns an undefined value, which raises
        when it is used, if that cannot be worked out.
        """
        self._build_once()
        if not self.through and row.__class__ is dict:  # nearly always, and faster
            key = self.own_key(row)
        else:
            key = self._key(row, related)
            if isinstance(key, Undefined):
                return key
        if self._broken and key in self._broken:
            return self._broken[key]

        rows = self._rows(key)
        if self._where_of_pair is not None:
            try:
                rows = [joined_row for joined_row in rows if self._fits(joined_row, row, related)]
            except EVALUATION_ERRORS as fault:
                return self._broken_value(fault)
        if self._join.one:
            return rows[0] if rows else self._none_or_unreadable(key)
        return rows

    def _rows(self, key: object) -> list[Row]:
        """Returns a new list of the rows with this key."""
        if key not in self.first:
            return []
        return [*self.several.get(key, (self.first[key],))]

    @property
    def is_single(self) -> bool:
        """Whether the join gives one row or none, not a list."""
        return self._join.one

    def is_quick(self) -> bool:
        """Whether the joined rows of a plain row are those of its own key, whatever the key is."""
        self._build_once()
        is_own = not self.through and self._where_of_pair is None
        return is_own and not self._broken and not (self.is_single and self._unreadable.without_key)

    def _none_or_unreadable(self, key: object) -> UnreadableValue | None:
        """Returns none if no row has this key, or an unreadable value if one may have it.

        A row without a readable key may be the one that is looked for. For a list of rows this
        cannot be known, so it is only done for `one: true`.
        """
        if key is None or not self._unreadable.without_key or key in self._seen:
            return None

        why = self._unreadable.without_key[0].text
        what = f"{self._join.table} {key}"
        return UnreadableValue(f"{what} is not found, and may be a row that cannot be read: {why}")

    def _broken_value(self, fault: Exception) -> Undefined:
        if isinstance(fault, NotRead):
            return UnreadableValue(str(fault))

        join = self._join
        text = f"related.{join.name}: its `where` cannot be evaluated for a row of {join.table}"
        return ENVIRONMENT.undefined(f"{text}: {fault}")

    def _key(self, row: Row, related: Mapping[str, Any]) -> object:
        """Returns what the row is joined by: a value, a tuple of values, or an undefined value."""
        values = [_follow(path, row, related) for path in self._paths]
        undefined = next((value for value in values if isinstance(value, Undefined)), None)
        if undefined is not None:
            return undefined
        return values[0] if len(values) == 1 else tuple(values)

    def _build_once(self) -> None:
        if self._is_built:
            return
        self._is_built = True
        key_of = itemgetter(*self._join.on)
        if self._unreadable.without_key:
            self._seen.update(key for key in map(key_of, self._all_rows()) if _is_usable(key))
        for row in self._fitting_rows(key_of):
            key = key_of(row)
            if _is_usable(key):
                first = self.first.setdefault(key, row)
                if first is not row:
                    self.several.setdefault(key, [first]).append(row)

    def _fitting_rows(self, key_of: Callable[[Row], object]) -> Iterator[Row]:
        """Yields the rows for which `where` holds.

        It is evaluated before the key: most conditions leave most rows of a large table out.
        """
        holds = None if self._where_of_row is None else cached(self._where_of_row)
        names = self._names(row=None)
        for row in self._all_rows():
            names["row"] = row
            try:
                fits = holds is None or holds(names)
            except EVALUATION_ERRORS as fault:
                fits = False
                key = key_of(row)
                if _is_usable(key):  # reported where a row uses the join, and only there
                    self._broken.setdefault(key, self._broken_value(fault))
            if fits:
                yield row

    def _all_rows(self) -> Iterator[Row]:
        """Yields the rows of the joined table in the order of their keys.

        Rows that cannot be read are among them, each in its place: with `one: true`, and for
        `first`, the next row would stand for such a row if it came last.
        """
        rows, unreadable = self._tables[self._join.table], self._unreadable
        if not unreadable.rows:
            yield from rows
            return
        with_keys = zip(map(itemgetter(unreadable.key_column), rows), rows, strict=True)
        unread = ((key, one.row) for key, one in unreadable.rows.items())
        for _, row in merge(with_keys, unread, key=itemgetter(0)):
            yield row

    def _fits(self, joined_row: Row, row: Row, related: Mapping[str, Any]) -> bool:
        names = self._names(row=joined_row, source=row, related=related)
        return bool(evaluate(self._where_of_pair, names))

    def _names(self, **more: object) -> dict[str, Any]:
        return {"source": None, "related": {}, **self._constants, **more}


def _is_usable(key: object) -> bool:
    """Returns whether all values of a key are present and readable."""
    if isinstance(key, tuple):
        return all(map(_is_present, key))
    return _is_present(key)


def _is_present(value: object) -> bool:
    return value is not None and not isinstance(value, UnreadableValue)


def _follow(path: list[str], row: Row, related: Mapping[str, Any]) -> object:
    """Returns the value of `[column]` of the row, or of `[join, column]` of a joined row."""
    if len(path) == 1:
        return row[path[0]]

    joined_row = related[path[0]]
    if isinstance(joined_row, Undefined):
        return joined_row
    return joined_row[path[1]] if isinstance(joined_row, dict) else None
