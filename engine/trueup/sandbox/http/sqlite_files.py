"""SQLite files of a sandbox: open only files with the right application id, save whole snapshots.

SQLite keeps a number in the header of every file, the application id. Each sandbox has its own, so
that it never opens or overwrites a database of another program.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import mkstemp

from trueup import operating_system
from trueup.errors import SandboxError

UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""Errors that reading raises for a value that no sandbox wrote."""

_LOCK_TIMEOUT = 30.0  # seconds to wait while another process writes


def database_error(path: Path, error: sqlite3.DatabaseError | UnicodeDecodeError) -> SandboxError:
    """Returns the error for a database that SQLite cannot use: damaged, full, locked."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    is_damaged = code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
    reason = "it is damaged" if isinstance(error, UnicodeDecodeError) else str(error)
    remedy = ": put a copy back, or move it away and begin with a new one" if is_damaged else ""
    return SandboxError(f"the sandbox's database {path} cannot be used ({reason}){remedy}")


def foreign_value(path: Path | None) -> SandboxError:
    """Returns the error for a database that holds a value that no sandbox wrote."""
    name = path or "in memory"
    return SandboxError(
        f"the sandbox's database {name} holds a value that the sandbox did not write: put a copy "
        "back, or move it away and begin with a new one"
    )


def connect(path: Path) -> sqlite3.Connection:
    """Opens a database in autocommit mode, for use by several threads, one at a time.

    Raises `sqlite3.DatabaseError` if the file is not a database.
    """
    connection = sqlite3.connect(
        path, timeout=_LOCK_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
    except UnicodeDecodeError:  # SQLite's message repeats what is in a damaged file
        connection.close()
        raise sqlite3.DatabaseError("database disk image is malformed") from None
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def open_existing(path: Path, application_id: int) -> sqlite3.Connection:
    """Opens a database that exists and has this application id.

    Raises `SandboxError` if the file does not exist or belongs to another program.
    """
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "there is no such file"
        raise SandboxError(f"{path}: {what}")
    connection: sqlite3.Connection | None = None
    try:
        connection = connect(path)
        found = application_id_of(connection)
    except sqlite3.DatabaseError as error:
        if connection is not None:
            connection.close()
        raise SandboxError(f"{path} is not a sandbox database: {error}") from error
    if found != application_id:
        connection.close()
        raise SandboxError(f"{path} is not a sandbox database")
    return connection


def application_id_of(connection: sqlite3.Connection) -> int:
    """The application id in the file's header; 0 if none was set."""
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def belongs_to_another(connection: sqlite3.Connection, application_id: int) -> bool:
    """Returns whether the database has tables and another application id.

    The tables are looked for first: another process may create them and set the id between the two
    reads.
    """
    has_tables = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None
    return has_tables and application_id_of(connection) != application_id


def create_private(path: Path) -> None:
    """Creates the file and its folders, readable by its owner only.

    A clone may contain customers' data. An existing file is not changed. Raises `SandboxError` if
    the file cannot be created.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        operating_system.create_private(path)
    except OSError as error:
        raise SandboxError(f"{path}: {error.strerror}") from error


def save_snapshot(source: sqlite3.Connection, file: Path, application_id: int) -> None:
    """Copies the database of a connection into a file, readable by its owner only.

    The copy is consistent even while others write. The file appears whole or not at all. It
    replaces a snapshot with this application id and nothing else.
    Raises `SandboxError` if it cannot be written.
    """
    _check_replaceable(file, application_id)
    try:
        descriptor, name = mkstemp(".part", f"{file.name}.", file.parent)  # for its owner only
    except OSError as error:
        raise SandboxError(f"{file}: {error.strerror}") from error
    part = Path(name)
    try:
        os.close(descriptor)
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            source.backup(copy)
            copy.execute(
                "PRAGMA journal_mode = DELETE"
            )  # one file, without -wal and -shm beside it
        operating_system.replace(part, file)
    except OSError as error:
        raise SandboxError(f"{file}: {error.strerror}") from error
    except sqlite3.DatabaseError as error:
        raise SandboxError(f"{file}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def _check_replaceable(file: Path, application_id: int) -> None:
    """Raises `SandboxError` unless the file does not exist or is a snapshot that is not in use."""
    if not os.path.lexists(file):
        return
    remedy = "choose a file that does not exist yet"
    try:
        open_existing(file, application_id).close()
    except SandboxError:
        text = f"{file} exists and is no snapshot of this sandbox: {remedy}"
        raise SandboxError(text) from None
    if file.with_name(f"{file.name}-wal").exists():
        raise SandboxError(f"{file} is the database of a sandbox in use: {remedy}")
