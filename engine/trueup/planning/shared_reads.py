"""Reads both systems once for several plans: each plan finds the same rows and records.

A plan gets exactly what it asks for, no column and no field more. What is read is what all plans
together need, so that the second one makes no request for what the first one has read. A condition
that only one configuration has is still a request of its own.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

from trueup.errors import EngineError
from trueup.model.catalogue import Entity
from trueup.model.plan import PartialRead
from trueup.model.project import Project
from trueup.planning.needs import columns, entity_fields, finds
from trueup.ports.source import ForwardingSource, Row, RowOutcome, Rows, RowUpdate, Source
from trueup.ports.target import CallCosts, Condition, Record, Target, Threshold
from trueup.ports.world import World

UNREADABLE_VALUE = "value-not-its-type"
"""Code of the finding of a row that was left out for a value that cannot be read."""


def shared(world: World, projects: Sequence[Project]) -> World:
    """The world, with both systems read once for plans of all these projects."""
    source, target = SharedSource(world.source, projects), SharedTarget(world.target, projects)
    return replace(world, source=source, target=target)


class SharedSource(ForwardingSource):
    """A source whose tables are read once, with the columns that all the projects need."""

    def __init__(self, beneath: Source, projects: Iterable[Project]) -> None:
        super().__init__(beneath)
        self._columns: dict[str, set[str]] = {}
        self._keys: dict[str, str] = {}
        self._read: dict[str, tuple[frozenset[str], Rows]] = {}
        for project in projects:
            for table, names in columns(project).items():
                self._columns.setdefault(table, set()).update(names)
                self._keys.setdefault(table, project.catalogue.tables[table].key)

    def read(self, table: str, columns: Iterable[str], keys: Collection[str] | None = None) -> Rows:
        """Returns the table, or some rows, with the key and these columns. Raises `SourceError`.

        A row that was left out only for values of other columns is a row here.
        """
        key = self._keys.get(table, "")
        names = frozenset({*columns, *([key] if key else ())})
        known, rows = self._read.get(table, (frozenset[str](), Rows(())))
        if not names <= known:
            known = frozenset({*names, *known, *self._columns.get(table, ())})
            rows = self._beneath.read(table, sorted(known))
            self._read[table] = known, rows
        narrowed = rows if names == known else _narrowed(rows, names, key)
        return narrowed if keys is None else narrowed.only(keys, key)

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Never writes. Raises `EngineError`."""
        del updates
        _refuse_write(table)


def _narrowed(rows: Rows, names: frozenset[str], key: str) -> Rows:
    """The rows with these columns only, and those back that other columns had left out."""
    codes: dict[str, set[str]] = {}
    for finding in rows.findings:
        codes.setdefault(finding.key, set()).add(finding.code)
    returned = {
        id_: part
        for id_, part in rows.parts.items()
        if names <= part.keys() and codes.get(id_) == {UNREADABLE_VALUE}
    }
    kept: list[Row] = [*rows.rows, *returned.values()]
    kept.sort(key=lambda row: str(row[key]))
    return Rows(
        [_only(row, names) for row in kept],
        [finding for finding in rows.findings if finding.key not in returned],
        {id_: _only(part, names) for id_, part in rows.parts.items() if id_ not in returned},
        [(finding, _only(part, names)) for finding, part in rows.keyless],
    )


def _only(values: Mapping[str, object], names: frozenset[str]) -> dict[str, object]:
    return {name: value for name, value in values.items() if name in names}


class _Answer(Struct):
    """What one query found so far."""

    fields: frozenset[str]
    records: dict[object, list[Record]] = {}
    """By the value of the query's list; under None if it has no list."""


class _Query(Struct, frozen=True):
    """A query without the values of its list of numbers."""

    entity: str
    others: tuple[Condition, ...]
    listed: str  # the field of the list; empty if there is none

    @property
    def key(self) -> Hashable:
        """Equal for equal queries; the values of a condition may be a list."""
        return (
            self.entity,
            self.listed,
            tuple((one.field, one.op, _hashable(one.value)) for one in self.others),
        )


class SharedTarget:
    """A target that answers each query once, with the fields that all the projects need."""

    def __init__(self, beneath: Target, projects: Iterable[Project]) -> None:
        self._beneath = beneath
        self._fields: dict[str, set[str]] = {}
        self._answers: dict[Hashable, _Answer] = {}
        for project in projects:
            for mapping in project.mappings.values():
                names = entity_fields(project, mapping)
                self._fields.setdefault(mapping.target.entity, set()).update(names)
            for entity, found in finds(project).items():
                self._fields.setdefault(entity, set()).update(found)

    def describe(self) -> str:
        """Returns the name of the target beneath."""
        return self._beneath.describe()

    def identity(self) -> str:
        """Returns the identity of the target beneath."""
        return self._beneath.identity()

    def entity(self, name: str) -> Entity:
        """Answers as the target beneath does."""
        return self._beneath.entity(name)

    def denied(self, entity: str) -> frozenset[str]:
        """Answers as the target beneath does."""
        return self._beneath.denied(entity)

    def renew(self, entities: Iterable[str]) -> bool:
        """Forwards to the target beneath; if metadata has changed, records are read again."""
        changed = self._beneath.renew(entities)
        if changed:
            self._answers.clear()
        return changed

    @property
    def notices(self) -> Sequence[str]:
        """Notices of the target beneath."""
        return self._beneath.notices

    @property
    def partial_reads(self) -> Sequence[PartialRead]:
        """Partial reads of the target beneath."""
        return self._beneath.partial_reads

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        """Returns all records that fit, ascending by id. Raises `TargetError`.

        Values of an `in` list are queried once each, however the lists of two queries overlap.
        """
        listed, others = _split(where)
        names = frozenset({*fields, *([listed.field] if listed else ())}) - {"id"}
        query = _Query(entity, tuple(others), listed.field if listed else "")
        answer = self._answers.get(query.key)
        if answer is None or not names <= answer.fields:
            known = answer.fields if answer else frozenset[str]()
            answer = _Answer(frozenset({*names, *known, *self._fields.get(entity, ())}))
            self._answers[query.key] = answer
        wanted = [*_values(listed)] if listed else [None]
        missing = [value for value in wanted if value not in answer.records]
        if missing or (listed and not wanted):
            self._ask(query, missing, answer)
        kept = {"id", *fields}
        found = {
            record["id"]: {name: value for name, value in record.items() if name in kept}
            for value in wanted
            for record in answer.records[value]
        }
        return [found[id_] for id_ in sorted(found)]

    def _ask(self, query: _Query, missing: list[object], answer: _Answer) -> None:
        """Queries the values that are not known yet; an empty list only checks the fields."""
        name = query.listed
        listed = [Condition(name, "in", missing)] if name else []
        records = self._beneath.read(query.entity, [*query.others, *listed], sorted(answer.fields))
        answer.records.update({value: [] for value in missing})
        for record in records:
            answer.records[record[name] if name else None].append(record)

    def create(self, entity: str, values: Mapping[str, object]) -> int | None:
        """Never writes. Raises `EngineError`."""
        del values
        _refuse_write(entity)

    def update(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        """Never writes. Raises `EngineError`."""
        del record, values
        _refuse_write(entity)

    def before_write(self, guard: Callable[[], None]) -> None:
        """Does nothing: there are no writes."""

    def stop(self) -> None:
        """Stops the target beneath."""
        self._beneath.stop()

    def reserve_calls(self, calls: int) -> None:
        """Reserves the calls in the target beneath."""
        self._beneath.reserve_calls(calls)

    def threshold(self) -> Threshold | None:
        """Answers as the target beneath does."""
        return self._beneath.threshold()

    @property
    def call_costs(self) -> CallCosts:
        """The costs of the target beneath."""
        return self._beneath.call_costs

    @property
    def calls(self) -> int:
        """Requests of the target beneath."""
        return self._beneath.calls

    @property
    def spared(self) -> int:
        """Spared requests of the target beneath."""
        return self._beneath.spared


def _split(where: Sequence[Condition]) -> tuple[Condition | None, list[Condition]]:
    """Returns the list of numbers of a query, and its other conditions.

    A list of texts stays a condition: the target compares texts without case, so that an answer
    cannot be divided by them.
    """
    listed = next(
        (one for one in where if one.op == "in" and all(map(_is_number, _values(one)))), None
    )
    return listed, [one for one in where if one is not listed]


def _hashable(value: object) -> Hashable:
    return tuple(value) if isinstance(value, list | tuple) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _values(listed: Condition) -> Sequence[object]:
    return listed.value if isinstance(listed.value, list | tuple) else (listed.value,)


def _refuse_write(what: str) -> NoReturn:
    raise EngineError(f"{what}: a comparison of plans writes nothing")
