"""The state file: made for its owner only, opened if it is ours, brought up to date, else refused.

SQLite keeps its rollback journal (not the write-ahead log): the state is one file that is whole after
every call, may be copied, and may stand on a share as far as that share's locks can be trusted.
`synchronous = EXTRA` also syncs the folder after the rollback journal is removed, without which a
transaction could come undone by a power cut after its commit (sqlite.org/pragma.html#pragma_synchronous).
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from uuid import uuid4

from engine.errors import StateError
from engine.state.statements import migrations

APPLICATION = 0x54525550
"""What SQLite's `application_id` says in our files: "TRUP"."""

_WAIT = 30.0  # seconds for another process's transaction to end

UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, RecursionError)
"""What reading a value raises that this store never wrote."""


def is_there(path: Path) -> bool:
    """Is there a state to read?"""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StateError(f"the state {path} cannot be read: {error.strerror}") from error
    return True


def identity(path: Path) -> tuple[int, int]:
    """Device and number of the file, to notice that it was removed or replaced while in use."""
    found = path.stat()
    return found.st_dev, found.st_ino


def open_file(path: Path, *, create: bool) -> sqlite3.Connection:
    """A connection to a state of this version; an older one is migrated first.

    Raises StateError for a file that is not ours, damaged, newer than this program, or not to be had.
    """
    try:
        if create:
            _make(path)
        if not path.is_file():
            raise StateError(f"the state {path} is not there, or is not a file")
        _refuse_empty(path)
        connection = _connect(path)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise StateError(f"the state {path} cannot be opened: {error.strerror}") from error
    return connection


def _refuse_empty(path: Path) -> None:
    """A state comes into being whole: a file of no bytes is one that lost them."""
    if path.exists() and path.stat().st_size == 0:
        raise StateError(
            f"the state {path} is empty (0 bytes), which trueup never leaves behind: what was in it is lost. Put a "
            "copy back; or remove it and `trueup state import` an export; without either, remove it and plan: records "
            "are found again by the identity that was written into them, and what cannot be told is held"
        )


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    with translated(path):
        version = _version(connection, path)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            path.chmod(0o600)  # SQLite gives the file's companions the same mode
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone stops at the drive's cache
        if version < len(migrations()):
            _migrate(connection, path)


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors become StateError; the cause is kept."""
    try:
        yield
    except sqlite3.Error as error:
        raise StateError(f"the state {path} {_in_words(error)}") from error
    except UnicodeEncodeError as error:
        raise StateError(f"the state {path} cannot keep text that is not valid Unicode") from error


def _in_words(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_BUSY:
        return f"is busy: another process has been using it for {_WAIT:.0f} seconds; try again when it is done"
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return (
            f"is damaged or not a state file ({error}); it was left as it is. Put a copy back; or move it away and "
            "`trueup state import` an export; without either, move it away and plan: records are found again by "
            "the identity that was written into them, and what cannot be told is held"
        )
    return f"cannot be used: {error}"


def _make(path: Path) -> None:
    """A state that knows nothing, if there is none: whole under its name or not there; the folder is synced."""
    _make_folder(path.parent)
    if path.exists():
        return
    beside = path.with_name(f".{path.name}.{uuid4().hex[:8]}.new")
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with contextlib.closing(_connect(beside)) as connection, translated(path):
            connection.execute("PRAGMA synchronous = EXTRA")
            _migrate(connection, beside)
        _name(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    _sync(path.parent)


def _name(beside: Path, path: Path) -> None:
    """Never in the place of another: where two begin at once, the second takes what the first one made."""
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        return
    except OSError:  # a share without hard links
        if not path.exists():
            beside.rename(path)


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _connect(path: Path) -> sqlite3.Connection:
    """Never creates: a file that went away in the meantime is an error, not a new state."""
    with translated(path):
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_WAIT,
            isolation_level=None,
            check_same_thread=False,
        )


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's version; 0 is an empty file. Refuses what is not ours or newer."""
    application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    (empty,) = connection.execute("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()
    if application != APPLICATION and not (application == 0 and version == 0 and empty):
        raise StateError(f"{path} is a database of another program, not a trueup state; it was left as it is")
    if version > len(migrations()):
        raise StateError(
            f"the state {path} was written by a newer trueup (version {version} of the file, "
            f"this one knows up to {len(migrations())}): use that one"
        )
    return version


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """All missing migrations in one transaction; another process may have been first."""
    with transaction(connection):
        for statement in chain.from_iterable(migrations()[_version(connection, path) :]):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(migrations())}")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Committed and durable at the end, or undone."""
    try:
        connection.execute(f"BEGIN {kind}")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
