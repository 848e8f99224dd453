"""The address of a database: opened without creating anything, and shown without its secrets.

No message repeats an address that cannot be read as its owner meant it. An `@`, `/` or `:` in a
password that is not escaped shifts its rest into the host, the port or the name of the database,
where any message would show it.
"""

import re
from pathlib import Path
from urllib.parse import unquote, unquote_plus

import sqlalchemy
from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from trueup.errors import SourceError

_ESCAPE = "write @ / : ? # and % in user and password as %40 %2F %3A %3F %23 and %25"
_SECRET_OPTION = re.compile(r"(?i)passw|pwd|secret|token|odbc_connect")
_SECRET_IN_ODBC = re.compile(r"(?i)(?:passw\w*|pwd|accesstoken)\s*=\s*(\{[^}]*\}|[^;]*)")
_SHORTEST_HIDDEN = 3
"""Shorter texts are parts of ordinary words."""


def open_engine(address: str) -> Engine:
    """Returns an engine for SQLAlchemy's address of a database. Opens nothing yet.

    Raises `SourceError` on an invalid address, or a driver that is not installed.
    """
    try:
        url = sqlalchemy.make_url(address)
    except (SQLAlchemyError, ValueError):  # ValueError: the port, of which its text shows a part
        raise SourceError(f"source.url: not a database address; {_ESCAPE}") from None
    if not _is_clear(url):
        raise SourceError(f"source.url: not a clear database address; {_ESCAPE}")
    try:
        return sqlalchemy.create_engine(url, hide_parameters=True)
    except ImportError as error:
        driver = error.name or url.drivername
        raise SourceError(f"source.url: the driver {driver} is not installed") from None
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
    """Returns the kind of database, its host and its name, without user and password."""
    location = "/".join(part for part in (url.host, url.database) if part)
    return without_secrets(f"{url.get_backend_name()} {location}", url)


def without_secrets(text: str, url: URL) -> str:
    """Returns the text without the secrets of an address, in case a driver repeats them."""
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def _secrets(url: URL) -> set[str]:
    found = {url.password or ""}
    for name, value in url.query.items():
        values = [value] if isinstance(value, str) else [*value]
        if _SECRET_OPTION.search(name):
            found |= {*values, *(unquote_plus(each) for each in values)}
            for each in values:
                found |= {match.strip("{}") for match in _SECRET_IN_ODBC.findall(each)}
    return {secret for secret in found if len(secret) >= _SHORTEST_HIDDEN}


def check_exists(url: URL) -> None:
    """Raises `SourceError` for an SQLite file that does not exist: SQLite would create it."""
    database = url.database or ""
    if url.get_backend_name() != "sqlite" or not database or ":memory:" in database:
        return
    name = database
    if database.startswith("file:"):
        if url.query.get("mode") == "memory":
            return
        name = unquote(database.removeprefix("file:"))
        name = re.sub(r"^//[^/]*", "", name)
    if not Path(name).is_file():
        raise SourceError(f"source.url: there is no file {name}; nothing is created")
