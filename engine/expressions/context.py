"""What the expressions of a mapping may see of a row: the row itself, joined rows, settings, the plan."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Undefined

from engine.expressions.program import EVALUATION_ERRORS, evaluate
from engine.expressions.syntax import ENVIRONMENT, inspect, is_code
from engine.expressions.unread import NotRead, PartialRow, Unread
from engine.model.project import Join, MappingSpec
from engine.model.work import Gaps, Row

Tables = Mapping[str, Sequence[Row]]

_NO_GAPS = Gaps({})


def used_joins(raws: Iterable[object]) -> set[str]:
    """Names of the joins that these values refer to."""
    used: set[str] = set()
    for raw in raws:
        if is_code(raw):
            used.update(path[1] for path in inspect(raw).paths if path[0] == "related" and len(path) > 1)
    return used


class Context:
    """Names for the expressions of one mapping. Joins are indexed once, on first use of each."""

    def __init__(
        self,
        mapping: MappingSpec,
        tables: Tables,
        settings: Mapping[str, Any],
        plan: Mapping[str, Any],
        gaps: Mapping[str, Gaps] | None = None,
    ) -> None:
        self._settings, self._plan = settings, plan
        missing = gaps or {}
        self._joins = {
            name: _Joined(join, tables, missing.get(join.table, _NO_GAPS), self)
            for name, join in mapping.source.joins.items()
        }

    def names(self, row: Row, joins: Iterable[str] | None = None) -> dict[str, Any]:
        """A fresh dict of names for this row, with these joins and those they go through; None: each when asked for."""
        related: dict[str, Any] = _Related(self, row) if joins is None else {}
        for name in joins or ():
            if name not in related:
                self.relate(name, row, related)
        return {"source": row, "related": related, "settings": self._settings, "plan": self._plan}

    def unread(self, row: Row, joins: Iterable[str]) -> Iterator[tuple[str, tuple[str, str]]]:
        """What is wrong with the rows that cannot be read and are joined to this one, with table and key of each."""
        for joined in self.names(row, joins)["related"].values():
            for one in joined if isinstance(joined, list) else (joined,):
                if isinstance(one, PartialRow):
                    yield one.why, one.row
                elif isinstance(one, Unread) and one.row:
                    yield one.text, one.row

    def base(self, **more: object) -> dict[str, Any]:
        """Names without a row."""
        return {"source": None, "related": {}, "settings": self._settings, "plan": self._plan, **more}

    def relate(self, name: str, row: Row, related: dict[str, Any]) -> None:
        """Puts one join, and those it goes through, into `related`. Raises KeyError for a name that is no join."""
        joined = self._joins[name]
        for through in joined.through:
            if through not in related:
                self.relate(through, row, related)
        related[name] = joined.of(row, related)


class _Related(dict[str, Any]):
    """The joined rows of one row, each looked up when it is first asked for."""

    def __init__(self, context: Context, row: Row) -> None:
        super().__init__()
        self._context, self._row = context, row

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 -- one row, a list of rows, or none
        self._context.relate(name, self._row, self)
        return self[name]


class _Joined:
    """The rows of another table, by the values that they are joined on."""

    def __init__(self, join: Join, tables: Tables, gaps: Gaps, context: Context) -> None:
        self._join, self._tables, self._gaps, self._context = join, tables, gaps, context
        self._paths = [path.split(".") for path in join.on.values()]
        self.through = [path[0] for path in self._paths if len(path) > 1]
        self._simple = self._paths[0][0] if len(self._paths) == 1 and not self.through else None
        raw = join.where.raw if join.where else None
        roots = inspect(raw).roots if is_code(raw) else frozenset()
        self._per_pair = raw if "source" in roots or "related" in roots else None
        self._per_row = raw if self._per_pair is None else None
        self._index: dict[object, list[Row]] | None = None
        self._broken: dict[object, Undefined] = {}  # joined on → what an expression that uses the join will raise
        self._seen: set[object] = set()  # joined on, whatever `where` says; noted where rows have no key

    def of(self, row: Row, related: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- one row or a list of rows
        """The joined rows of this row, in the order of their table; one or none for `one: true`."""
        index = self._index if self._index is not None else self._build()
        key = row[self._simple] if self._simple else self._key(row, related)
        if isinstance(key, Undefined):
            return key
        if self._broken and key in self._broken:
            return self._broken[key]
        found = index.get(key, ())
        if self._per_pair is not None:
            try:
                found = [other for other in found if self._fits(other, row, related)]
            except EVALUATION_ERRORS as fault:
                return self._fault(fault)
        if self._join.one:
            return found[0] if found else self._nothing(key)
        return list(found)

    def _nothing(self, key: object) -> Unread | None:
        """No row fits: there is none, or it is one that has no key. Of a list of rows nobody can tell."""
        if key is None or not self._gaps.nameless or key in self._seen:
            return None
        why = self._gaps.nameless[0].text
        return Unread(f"{self._join.table} {key} is not found, and may be a row that cannot be read: {why}")

    def _fault(self, fault: Exception) -> Undefined:
        if isinstance(fault, NotRead):
            return Unread(str(fault))
        text = f"related.{self._join.name}: its where cannot be worked out for a row of {self._join.table}: {fault}"
        return ENVIRONMENT.undefined(text)

    def _key(self, row: Row, related: Mapping[str, Any]) -> object:
        values = [_follow(path, row, related) for path in self._paths]
        broken = next((value for value in values if isinstance(value, Undefined)), None)
        if broken is not None:
            return broken
        return values[0] if len(values) == 1 else tuple(values)

    def _build(self) -> dict[object, list[Row]]:
        columns = list(self._join.on)
        key: Callable[[Row], object] = (
            (lambda row: row[columns[0]]) if len(columns) == 1 else lambda row: tuple(row[name] for name in columns)
        )
        index: dict[object, list[Row]] = {}
        for row in (*self._tables[self._join.table], *(unread.row for unread in self._gaps.rows.values())):
            value = key(row)
            if value is None or isinstance(value, Unread) or (isinstance(value, tuple) and not all(map(_known, value))):
                continue
            if self._gaps.nameless:
                self._seen.add(value)
            try:
                if self._per_row is None or evaluate(self._per_row, self._context.base(row=row)):
                    index.setdefault(value, []).append(row)
            except EVALUATION_ERRORS as fault:  # told where a row uses the join, and only there
                self._broken.setdefault(value, self._fault(fault))
        self._index = index
        return index

    def _fits(self, other: Row, row: Row, related: Mapping[str, Any]) -> bool:
        names = self._context.base(row=other)
        names.update(source=row, related=related)
        return bool(evaluate(self._per_pair, names))


def _known(part: object) -> bool:
    return part is not None and not isinstance(part, Unread)


def _follow(path: list[str], row: Row, related: Mapping[str, Any]) -> object:
    if len(path) == 1:
        return row[path[0]]
    other = related[path[0]]
    if isinstance(other, Undefined):
        return other
    return other[path[1]] if isinstance(other, dict) else None
