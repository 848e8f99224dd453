"""Connections to the fleet's database, and the conditions that a worker needs there.

Errors of the driver become errors of trueup. Their texts show no part of the address, which may
hold a password.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from trueup.errors import EngineError, FleetDatabaseAway
from trueup.model.secrets import hidden_line

Connection = psycopg.Connection[TupleRow]

LEAST_VERSION = 13
"""The oldest PostgreSQL version, as for the state of a tenant."""

MOST_SKEW = timedelta(seconds=10)
"""By how much a worker's clock may differ from the database's.

Leases and schedules follow the database's clock. The day of a plan, and the time from which a
change without a trace counts as not made, follow the worker's.
"""

_LONGEST_MESSAGE = 300  # characters of a server's message that are shown

ALIVE: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
    "application_name": "trueup fleet",
}
"""Options of a connection, so that this end notices a cut line within ten seconds once it sends."""

_SERVER = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
"""The same for the server's end: it would hold a tenant for a worker that is gone for hours."""


_SPELLING = (
    "it is postgresql://, the user, a colon, the password, @, the host, / and the name of the "
    "database; @ / : ? # and % in a password are written %40 %2F %3A %3F %23 and %25"
)
"""Not as an example: whatever looks like an address with a password is hidden in outputs."""


def connect(url: str) -> Connection:
    """Returns a connection that commits each statement. Raises FleetDatabaseAway."""
    with translated():
        return psycopg.connect(address(url), autocommit=True)


def address(url: str, options: str = "") -> str:
    """Returns the address with `ALIVE`, and with options of the server's command line."""
    try:
        given = str(conninfo_to_dict(url).get("options") or "")
        return make_conninfo(url, **ALIVE, options=f"{given} {_SERVER} {options}".strip())
    except psycopg.ProgrammingError as error:
        raise EngineError(
            f"the address of the fleet's database cannot be read: {_SPELLING}"
        ) from error


@contextmanager
def translated() -> Iterator[None]:
    """Turns errors of the driver into those of trueup."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise FleetDatabaseAway(f"the fleet's database cannot be used: {_cause(error)}") from error
    except psycopg.InterfaceError as error:
        raise FleetDatabaseAway("the connection to the fleet's database was lost") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise EngineError(
            f"the fleet's database refuses its user: {_cause(error)}; the user must own the "
            "schemas trueup, trueup_fleet and trueup_queue, or may create them"
        ) from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise FleetDatabaseAway(
            "the fleet's database is read-only, for example a standby: "
            "name the primary in its address"
        ) from error
    except _NOT_OURS as error:
        raise EngineError(
            f"the fleet's database lacks tables that trueup created: {_cause(error)}; restore a "
            "backup, or remove the schemas trueup_fleet and trueup_queue, which are then created "
            "again without the records of earlier runs"
        ) from error
    except psycopg.InternalError as error:
        raise FleetDatabaseAway(f"the fleet's database cannot be used: {_cause(error)}") from error


_NOT_OURS = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.DuplicateTable,
)
"""Errors of a schema that another program has changed."""

_CAUSES = {
    "Connection refused": "nothing listens at its address",
    "No such file": "nothing listens at its address",
    "translate host name": f"the name of its host is unknown; {_SPELLING}",
    "resolve host": f"the name of its host is unknown; {_SPELLING}",
    "no password supplied": "it asks for a password, and its address has none",
    "connection is bad": f"its address has a part that is not valid; {_SPELLING}",
    "timeout expired": "it does not answer in time",
    "closed the connection": "it closed the connection",
}
"""Text of the driver → text that is shown: the driver's own names hosts, users and databases."""


def _cause(error: psycopg.Error) -> str:
    """The server's sentence, or the driver's first line without addresses and users."""
    text = str(error)
    _, fatal, reason = text.rpartition("FATAL:")
    if sentence := error.diag.message_primary or (fatal and reason):
        return hidden_line(sentence, (), _LONGEST_MESSAGE)
    return next((words for part, words in _CAUSES.items() if part in text), "it does not answer")


def require_version(connection: Connection) -> None:
    """Raises EngineError for a server that is too old."""
    number = connection.info.server_version
    if number < LEAST_VERSION * 10_000:
        raise EngineError(
            f"the fleet's database is PostgreSQL {number // 10_000}.{number % 10_000}, and trueup "
            f"needs {LEAST_VERSION} or later: upgrade the server, or name another one in "
            "`database:` of fleet.yaml"
        )


def clock_skew(connection: Connection) -> timedelta:
    """Returns how far this machine's clock is ahead of the database's."""
    before = datetime.now(UTC)
    with translated():
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    after = datetime.now(UTC)
    if row is None:
        raise FleetDatabaseAway("the fleet's database does not return its time")
    theirs: datetime = row[0]
    if before <= theirs <= after:
        return timedelta()
    return before - theirs if theirs < before else after - theirs


def require_clock(connection: Connection) -> None:
    """Raises EngineError if the clocks differ by more than `MOST_SKEW`."""
    skew = clock_skew(connection)
    if abs(skew) > MOST_SKEW:
        direction = "ahead of" if skew > timedelta() else "behind"
        raise EngineError(
            f"this machine's clock is {abs(skew).total_seconds():.0f} s {direction} the fleet's "
            f"database, and at most {MOST_SKEW.total_seconds():.0f} s are allowed, because the "
            "day of a plan and the settling of changes in doubt follow it: synchronize both "
            "clocks (NTP), then the worker continues by itself"
        )
