"""One database: opened without creating anything, with errors that name it without its secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from trueup.errors import SourceError
from trueup.model.catalogue import Table
from trueup.model.secrets import hidden_line
from trueup.source.sql.address import check_exists, described, open_engine, secrets_of
from trueup.source.sql.raw_rows import ColumnTypes, prepare_sessions

_LONGEST_ERROR = 300


class SqlDatabase:
    """A database that SQLAlchemy can open."""

    def __init__(self, url: str, folder: Path) -> None:
        """`url` is SQLAlchemy's. Opens nothing yet.

        The path of an SQLite file is relative to `folder`.
        Raises `SourceError` on an invalid address, or a driver that is not installed.
        """
        self._folder = folder
        self._engine = open_engine(url, folder)
        prepare_sessions(self._engine)
        self._url = sqlalchemy.make_url(url)

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def describe(self) -> str:
        """Returns the kind of database, its host and its name, without user and password."""
        return described(self._url)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Connects for a block. Raises `SourceError`, also for the database's errors in the block.

        The database must exist.
        """
        try:
            with self._open() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise SourceError(self._message(error)) from None

    def column_types(self, connection: Connection, table: Table) -> ColumnTypes:
        """Returns the types of the table's columns in the database. Raises `SourceError`."""
        schema, _, name = table.logical.rpartition(".")
        try:
            columns = sqlalchemy.inspect(connection).get_columns(name, schema or None)
        except NoSuchTableError:
            raise SourceError(
                f"{self.describe()} has no table `{table.logical}` ({table.name})"
            ) from None
        return {column["name"]: column["type"] for column in columns}

    def _open(self) -> Connection:
        """Connects to the database, which must exist. Raises `SourceError`."""
        check_exists(self._url, self._folder)
        try:
            return self._engine.connect()
        except SQLAlchemyError as error:
            raise SourceError(self._message(error)) from None
        except Exception as error:  # noqa: BLE001 -- drivers raise what they like for an option
            reason = f"cannot be opened with the options in source.url ({type(error).__name__})"
            raise SourceError(f"{self.describe()}: {reason}") from None

    def _message(self, error: SQLAlchemyError) -> str:
        return f"{self.describe()}: {database_message(error, self._engine.url)}"


def database_message(error: SQLAlchemyError, url: sqlalchemy.URL) -> str:
    """Returns the database's own message on one line, without the statement and its values.

    `url` is the address, whose secrets are hidden.
    """
    text = str(getattr(error, "orig", None) or type(error).__name__)
    return hidden_line(text, secrets_of(url), _LONGEST_ERROR)
