"""A world that is read once: plans with other decisions compare the same rows and records."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from trueup.model.catalogue import Entity
from trueup.model.finding import Place
from trueup.ports import (
    CallCosts,
    Condition,
    Record,
    RowOutcome,
    Rows,
    RowUpdate,
    Source,
    Target,
    Threshold,
    World,
)


def remembered(world: World) -> World:
    """The world, with each answer of both systems kept in memory and given again."""
    source, target = _Source(world.source), _Target(world.target)
    return World(source, target, world.state, world.clock)


class _Source:
    """A source whose tables are read once. Writes go through."""

    def __init__(self, beneath: Source) -> None:
        self._beneath = beneath
        self._rows: dict[tuple[str, frozenset[str]], Rows] = {}

    def describe(self) -> str:
        return self._beneath.describe()

    def identity(self) -> str:
        return self._beneath.identity()

    def id_entity_of(self, table: str, column: str) -> str | None:
        return self._beneath.id_entity_of(table, column)

    @property
    def notices(self) -> Sequence[str]:
        return self._beneath.notices

    def read(self, table: str, columns: Iterable[str]) -> Rows:
        names = frozenset(columns)
        if (table, names) not in self._rows:
            self._rows[table, names] = self._beneath.read(table, sorted(names))
        return self._rows[table, names]

    def places(self, table: str, keys: Iterable[str]) -> Mapping[str, Place]:
        return self._beneath.places(table, keys)

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        return self._beneath.write(table, updates)


class _Target:
    """A target whose records are read once. Writes go through."""

    def __init__(self, beneath: Target) -> None:
        self._beneath = beneath
        self._records: dict[object, list[Record]] = {}

    def describe(self) -> str:
        return self._beneath.describe()

    def identity(self) -> str:
        return self._beneath.identity()

    def entity(self, name: str) -> Entity:
        return self._beneath.entity(name)

    def denied(self, entity: str) -> frozenset[str]:
        return self._beneath.denied(entity)

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        asked = entity, repr([*where]), frozenset(fields)
        if asked not in self._records:
            self._records[asked] = self._beneath.read(entity, where, fields)
        return [dict(record) for record in self._records[asked]]

    def create(self, entity: str, values: Mapping[str, object]) -> int | None:
        return self._beneath.create(entity, values)

    def update(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        self._beneath.update(entity, record, values)

    def before_write(self, guard: Callable[[], None]) -> None:
        self._beneath.before_write(guard)

    def stop(self) -> None:
        self._beneath.stop()

    def reserve_calls(self, calls: int) -> None:
        self._beneath.reserve_calls(calls)

    def threshold(self) -> Threshold:
        return self._beneath.threshold()

    @property
    def call_costs(self) -> CallCosts:
        return self._beneath.call_costs

    @property
    def calls(self) -> int:
        return self._beneath.calls
