"""Source, target and state that were read before, so that a benchmark does not measure reading."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

from trueup.model.catalogue import Entity
from trueup.model.compact_rows import row_maker
from trueup.model.finding import Place
from trueup.model.links import Links
from trueup.model.run import Link
from trueup.ports.source import RowOutcome, Rows, RowUpdate, Source
from trueup.ports.state import State, StateSnapshot
from trueup.ports.target import CallCosts, Condition, Record, Target, Threshold
from trueup.ports.world import World
from trueup.wiring import SystemClock


class _Loaded:
    """Tables or entities in memory, whose rows have each field that was asked for, as if read."""

    def __init__(self, rows: Mapping[str, list[dict[str, Any]]]) -> None:
        self._rows = rows
        self._made: set[tuple[str, frozenset[str]]] = set()

    def read(self, name: str, fields: Iterable[str]) -> list[dict[str, Any]]:
        """Returns the rows; a field that a row lacks is None in it.

        The first time they are made as all sources and the target make rows and records, which
        share their names. So the plan that is measured, which is not the first one, reads what is
        there, and it is as large as it is for a tenant.
        """
        rows, asked = self._rows.get(name, []), frozenset(fields)
        if rows and (name, asked) not in self._made:
            self._made.add((name, asked))
            names = sorted(asked.union(*rows))
            make = row_maker(names)
            rows[:] = (make(map(row.get, names)) for row in rows)
        return rows


class LoadedSource:
    """A source of tables in memory."""

    notices = ()

    def __init__(self, tables: Mapping[str, list[dict[str, Any]]]) -> None:
        self._tables = _Loaded(tables)

    def describe(self) -> str:
        return "bench"

    def identity(self) -> str:
        return ""

    def decimal_places(self, table: str, column: str) -> int | None:
        return None

    def id_entity_of(self, table: str, column: str) -> str | None:
        return None

    def read(self, table: str, columns: Iterable[str], keys: Collection[str] | None = None) -> Rows:
        assert keys is None, "a plan reads whole tables"
        return Rows(self._tables.read(table, columns))

    def places(self, table: str, keys: Iterable[str]) -> Mapping[str, Place]:
        return {}

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        raise AssertionError("a plan writes nothing")


class LoadedTarget:
    """A target of records in memory. All of them are read already, so a read by ids finds none."""

    calls = spared = 0
    partial_reads = ()

    def __init__(
        self, entities: Mapping[str, Entity], records: Mapping[str, list[dict[str, Any]]]
    ) -> None:
        self._entities, self._records = entities, _Loaded(records)

    def describe(self) -> str:
        return "bench"

    def identity(self) -> str:
        return ""

    def entity(self, name: str) -> Entity:
        return self._entities[name]

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        if any(condition.field == "id" for condition in where):
            return []
        return self._records.read(entity, fields)

    def denied(self, entity: str) -> frozenset[str]:
        return frozenset()

    @property
    def call_costs(self) -> CallCosts:
        """As Autotask has them."""
        return CallCosts(page=500, in_flight=3, per_entity=2, fixed=3, between_checks=25)

    def threshold(self) -> Threshold:
        return Threshold(0, 10_000)


def loaded_world(source: Source, target: LoadedTarget, state: "LoadedState") -> World:
    """Returns a world of which a plan reads, and that has no more than a plan needs."""
    return World(source, cast("Target", target), cast("State", state), SystemClock())


class LoadedState:
    """A state of links in memory."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._snapshot = StateSnapshot(links=Links(links))

    def load(self) -> StateSnapshot:
        return self._snapshot

    def journal(self, run: str) -> list[Any]:
        return []

    def runs(self, *, plans: bool = True) -> list[Any]:
        return []

    def audit(self) -> list[Any]:
        return []
