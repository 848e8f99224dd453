"""The address of a database: opened without creating anything, and shown without its secrets.

No message repeats an address that cannot be read as its owner meant it. An `@`, `/` or `:` in a
password that is not escaped shifts its rest into the host, the port or the name of the database,
where any message would show it.
"""

import re
from pathlib import Path
from urllib.parse import quote, unquote, unquote_plus

import sqlalchemy
from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from trueup.errors import SourceError
from trueup.model.secrets import NAMES

_ESCAPE = "write @ / : ? # and % in user and password as %40 %2F %3A %3F %23 and %25"
_SECRET_OPTION = re.compile(rf"(?i){NAMES}|pwd|odbc_connect")
_ODBC_PART = re.compile(r"\s*([^=;]*?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)[^;]*;?")
"""A name and a value of an ODBC connection string; a value in braces may hold semicolons."""
_ODBC_LOCATION = (
    *("server", "servername", "data source", "address", "addr", "network address"),
    *("dsn", "filedsn", "database", "initial catalog", "db", "dbname", "dbq"),
)
"""Keywords of ODBC drivers that name a server, a data source or a database."""
_HOST_OPTIONS = ("dsn", "hostaddr", "unix_socket", "host", "server")
_NAME_OPTIONS = ("dbname", "database", "db", "service_name")
"""Options by which drivers name the host and the database. They go before the address itself."""
_FILE = "file:"  # how an SQLite address begins that is a URI


_DRIVERS = {"psycopg": "pip install 'trueup[postgres]'"}
"""Drivers that come with an extra of ours, and how to install it."""


def open_engine(address: str, folder: Path) -> Engine:
    """Returns an engine for SQLAlchemy's address of a database. Opens nothing yet.

    The path of an SQLite file is relative to `folder`.
    Raises `SourceError` on an invalid address, or a driver that is not installed.
    """
    try:
        url = sqlalchemy.make_url(address)
    except (SQLAlchemyError, ValueError):  # ValueError: the port, of which its text shows a part
        raise SourceError(f"source.url: not a database address; {_ESCAPE}") from None
    if not _is_clear(url):
        raise SourceError(f"source.url: not a clear database address; {_ESCAPE}")
    if url.get_backend_name() != "sqlite" and not any(_location(url)):
        raise SourceError(
            "source.url: names neither a host nor a database, so it does not identify one: "
            "write both into it"
        )
    try:
        return sqlalchemy.create_engine(_in_folder(url, folder), hide_parameters=True)
    except ImportError as error:
        driver = error.name or url.drivername
        how = f": {_DRIVERS[driver]}" if driver in _DRIVERS else ""
        raise SourceError(f"source.url: the driver {driver} is not installed{how}") from None
    except sqlalchemy.exc.NoSuchModuleError:
        raise SourceError("source.url: not a database address") from None
    except Exception as error:  # noqa: BLE001 -- drivers raise what they like, and quote it
        reason = f"the driver does not accept its options ({type(error).__name__})"
        raise SourceError(f"source.url: {reason}") from None


def _is_clear(url: URL) -> bool:
    """Returns whether nothing of user and password can have got into the other parts."""
    if url.get_backend_name() == "sqlite" and not url.host and not url.username:
        return True  # the rest is a path, in which everything may stand
    return not any("@" in part for part in (url.host or "", url.database or ""))


def described(url: URL) -> str:
    """Returns the kind of database, its host and its name, without user and password.

    It depends on nothing else: it identifies the database, also after its password has changed.
    The port is no part of it: a state keeps the text, and earlier versions wrote it without one.
    """
    return f"{url.get_backend_name()} {'/'.join(part for part in _location(url) if part)}"


def _location(url: URL) -> list[str]:
    """Returns what the address states of host and database; empty texts for what it does not."""
    given = {name.casefold(): _joined(value) for name, value in url.query.items()}
    if "odbc_connect" in given:
        return _odbc_location(unquote_plus(given["odbc_connect"]))
    host, name = (
        next(filter(None, map(given.get, options)), None)
        for options in (_HOST_OPTIONS, _NAME_OPTIONS)
    )
    stated = [host or url.host or "", name or url.database or ""]
    # A service of libpq states what is missing here.
    return stated if all(stated) else [*stated, given.get("service", "")]


def _odbc_location(connection: str) -> list[str]:
    """Returns the server and the database that a connection string of ODBC names.

    Of a keyword that occurs twice, ODBC takes the first value.
    """
    values = dict[str, str]()
    for name, value in _ODBC_PART.findall(connection):
        values.setdefault(name.lower(), value.strip(" {}"))
    return [values.get(name, "") for name in _ODBC_LOCATION]


def _joined(value: str | tuple[str, ...]) -> str:
    """Returns an option of an address, which may be there more than once."""
    return value if isinstance(value, str) else ",".join(value)


def secrets_of(url: URL) -> set[str]:
    """Returns the secrets of an address, to be hidden where a driver repeats them."""
    found = {url.password or ""}
    for name, value in url.query.items():
        values = [value] if isinstance(value, str) else [*value]
        if _SECRET_OPTION.search(name):
            found |= {*values, *(unquote_plus(each) for each in values)}
            for each in values:
                found |= _odbc_secrets(each)
    return found


def _odbc_secrets(connection: str) -> set[str]:
    """Returns the secrets in a connection string of ODBC, as written there and as they are."""
    found = {value for name, value in _ODBC_PART.findall(connection) if _SECRET_OPTION.search(name)}
    inner = {value[1:-1] for value in found if value.startswith("{")}
    return found | inner | {value.replace("}}", "}") for value in inner}


def check_exists(url: URL, folder: Path) -> None:
    """Raises `SourceError` for an SQLite file that does not exist: SQLite would create it.

    `url` is the address as it is written, `folder` where a relative path starts.
    """
    name = _file_of(url)
    if name and not (folder / name).is_file():
        raise SourceError(f"source.url: there is no file {name}; nothing is created")


def _file_of(url: URL) -> str:
    """Returns the path of an SQLite file as the address has it, empty for all other databases."""
    database = url.database or ""
    if url.get_backend_name() != "sqlite" or ":memory:" in database:
        return ""
    if not database.startswith(_FILE):
        return database
    if url.query.get("mode") == "memory":
        return ""
    return re.sub(r"^//[^/]*", "", unquote(database.removeprefix(_FILE)))


def _in_folder(url: URL, folder: Path) -> URL:
    """Returns the address with a relative path of an SQLite file made absolute."""
    name = _file_of(url)
    if not name or Path(name).is_absolute():
        return url
    path = str((folder / name).resolve())
    is_uri = (url.database or "").startswith(_FILE)
    return url.set(database=_FILE + quote(path) if is_uri else path)
