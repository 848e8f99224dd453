"""Opens a connection to the database, checks and migrates it, and translates its errors."""

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import Connection, errors

from trueup.errors import StateError
from trueup.model.secrets import hidden_line
from trueup.state.postgres.address import Address
from trueup.state.sql_files import migration_scripts

OLDEST = 13
"""The oldest PostgreSQL that serves; procrastinate, the queue of a fleet, needs it as well."""

WAIT = 30  # seconds to wait for the transaction of another process
_FROZEN = 60  # seconds after which the server ends a transaction whose process does nothing

_TABLES = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'trueup'"
"""Read as rows. A look-up by name would not see what another process has just created."""

_PACKAGE = "trueup.state.postgres"
_MIGRATING = 0x747275657570  # "trueup": the advisory lock of migrations

BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
BEGIN_WRITING = f"""
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET LOCAL lock_timeout = '{WAIT}s';
    SET LOCAL idle_in_transaction_session_timeout = '{_FROZEN}s';
    SELECT set_config('synchronous_commit', 'on', true)
    WHERE current_setting('synchronous_commit') = 'off'
"""
"""Settings are those of the transaction, so that a pooler between us and the server may serve it.

A commit is durable whatever the server's default is. A process that freezes inside a transaction
loses it, so that others need not wait until it wakes.
"""

_LOST = (
    "what was being written is there as a whole, or not at all. Once the database can be reached, "
    "`trueup apply --resume` continues an apply, and any other command can be given again"
)
_LONGEST_MESSAGE = 300  # characters of a server's message that are shown


def migrations() -> tuple[str, ...]:
    """Returns the scripts in order; the first one makes version 1."""
    return migration_scripts(_PACKAGE)


def connect(address: Address, name: str) -> Connection:
    """Returns a connection on which each statement is its own transaction by default.

    Raises `StateError` for a server that cannot be reached, or does not meet the requirements.
    """
    try:
        # Prepared statements belong to a connection; a pooler gives each transaction another one.
        connection = psycopg.connect(
            **address.options, autocommit=True, prepare_threshold=None, client_encoding="UTF8"
        )
    except psycopg.OperationalError as error:
        text = (
            f"{name} cannot be opened: {_on_one_line(error, address)}. Check the address, the user "
            "and its password, and whether the server runs; nothing was written"
        )
        raise StateError(text) from error
    try:
        _check_server(connection, name)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_server(connection: Connection, name: str) -> None:
    version = connection.info.server_version // 10_000
    if version < OLDEST:
        raise StateError(
            f"{name} is on PostgreSQL {version}, which is too old: PostgreSQL {OLDEST} or later is "
            "needed; nothing was written"
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StateError(
            f"{name} is in a database with the encoding {encoding}, which cannot keep every text: "
            "create the database with ENCODING 'UTF8'; nothing was written"
        )


def ensure_schema(connection: Connection, name: str, *, create: bool) -> bool:
    """Migrates older tables, with `create` makes missing ones; returns whether they exist.

    Raises `StateError` for tables of a newer version or of another program.
    """
    version = _version(connection, name)
    if version == len(migrations()):
        return True
    if version == 0 and not create:
        return False
    _migrate(connection, name)
    return True


def check_version(version: int, name: str) -> None:
    """Raises `StateError` for tables that a newer program made."""
    if version > len(migrations()):
        raise StateError(
            f"{name} was written by a newer trueup (version {version} of its tables; this one "
            f"reads up to version {len(migrations())}): use the newer one; nothing was written"
        )


def _version(connection: Connection, name: str) -> int:
    """Returns the version of the tables, 0 if there are none."""
    names = {row[0] for row in connection.execute(_TABLES)}
    if "schema_version" in names:
        row = connection.execute("SELECT version FROM trueup.schema_version").fetchone()
        if row is None:
            raise StateError(f"{name}: trueup.schema_version is empty; put a copy back")
        check_version(row[0], name)
        return int(row[0])
    if names:
        raise StateError(
            f"{name}: the schema trueup holds tables of another program; name another database. "
            "Nothing was written"
        )
    return 0


def _migrate(connection: Connection, name: str) -> None:
    """Runs all missing migrations in one transaction; another process may have run them before."""
    with transaction(connection, BEGIN_WRITING):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATING,))
        version = _version(connection, name)
        if version:  # each writer waits here, and then sees the new version
            connection.execute("LOCK TABLE trueup.state IN ACCESS EXCLUSIVE MODE")
        for script in migrations()[version:]:
            connection.execute(script.encode())
        connection.execute(
            "INSERT INTO trueup.schema_version (version) VALUES (%(version)s) "
            "ON CONFLICT (one) DO UPDATE SET version = %(version)s",
            {"version": len(migrations())},
        )


@contextlib.contextmanager
def transaction(connection: Connection, begin: str) -> Iterator[None]:
    """Commits at the end of the block, or rolls back; closes the connection if that is unknown."""
    connection.execute(begin.encode())
    try:
        yield
        connection.execute("COMMIT")
    except Exception:
        with contextlib.suppress(
            psycopg.Error
        ):  # the first error is more precise; the server rolls back
            connection.execute("ROLLBACK")
        raise
    except BaseException:  # interrupted at any point of the protocol
        connection.close()
        raise


@contextlib.contextmanager
def translated(address: Address, name: str) -> Iterator[None]:
    """Raises `StateError` for errors of the database."""
    try:
        yield
    except psycopg.Error as error:
        raise StateError(f"{name} {_message(error, address)}") from error
    except UnicodeEncodeError as error:
        raise StateError(f"{name} cannot keep text that is not valid Unicode") from error


_REMEDIES: tuple[tuple[type[psycopg.Error], str], ...] = (
    (
        errors.LockNotAvailable,
        f"is busy: another process has been writing for {WAIT} seconds; try again when it is done",
    ),
    (
        errors.ReadOnlySqlTransaction,
        "is on a server that is read-only, for example a standby: name the primary in the address",
    ),
    (errors.InsufficientPrivilege, "cannot be used with the rights of this user: {server}"),
    (errors.DiskFull, "cannot be written, the disk of the server is full: {server}"),
    (errors.UndefinedTable, "was removed while in use: nothing was written"),
    (errors.IdleInTransactionSessionTimeout, "lost its connection: {server}; " + _LOST),
    (psycopg.OperationalError, "lost its connection: {server}; " + _LOST),
    (psycopg.DataError, "cannot keep this value: {server}"),
    (psycopg.Error, "cannot be used: {server}"),
)
"""The text and remedy for each class of errors; the first class that fits counts."""


def _message(error: psycopg.Error, address: Address) -> str:
    text = next(text for kind, text in _REMEDIES if isinstance(error, kind))
    return text.replace("{server}", _on_one_line(error, address))


def _on_one_line(error: psycopg.Error, address: Address) -> str:
    """Returns the message of the driver or the server for a sentence, without secrets."""
    return hidden_line(str(error), address.secrets(), _LONGEST_MESSAGE).rstrip(".")
