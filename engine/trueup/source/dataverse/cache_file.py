"""A SQLite file whose loss costs time only: one that is damaged is replaced by an empty one."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trueup import operating_system
from trueup.errors import SourceError
from trueup.local_files import open_regular
from trueup.source.json_rows import JSON_ERRORS

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another run that writes the cache."""

_HEADER = b"SQLite format 3\0"
_NOT_DAMAGED = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""Primary codes of errors that do not come from the content of the file."""

_UNREADABLE = (*JSON_ERRORS, LookupError, TypeError, AttributeError)
"""What parsing other content than was cached raises."""


class CacheDamaged(SourceError):
    """The file holds what was not cached there."""


class CacheFile:
    """The file, opened for one command. Only its owner may read it.

    All methods raise `SourceError` if the file cannot be used, `CacheDamaged` for its content.
    """

    def __init__(self, path: Path | None, name: str, schema: str) -> None:
        """Without a path it is in memory, for one process. `name` is for messages.

        A database that is damaged is replaced. Any other file stays: it may be no cache.
        """
        self._path, self._name, self._schema = path, name, schema
        self.replaced: CacheDamaged | None = None  # what was wrong with a file that was replaced
        try:
            self._db = self._opened()
        except CacheDamaged as damage:
            if not path or not _is_database(path):
                raise
            self._replace(damage)

    def begin_again(self, damage: CacheDamaged) -> None:
        """Replaces the file, in which this damage was found, with an empty one."""
        self._db.close()
        self._replace(damage)

    def _replace(self, damage: CacheDamaged) -> None:
        try:
            for end in ("", "-wal", "-shm") if self._path else ():
                Path(f"{self._path}{end}").unlink(missing_ok=True)
        except OSError as error:
            raise SourceError(
                f"the row cache {self._name} is damaged, and cannot be deleted: {error.strerror}"
            ) from error
        self._db, self.replaced = self._opened(), damage

    def _opened(self) -> sqlite3.Connection:
        try:
            if self._path:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                operating_system.create_private(self._path)
            database = sqlite3.connect(
                self._path or ":memory:",
                timeout=LOCK_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                database.executescript(
                    f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {self._schema}"
                )
            except sqlite3.Error:
                database.close()
                raise
        except (OSError, sqlite3.Error) as error:
            kind = CacheDamaged if _is_damage(error) else SourceError
            raise kind(
                f"the row cache {self._name} cannot be opened: {error}; it may be deleted"
            ) from error
        return database

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keeps everything that is written inside, or nothing of it."""
        database = self._db
        self._do("BEGIN IMMEDIATE")
        try:
            yield
            self._do("COMMIT")
        except BaseException:
            _roll_back(database)
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read inside belongs together, whatever another run writes."""
        database = self._db
        self._do("BEGIN")
        try:
            yield
        finally:
            _roll_back(database)

    @contextmanager
    def parsing(self) -> Iterator[None]:
        """Raises `CacheDamaged` for a text from the cache that cannot be parsed."""
        try:
            yield
        except _UNREADABLE as error:
            raise self._damaged(error) from error

    def _do(self, statement: str, *values: str | int) -> None:
        with self._translated():
            self._db.execute(statement, values)

    def _row(self, query: str, *values: str | int) -> tuple[str, ...] | None:
        with self._translated():
            row = self._db.execute(query, values).fetchone()
        return None if row is None else self._texts(row)

    def _texts(self, row: Iterable[object]) -> tuple[str, ...]:
        """The columns of a row. Raises `CacheDamaged` unless all are texts."""
        values = tuple(row)
        texts = tuple(value for value in values if isinstance(value, str))
        if texts != values:
            raise self._damaged("a column is no text")
        return texts

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raises errors of SQLite as `SourceError`."""
        try:
            yield
        except sqlite3.Error as error:
            if _is_damage(error):
                raise self._damaged(error) from error
            raise SourceError(f"the row cache {self._name} cannot be used: {error}") from error

    def _damaged(self, reason: object) -> CacheDamaged:
        return CacheDamaged(f"the row cache {self._name} is damaged: {reason}; it may be deleted")


def _roll_back(database: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # SQLite itself ends a transaction after some errors
        database.execute("ROLLBACK")


def _is_damage(error: Exception) -> bool:
    """Whether an error comes from the content of the file. Text that is not UTF-8 has no code."""
    if isinstance(error, sqlite3.ProgrammingError) or not isinstance(error, sqlite3.Error):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF not in _NOT_DAMAGED


def _is_database(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return file.read(len(_HEADER)) == _HEADER
    except OSError:
        return False
