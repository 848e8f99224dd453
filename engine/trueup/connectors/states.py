"""Opens the state that a project names: a file, or the rows of a tenant in PostgreSQL."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from trueup.connectors.choosing import choose, own_path
from trueup.errors import EngineError
from trueup.model.project import Connection, Project
from trueup.ports.state import State
from trueup.ports.world import Clock


class States:
    """The state of one project. What is opened is closed with `stack`."""

    def __init__(self, project: Project, stack: ExitStack, clock: Clock) -> None:
        self._project, self._stack, self._clock = project, stack, clock
        self._state: State | None = None
        self._server_clock: Clock | None = None

    @property
    def connectors(self) -> Mapping[str, Callable[[Connection], State]]:
        """What opens the state, by the names that `state.connector` may have."""
        return {"sqlite": self._sqlite, "postgres": self._postgres}

    def open(self) -> State:
        """Returns the state; opened once. Raises EngineError if it cannot be opened."""
        if self._state is None:
            self._state = choose(self.connectors, self._project.state)(self._project.state)
        return self._state

    def copy(self, database: Path) -> State:
        """Returns a state in a file, with all that the project's state holds."""
        from trueup.state.sqlite.store import SqliteState

        state = self._stack.enter_context(SqliteState(database, clock=self._clock))
        original = self.open()
        if original.head()[0]:
            state.import_(original.export())
        return state

    def shared_clock(self) -> Clock:
        """Returns the clock by which all machines with this state measure runs.

        Whether a request may still be running depends on times that another machine wrote.
        """
        self.open()
        return self._server_clock or self._clock

    def _sqlite(self, connection: Connection) -> State:
        from trueup.state.sqlite.store import SqliteState

        path = own_path(self._project, connection, "path")
        return self._stack.enter_context(SqliteState(path, clock=self._clock))

    def _postgres(self, connection: Connection) -> State:
        """Returns the state of one tenant. Its leases run by the clock of the server."""
        _require_driver(connection)
        from trueup.state.lock import LEASE_SECONDS
        from trueup.state.postgres.store import PostgresState

        url, tenant = str(connection.options["url"]), str(connection.options["tenant"])
        # A fleet names a lease of its own; trueup.yaml cannot.
        lease = float(str(connection.options.get("lease", LEASE_SECONDS)))
        state = self._stack.enter_context(PostgresState(url, tenant, lease_seconds=lease))
        self._server_clock = state.server_clock(self._clock)
        return state


def _require_driver(connection: Connection) -> None:
    """Raises EngineError if the driver for PostgreSQL is not installed."""
    if find_spec("psycopg") is None:
        how = "pip install 'trueup[postgres]'"
        raise EngineError(f"{connection.place}: the driver psycopg is not installed: {how}")
