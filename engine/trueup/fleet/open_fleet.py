"""Opens a fleet: fleet.yaml, its database with all tables, and its queue."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from trueup.errors import ConfigError, EngineError
from trueup.fleet import embedded, schedule, schema
from trueup.fleet.connection import Connection, connect, translated
from trueup.fleet.fleet_file import load_fleet
from trueup.fleet.procrastinate_queue import ProcrastinateQueue
from trueup.fleet.queue import Queue
from trueup.model.fleet import Fleet

FILE = "fleet.yaml"


@dataclass(frozen=True, slots=True)
class OpenFleet:
    """A fleet whose database can be used."""

    fleet: Fleet
    digest: str  # of fleet.yaml
    url: str = field(repr=False)
    queue: Queue
    revive: Callable[[], None]  # starts the database again, where it is the fleet's own

    def connect(self) -> Connection:
        """A connection to its database. Raises FleetDatabaseAway."""
        return connect(self.url)

    def prepare(self, connection: Connection) -> None:
        """Makes or migrates the tables, and keeps the tenants of fleet.yaml in them."""
        schema.prepare(connection, self.queue)
        if kept_digest(connection) != self.digest:
            schedule.sync(connection, self.fleet, self.digest)

    def require(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """These tenants. Raises EngineError for one that fleet.yaml does not have."""
        for name in names:
            if name not in self.fleet.tenants:
                raise EngineError(f"fleet.yaml has no tenant {name!r}")
        return names


@contextmanager
def open_fleet(folder: Path) -> Iterator[OpenFleet]:
    """The fleet in a folder; its own PostgreSQL runs inside the block where it names none.

    Raises ConfigError with all that is wrong with fleet.yaml.
    """
    digest = digest_of(folder)
    fleet = load_fleet(folder)
    if fleet.database.unset:
        raise ConfigError(fleet.database.unset)
    with ExitStack() as stack:
        url, revive = fleet.database.url, _ignore
        if fleet.database.is_embedded:
            server = stack.enter_context(embedded.running(fleet.root))
            url, revive = server.url, server.revive
        yield OpenFleet(fleet, digest, url, ProcrastinateQueue(url), revive)


def _ignore() -> None:
    """A server elsewhere is not ours to start."""


def digest_of(folder: Path) -> str:
    """The digest of fleet.yaml; empty where it cannot be read."""
    try:
        return sha256((folder / FILE).read_bytes()).hexdigest()
    except OSError:
        return ""


def kept_digest(connection: Connection) -> str:
    """The digest of the fleet.yaml that the fleet's tables were filled from last."""
    with translated():
        row = connection.execute("SELECT digest FROM trueup_fleet.fleet").fetchone()
    return str(row[0]) if row else ""
