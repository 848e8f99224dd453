"""Opens a fleet: fleet.yaml, its database with all tables, and its queue."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from trueup.config.file_names import FLEET
from trueup.config.fleet import find_database
from trueup.errors import ConfigError, EngineError
from trueup.fleet import embedded, schedule, schema
from trueup.fleet.connection import Connection, connect, translated
from trueup.fleet.fleet_file import load_fleet
from trueup.fleet.procrastinate_queue import ProcrastinateQueue
from trueup.fleet.queue import JobQueue
from trueup.model.fleet import Fleet, FleetDatabase
from trueup.operations.redaction import remember_address


class OpenFleet(Struct, frozen=True):
    """A fleet whose database can be used.

    The address of the database may hold a password and must never be printed.
    """

    root: Path  # the folder of fleet.yaml
    digest: str  # of fleet.yaml
    load: Callable[[], Fleet]  # reads fleet.yaml once; see `fleet`
    url: str
    queue: JobQueue
    revive: Callable[[], None]  # starts the embedded database again

    def __repr__(self) -> str:
        return f"OpenFleet({str(self.root)!r})"

    @property
    def fleet(self) -> Fleet:
        """The content of fleet.yaml, read on first use because many tenants take some time.

        Raises ConfigError with all findings about fleet.yaml.
        """
        return self.load()

    def read_again(self) -> "OpenFleet":
        """Returns this fleet with the current fleet.yaml; itself if the file has not changed.

        Raises ConfigError with all findings about fleet.yaml, EngineError if it names another
        database.
        """
        digest = digest_of(self.root)
        if digest == self.digest:
            return self
        fleet = load_fleet(self.root)
        # The place of the line may differ, and so may what the environment lacks.
        if fleet.database.url != self.fleet.database.url:
            raise EngineError(
                "fleet.yaml names another database now: start this command again to continue there"
            )
        return replace(self, load=lambda: fleet, digest=digest)

    def connect(self) -> Connection:
        """Returns a connection to its database. Raises FleetDatabaseAway."""
        return connect(self.url)

    def prepare(self, connection: Connection) -> None:
        """Creates or migrates the tables, and writes the tenants of fleet.yaml to them.

        If the tables already have the tenants of this fleet.yaml, the file is not read.
        """
        schema.prepare(connection, self.queue)
        if kept_digest(connection) != self.digest:
            schedule.sync(connection, self.fleet, self.digest)


@contextmanager
def open_fleet(folder: Path, fleet: Fleet | None = None) -> Iterator[OpenFleet]:
    """Opens the fleet in a folder; its embedded PostgreSQL runs inside the block.

    `fleet` is the content of fleet.yaml, if it was read before. Raises ConfigError with all
    findings about that file.
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
    """Returns the address of the database, and a function that starts its server again."""
    if not database.is_embedded:
        return database.url, _ignore
    server = stack.enter_context(embedded.running(folder))
    return server.url, server.revive


def _ignore() -> None:
    """Does nothing: trueup does not start a server that fleet.yaml names."""


def _content(folder: Path) -> bytes:
    try:
        return (folder / FLEET).read_bytes()
    except OSError:
        return b""


def digest_of(folder: Path) -> str:
    """Returns the digest of fleet.yaml; that of an empty file if it cannot be read."""
    return sha256(_content(folder)).hexdigest()


def kept_digest(connection: Connection) -> str:
    """Returns the digest of the fleet.yaml that the tables were last filled from."""
    with translated():
        row = connection.execute("SELECT digest FROM trueup_fleet.fleet").fetchone()
    return str(row[0]) if row else ""


def require_tenants(connection: Connection, names: Sequence[str]) -> Sequence[str]:
    """Returns these tenants, or all if none is named. Raises EngineError for an unknown one."""
    with translated():
        rows = connection.execute(
            "SELECT name FROM trueup_fleet.tenants WHERE is_listed ORDER BY place"
        ).fetchall()
    known = [str(name) for (name,) in rows]
    for name in names:
        if name not in known:
            raise EngineError(f"fleet.yaml has no tenant {name!r}")
    return names or known
