"""Finds the rows that a row refers to: directly, and through others up to its ancestors."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import Undefined

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.change import RowRef, Unknown
from trueup.model.mapping_state import RowKey
from trueup.planning.context import PlanContext


def references_of(
    context: PlanContext, mapping: str, key: str, wanted: str | None = None
) -> list[RowKey]:
    """Returns the rows that a ready row refers to directly, of one mapping if one is given.

    Empty for any other row.
    """
    compiled, state = context.compiled[mapping], context.states[mapping]
    raw = state.ready.get(key)
    if raw is None:
        return []
    found: list[RowKey] = []
    for position, other in compiled.references:
        if wanted in (None, other) and (value := raw[position]) is not None:
            other_key = str(value)
            found.append((other, context.states[other].succeeded_by.get(other_key, other_key)))
    return found


def changes_before(
    context: PlanContext, mapping: str, key: str, seen: frozenset[RowKey] = frozenset()
) -> tuple[str, ...]:
    """Returns ids of the changes that must be done before a change that refers to this row.

    They are the row's own changes, or, if it has none, those of the rows that it refers to.
    """
    if (mapping, key) in seen:
        return ()
    own = context.states[mapping].changes.get(key)
    if own:
        return tuple(change.id for change in own)
    found: dict[str, None] = {}
    for other, other_key in references_of(context, mapping, key):
        before = changes_before(context, other, other_key, seen | {(mapping, key)})
        found.update(dict.fromkeys(before))
    return tuple(found)


def record_after(context: PlanContext, mapping: str, key: str) -> Mapping[str, Any] | None:
    """Returns the row's record as it will be, picklists by label; None if it gets none.

    A field of the mapping that a new record does not set is None in it, and so are its id and what
    only apply finds.
    """
    state, spec = context.states[mapping], context.project.mappings[mapping]
    record = state.records.get(state.record_ids.get(key, -1))
    changes = state.changes.get(key)
    if not changes:
        return with_labels(context, spec.target.entity, record) if record is not None else None
    values = {name: value for change in changes for name, value in change.values.items()}
    if record is None and not values:
        return None
    if record is None:
        record = dict.fromkeys(("id", *spec.identity, *spec.fields))
    if values:
        known = {name: None if isinstance(one, Unknown) else one for name, one in values.items()}
        record = {**record, **known}
    return with_labels(context, spec.target.entity, record)


def with_labels(context: PlanContext, entity: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the record with picklist labels instead of numbers; itself if it has none of them."""
    # Runs several times a row: only fields with a picklist are looked at.
    labelled = {
        name: labels.get(str(value), value)
        for name, labels in context.picklist_labels(entity).items()
        if (value := record.get(name)) is not None
    }
    return {**record, **labelled} if labelled else record


class NearestRecords:
    """The nearest records that rows of one mapping refer to: `refs.<mapping>` in rules.

    Records of other mappings are kept, because many rows refer to the same ones, and their turn is
    over. Rows of this mapping may still be blocked.
    """

    def __init__(self, context: PlanContext, mapping: str) -> None:
        self._context, self._mapping = context, mapping
        self._known: dict[RowKey, Mapping[str, Any] | None] = {}

    def of(self, key: str) -> dict[str, Any]:
        """Returns the records of one row by mapping; each is looked up when it is first used."""
        return Refs(self, key)

    def find(self, key: str, wanted: str) -> Mapping[str, Any] | None:
        """Returns the nearest record of the wanted mapping, or None."""
        level, seen = [(self._mapping, key)], set[RowKey]()
        while level:
            for row in level:
                if found := references_of(self._context, *row, wanted):
                    return self._record(found[0])
            seen.update(level)
            further = (other for row in level for other in references_of(self._context, *row))
            level = [row for row in dict.fromkeys(further) if row not in seen]
        return None

    def _record(self, row: RowKey) -> Mapping[str, Any] | None:
        if row[0] == self._mapping:
            return record_after(self._context, *row)
        if row not in self._known:
            self._known[row] = record_after(self._context, *row)
        return self._known[row]


class Refs(dict[str, Any]):
    """`refs` of one row."""

    __slots__ = ("_key", "_records")

    def __init__(self, records: NearestRecords, key: str) -> None:
        self._records, self._key = records, key

    def __missing__(self, wanted: str) -> Any:  # noqa: ANN401 -- a record or none
        self[wanted] = self._records.find(self._key, wanted)
        return self[wanted]


class ReferenceGraph:
    """Parents and ancestors of rows, also of rows that are kept out or gone, and of records.

    `home` is the mapping of the row that the user named. A row that is blocked or left out may
    lack the very reference that would lead there, so its joins to that mapping's table count too.
    """

    def __init__(self, context: PlanContext, home: str = "") -> None:
        self._context, self._home = context, home
        self._parents: dict[RowKey, tuple[RowKey, ...]] = {}

    def parents(self, row: RowKey) -> tuple[RowKey, ...]:
        """Returns the rows that it refers to directly."""
        if row not in self._parents:
            self._parents[row] = tuple(dict.fromkeys(self._find_parents(*row)))
        return self._parents[row]

    def ancestors(self, rows: Iterable[RowKey]) -> set[RowKey]:
        """These rows, and all that they refer to, directly or through others."""
        found: set[RowKey] = set()
        stack = [*rows]
        while stack:
            row = stack.pop()
            if row not in found:
                found.add(row)
                stack.extend(self.parents(row))
        return found

    def descendants(self, rows: Iterable[RowKey], tops: Iterable[RowKey]) -> set[RowKey]:
        """Those of the rows that are in `tops`, or refer to one of these, also indirectly."""
        children: dict[RowKey, list[RowKey]] = {}
        wanted = {*rows}
        for row in self.ancestors(wanted):
            for parent in self.parents(row):
                children.setdefault(parent, []).append(row)
        found: set[RowKey] = set()
        stack = [*tops]
        while stack:
            row = stack.pop()
            if row not in found:
                found.add(row)
                stack.extend(children.get(row, ()))
        return found & wanted

    def ancestors_of_record(self, mapping: str, record: int) -> set[RowKey]:
        """Returns the rows that a record refers to, also indirectly; it may have no row."""
        return self.ancestors(self.parents_of_record(mapping, record))

    def parents_of_record(self, mapping: str, record: int) -> list[RowKey]:
        """The rows that a record refers to directly."""
        values = self._context.states[mapping].records.get(record, {})
        return [*self._by_record(mapping, values)]

    def _by_record(self, mapping: str, record: Mapping[str, Any]) -> Iterator[RowKey]:
        for slot in self._context.compiled[mapping].slots:
            if slot.reference:
                other = slot.reference.mapping
                key = self._context.labels.key_of(other, record.get(slot.name))
                if key is not None:
                    yield other, key

    def _find_parents(self, mapping: str, key: str) -> Iterator[RowKey]:
        state = self._context.states[mapping]
        if key in state.ready:
            yield from references_of(self._context, mapping, key)
        elif key in state.rows or (key in state.unreadable and key not in state.record_ids):
            yield from self._by_row(mapping, key)
        else:  # its row is gone: the record is what is left of it
            record = state.records.get(state.record_ids.get(key, -1), {})
            yield from self._by_record(mapping, record)

    def _by_row(self, mapping: str, key: str) -> Iterator[RowKey]:
        """Yields the rows that fields refer to, and the customer that a join finds.

        The customer may be in no field: that of a license change is its subscription's.
        """
        names = self._context.names(mapping, key)
        for slot in self._context.compiled[mapping].slots:
            if slot.reference:
                value = _evaluate_or_none(slot.reference.of.raw, names)
                if value is not None:
                    yield slot.reference.mapping, str(value)
        home = self._context.project.mappings.get(self._home)
        for join in self._context.project.mappings[mapping].source.joins.values():
            if home and join.one and join.table == home.source.table:
                row = names["related"][join.name]
                if isinstance(row, dict):
                    yield home.name, str(row[self._context.key_column(home)])


class Ancestry:
    """The rows that a row or a record belongs to, nearest first, and its customer among them."""

    def __init__(self, context: PlanContext) -> None:
        self._context, self._graph = context, ReferenceGraph(context)
        self._known: dict[RowKey, tuple[RowRef, ...]] = {}

    def of_row(self, mapping: str, key: str) -> tuple[RowRef, ...]:
        """The rows that the row refers to, directly and through others."""
        row = (mapping, key)
        if row not in self._known:
            self._known[row] = self._refs(self._graph.parents(row))
        return self._known[row]

    def of_record(self, mapping: str, record: int) -> tuple[RowRef, ...]:
        """The rows that the record refers to, directly and through others."""
        return self._refs(self._graph.parents_of_record(mapping, record))

    def customer(self, under: Iterable[RowRef]) -> RowRef | None:
        """Returns the nearest of these rows that is a customer."""
        wanted = self._context.project.customer_mapping
        return next((row for row in under if row.mapping == wanted), None)

    def _refs(self, parents: Iterable[RowKey]) -> tuple[RowRef, ...]:
        found: dict[RowKey, None] = {}
        queue = [*parents]
        while queue:
            row = queue.pop(0)
            if row not in found:
                found[row] = None
                queue.extend(self._graph.parents(row))
        return tuple(self._context.labels.ref(*row) for row in found)


def _evaluate_or_none(raw: object, names: Mapping[str, Any]) -> object:
    """Returns the value; None if it cannot be evaluated, which refers to nothing."""
    try:
        value = evaluate(raw, names)
    except EVALUATION_ERRORS:
        return None
    return None if isinstance(value, Undefined) else value
