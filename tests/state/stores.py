"""What tests of the state share: processes whose fate a test decides, a filled state, tools."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from trueup.model.audit import LinkForgotten
from trueup.model.run import Effects, Entry, Link, Pushed, Run, RunStatus, Step
from trueup.state.postgres.store import PostgresState
from trueup.state.process import Fate, Process
from trueup.state.sqlite.store import SqliteState
from trueup.state.store import StoredState
from trueup.wiring import SystemClock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EDIT = LinkForgotten("customer", "y")
"""The event of edits of which only the effects matter."""

KEEPERS = ("journal_keeps_its_lines", "journal_keeps_its_words")
"""Triggers that keep other programs from changing the journal."""

TABLES = {
    "state": "lineage serial lines head",
    "lock": "token holder host pid born realm since expires",
    "links": "mapping key entity record how",
    "applied": "mapping key fields",
    "pushed": "mapping key record day units change run proof marked undone",
    "runs": "number id plan_digest plan who host started status ended undo_of anchor",
    "journal": "seq kind run change step at data previous hash",
    "doubts": "run change seq",
}
"""Tables and their columns, which both adapters have."""


class FakeProcesses:
    """Processes of one host; each is alive unless the test decides otherwise."""

    def __init__(self, pid: int, fates: dict[int, Fate]) -> None:
        self.pid = pid
        self.fates = fates

    def mine(self) -> Process:
        return Process("host-1", self.pid, "12345", "boot-1")

    def fate(self, process: Process) -> Fate:
        return self.fates.get(process.pid, Fate.ALIVE)


class Tool(ABC):
    """Any program that may write to the tables, past the triggers that guard the journal."""

    errors: type[Exception]  # of the driver

    @abstractmethod
    def _opened(self) -> AbstractContextManager[Any]:
        """Opens a connection to the tables, whose changes are kept at the end of the block."""

    def rows(self, statement: str) -> list[tuple]:
        with self._opened() as connection:
            return connection.execute(statement).fetchall()

    def refuses(self, statement: str) -> str:
        """Runs it with all triggers, and returns what the database says against it."""
        with self._opened() as connection:
            try:
                connection.execute(statement)
            except self.errors as error:
                return str(error)
        return ""


class SqliteTool(Tool):
    """One that can open the file."""

    errors = sqlite3.Error

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            yield connection

    def run(self, *statements: str) -> None:
        with self._opened() as connection:
            for trigger in KEEPERS:
                connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            for statement in statements:
                connection.executescript(statement)

    def execute(self, statement: str, *values: object) -> None:
        """Runs a statement with `?` for its values."""
        self.run()
        with self._opened() as connection:
            connection.execute(statement, values)


class PostgresTool(Tool):
    """One that sees the rows of one tenant, as in a file."""

    errors = psycopg.Error

    def __init__(self, address: str, tenant: str) -> None:
        self._address, self._tenant = address, tenant

    @contextmanager
    def _opened(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self._address, autocommit=True) as connection:
            for table, columns in TABLES.items():
                name = sql.Identifier(table)
                view = sql.SQL(
                    "CREATE TEMPORARY VIEW {} AS SELECT {}, tenant FROM trueup.{} WHERE tenant = {}"
                ).format(name, sql.SQL(columns.replace(" ", ", ")), name, self._tenant)
                connection.execute(view)
                default = sql.SQL("ALTER VIEW {} ALTER COLUMN tenant SET DEFAULT {}")
                connection.execute(default.format(name, self._tenant))
            yield connection

    @contextmanager
    def _unguarded(self) -> Iterator[psycopg.Connection]:
        trigger = "ALTER TABLE trueup.journal {} TRIGGER journal_keeps_its_lines"
        with self._opened() as connection:
            connection.execute(trigger.format("DISABLE"))
            try:
                yield connection
            finally:
                connection.execute(trigger.format("ENABLE"))

    def run(self, *statements: str) -> None:
        with self._unguarded() as connection:
            for statement in statements:
                connection.execute(statement)

    def execute(self, statement: str, *values: object) -> None:
        """Runs a statement with `?` for its values."""
        with self._unguarded() as connection:
            connection.execute(statement.replace("?", "%s"), values)


class SqlitePlace:
    """A folder, in which each name is a state."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def store(self, name: str, **options: Any) -> StoredState:
        return SqliteState(self._folder / f"{name}.sqlite", durable=False, **options)

    def tool(self, name: str) -> SqliteTool:
        return SqliteTool(self._folder / f"{name}.sqlite")

    def argument(self, name: str) -> list[str]:
        """What `opened_by` needs in another process."""
        return [str(self._folder / f"{name}.sqlite"), ""]


class PostgresPlace:
    """Tenants of a database, each named for the test."""

    def __init__(self, address: str, prefix: str) -> None:
        self._address, self._prefix = address, prefix

    def store(self, name: str, **options: Any) -> StoredState:
        return PostgresState(self._address, f"{self._prefix}.{name}", **options)

    def tool(self, name: str) -> PostgresTool:
        return PostgresTool(self._address, f"{self._prefix}.{name}")

    def argument(self, name: str) -> list[str]:
        """What `opened_by` needs in another process."""
        return [self._address, f"{self._prefix}.{name}"]


def opened_by(argument: list[str], **options: Any) -> StoredState:
    """Opens a store in another process, with real processes and the real time."""
    where, tenant = argument
    if tenant:
        return PostgresState(where, tenant, **options)
    return SqliteState(Path(where), clock=SystemClock(), **options)


def fill(state: StoredState) -> None:
    """Writes two runs with a manual edit between them; the second run stays open."""
    lease = state.acquire("apply (ann)")
    state.begin(Run("r1", "d1g3st", '{"plan": 1}', "ann", "host-1", NOON), lease)
    state.record(lease, "r1", [Entry("a1", Step.STARTED, NOON), Entry("a2", Step.STARTED, NOON)])
    proof = ({"id": 9, "units": 15},)
    pushed = Pushed("license_change", "c1", 51, date(2026, 11, 15), 3, "a2", "r1", proof)
    links = tuple(
        Link("customer", key, "Companies", record, "created")
        for key, record in (("x", 1), ("y", 2))
    )
    effects = Effects(
        links=links,
        applied={("customer", "x"): {"name": "Zoë"}, ("customer", "y"): {}},
        pushed=(pushed,),
    )
    state.record(lease, "r1", [Entry("a1", Step.DONE, NOON, {"id": 1})], effects)
    state.finish(lease, "r1", RunStatus.PARTIAL, NOON + timedelta(minutes=1))
    state.edit(lease, EDIT, Effects(unlink=(("customer", "y"),)), reason="keyed twice")
    state.begin(Run("r2", "d1g3st", '{"plan": 2}', "ben", "host-1", NOON), lease)
    state.release(lease)
