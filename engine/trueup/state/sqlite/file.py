"""The state file: created readable by its owner only, opened, migrated, or refused.

SQLite uses its rollback journal, not the write-ahead log: the state is one file that is complete
after every call, may be copied, and may be on a share as far as the locks of the share can be
trusted. `synchronous = EXTRA` also syncs the folder after the rollback journal is removed. Without
it, a power cut after a commit could undo the transaction
(sqlite.org/pragma.html#pragma_synchronous).
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from uuid import uuid4

from trueup import operating_system
from trueup.errors import StateError
from trueup.state.sqlite.statements import migrations

APPLICATION = 0x54525550
"""SQLite's `application_id` in state files: "TRUP"."""

_WAIT = 30.0  # seconds to wait for the transaction of another process

_REPLAN = (
    "records are found again by the identity that was written into them, and what cannot be "
    "determined is held"
)
"""What a plan without the lost state does."""


_RIGHTS = "the user of this process needs the right to write it, and its folder"
_CAUSES = {
    sqlite3.SQLITE_FULL: "cannot be written: free some space on its disk",
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: look whether its disk has space left, is connected and "
        "without faults, and whether a limit on the size of files or a quota applies"
    ),
    sqlite3.SQLITE_READONLY: f"cannot be written: {_RIGHTS}",
    sqlite3.SQLITE_PERM: f"cannot be written: {_RIGHTS}",
    sqlite3.SQLITE_CANTOPEN: f"cannot be opened or written: {_RIGHTS}, and its disk needs space",
}
"""What is wrong and what to do, by SQLite's code (sqlite.org/rescode.html)."""


def exists(path: Path) -> bool:
    """Whether there is a state. Raises `StateError` if that cannot be determined."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StateError(f"the state {path} cannot be read: {error.strerror}") from error
    return True


def identity(path: Path) -> tuple[int, int]:
    """Device and inode of the file, to notice that it was removed or replaced while in use."""
    status = path.stat()
    return status.st_dev, status.st_ino


def open_file(path: Path, *, create: bool, durable: bool = True) -> sqlite3.Connection:
    """A connection to a state of the current version; an older file is migrated first.

    Without `durable`, a power cut may lose what was written: for states that are thrown away.

    Raises `StateError` for a file that is missing, damaged, of another program, of a newer version
    or not accessible.
    """
    try:
        if create:
            _create(path, durable=durable)
        if not path.is_file():
            raise StateError(f"the state {path} is missing, or is not a file")
        _refuse_empty(path)
        connection = _connect(path)
        try:
            _prepare(connection, path, durable=durable)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise StateError(f"the state {path} cannot be opened: {error.strerror}") from error
    return connection


def _refuse_empty(path: Path) -> None:
    """A state is created complete, so a file of 0 bytes has lost its content."""
    if path.exists() and path.stat().st_size == 0:
        raise StateError(
            f"the state {path} is empty (0 bytes): its content is lost. Put a copy back; or remove "
            f"it and `trueup state import` an export; without either, remove it and plan: {_REPLAN}"
        )


def _prepare(connection: sqlite3.Connection, path: Path, *, durable: bool) -> None:
    with translated(path):
        version = _version(connection, path)
        operating_system.restrict_to_owner(path)  # SQLite gives the file's companions its mode
        connection.execute(f"PRAGMA synchronous = {'EXTRA' if durable else 'OFF'}")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone stops at the drive's cache
        if version < len(migrations()):
            _migrate(connection, path)


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raises `StateError` for errors of SQLite, which stay its cause."""
    try:
        yield
    except sqlite3.Error as error:
        raise StateError(f"the state {path} {_message(error)}") from error
    except UnicodeEncodeError as error:
        raise StateError(f"the state {path} cannot keep text that is not valid Unicode") from error


def _message(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_BUSY:
        return (
            f"is busy: another process has been using it for {_WAIT:.0f} seconds; "
            "try again when it is done"
        )
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return (
            f"is damaged or not a state file ({error}); it was left as it is. Put a copy back; or "
            "move it away and `trueup state import` an export; without either, move it away and "
            f"plan: {_REPLAN}"
        )
    return f"{_CAUSES.get(code, 'cannot be used')} ({error})"


def _create(path: Path, *, durable: bool) -> None:
    """Creates an empty state if there is none, complete or not at all, and syncs the folder."""
    _create_folder(path.parent)
    if path.exists():
        return
    new = path.with_name(f".{path.name}.{uuid4().hex[:8]}.new")
    operating_system.create_private(new, exclusive=True)
    try:
        with contextlib.closing(_connect(new)) as connection, translated(path):
            connection.execute(f"PRAGMA synchronous = {'EXTRA' if durable else 'OFF'}")
            _migrate(connection, new)
        _rename(new, path)
    finally:
        new.unlink(missing_ok=True)
    operating_system.sync_folder(path.parent)


def _rename(new: Path, path: Path) -> None:
    """Never replaces a file: if two processes create the state at once, both use the first file."""
    try:
        path.hardlink_to(new)
    except FileExistsError:
        return
    except OSError:  # a share without hard links
        if not path.exists():
            new.rename(path)


def _create_folder(folder: Path) -> None:
    if not folder.exists():
        _create_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        operating_system.sync_folder(folder.parent)


def _connect(path: Path) -> sqlite3.Connection:
    """Never creates a file: a state that vanished meanwhile is an error, not a new state."""
    with translated(path):
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_WAIT,
            isolation_level=None,
            check_same_thread=False,
        )


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file; 0 for an empty database.

    Raises `StateError` for the database of another program and for a newer version.
    """
    application = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    (empty,) = connection.execute("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()
    new = application == 0 and version == 0 and empty
    if application != APPLICATION and not new:
        raise StateError(
            f"{path} is a database of another program, not a trueup state; it was left as it is"
        )
    if version > len(migrations()):
        raise StateError(
            f"the state {path} was written by a newer trueup (version {version} of the file; "
            f"this one reads up to version {len(migrations())}): use the newer one"
        )
    return version


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Runs all missing migrations in one transaction; another process may have been faster."""
    with transaction(connection):
        # The version is read again inside the transaction.
        for statement in chain.from_iterable(migrations()[_version(connection, path) :]):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(migrations())}")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Committed and durable at the end, or rolled back."""
    try:
        connection.execute(f"BEGIN {kind}")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
