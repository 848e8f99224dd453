"""Opens a fleet: fleet.yaml, its database with all tables, and its queue."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

from trueup.config.file_names import FLEET
from trueup.config.fleet import find_database
from trueup.errors import ConfigError, EngineError
from trueup.fleet import embedded, schedule, schema
from trueup.fleet.connection import Connection, connect, translated
from trueup.fleet.fleet_file import load_fleet
from trueup.fleet.procrastinate_queue import ProcrastinateQueue
from trueup.fleet.queue import Queue
from trueup.model.fleet import Fleet, FleetDatabase
from trueup.operations.redaction import remember_address


@dataclass(frozen=True, slots=True)
class OpenFleet:
    """A fleet whose database can be used."""

    root: Path  # the folder of fleet.yaml
    digest: str  # of fleet.yaml
    load: Callable[[], Fleet] = field(repr=False)  # reads fleet.yaml, once: see `fleet`
    url: str = field(repr=False)
    queue: Queue
    revive: Callable[[], None]  # starts the database again, where it is the fleet's own

    @property
    def fleet(self) -> Fleet:
        """fleet.yaml; read when it is needed, because many tenants take some time.

        Raises ConfigError with all that is wrong with it.
        """
        return self.load()

    def read_again(self) -> "OpenFleet":
        """This fleet as fleet.yaml has it now; the same object where the file has not changed.

        Raises ConfigError with all that is wrong with it, EngineError if it names another
        database.
        """
        digest = digest_of(self.root)
        if digest == self.digest:
            return self
        fleet = load_fleet(self.root)
        # The place of the line may differ, and so may what the environment lacks.
        if fleet.database.url != self.fleet.database.url:
            raise EngineError(
                "fleet.yaml names another database now: start this command again to go on there"
            )
        return replace(self, load=lambda: fleet, digest=digest)

    def connect(self) -> Connection:
        """A connection to its database. Raises FleetDatabaseAway."""
        return connect(self.url)

    def prepare(self, connection: Connection) -> None:
        """Makes or migrates the tables, and keeps the tenants of fleet.yaml in them.

        A fleet.yaml whose tenants are there already is not read.
        """
        schema.prepare(connection, self.queue)
        if kept_digest(connection) != self.digest:
            schedule.sync(connection, self.fleet, self.digest)


@contextmanager
def open_fleet(folder: Path, fleet: Fleet | None = None) -> Iterator[OpenFleet]:
    """The fleet in a folder; its own PostgreSQL runs inside the block where it names none.

    `fleet`: what fleet.yaml says, if it was read before. Raises ConfigError with all that is wrong
    with that file.
    """
    raw = _content(folder)
    load = cache(lambda: fleet or load_fleet(folder))
    database = find_database(raw) or load().database
    if database.unset:
        raise ConfigError(database.unset)
    remember_address(database.url)
    with ExitStack() as stack:
        url, revive = _server(folder, database, stack)
        queue = ProcrastinateQueue(url)
        yield OpenFleet(folder.resolve(), digest_of(folder), load, url, queue, revive)


def _server(
    folder: Path, database: FleetDatabase, stack: ExitStack
) -> tuple[str, Callable[[], None]]:
    """The address of the database, and what starts it again."""
    if not database.is_embedded:
        return database.url, _ignore
    server = stack.enter_context(embedded.running(folder))
    return server.url, server.revive


def _ignore() -> None:
    """A server elsewhere is not ours to start."""


def _content(folder: Path) -> bytes:
    try:
        return (folder / FLEET).read_bytes()
    except OSError:
        return b""


def digest_of(folder: Path) -> str:
    """The digest of fleet.yaml; that of an empty file where it cannot be read."""
    return sha256(_content(folder)).hexdigest()


def kept_digest(connection: Connection) -> str:
    """The digest of the fleet.yaml that the fleet's tables were filled from last."""
    with translated():
        row = connection.execute("SELECT digest FROM trueup_fleet.fleet").fetchone()
    return str(row[0]) if row else ""


def require_tenants(connection: Connection, names: Sequence[str]) -> Sequence[str]:
    """These tenants, or all where none is named. Raises EngineError for one that is not there."""
    with translated():
        rows = connection.execute(
            "SELECT name FROM trueup_fleet.tenants WHERE is_listed ORDER BY place"
        ).fetchall()
    known = [str(name) for (name,) in rows]
    for name in names:
        if name not in known:
            raise EngineError(f"fleet.yaml has no tenant {name!r}")
    return names or known
