"""The address of a database: parsed without a connection, and shown without its secrets.

An address that cannot be parsed is never repeated in a message. If a password holds an `@`, `/` or
`:` that is not encoded, its rest becomes the host, the port or the name of the database, and any
message would show it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from trueup.errors import StateError
from trueup.model.secrets import NAMES

_SCHEME = re.compile(r"(?:postgresql|postgres)(?:\+psycopg)?(?=://)")
"""Schemes of libpq, and SQLAlchemy's, which also names the driver."""

_ESCAPE = "write @ / : ? # and % in user and password as %40 %2F %3A %3F %23 and %25"
_EXAMPLE = "postgresql://user:secret@host/base"

_DEFAULTS: Mapping[str, Any] = {
    "application_name": "trueup",
    "connect_timeout": 10,
    # A vanished server is noticed within half a minute instead of hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Default options of a connection."""

_SECRET = re.compile(f"(?i){NAMES}")
"""What the name of an option contains whose value is a secret."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is: the options of libpq, and a description without secrets."""

    options: Mapping[str, Any] = field(repr=False)
    description: str  # host and database

    def secrets(self) -> list[str]:
        """Returns the secrets of the address, to be hidden where a server repeats them."""
        return [str(value) for name, value in self.options.items() if _SECRET.search(name)]


def parse_address(url: str) -> Address:
    """Returns the address for `postgresql://user:secret@host/base?options`, as libpq reads it.

    Raises `StateError` for any other text.
    """
    scheme = _SCHEME.match(url)
    if not scheme:
        raise StateError(f"state.url: not an address of PostgreSQL; write {_EXAMPLE}")
    try:
        options = conninfo_to_dict(f"postgresql{url[scheme.end() :]}")
    except psycopg.Error:  # its text may show a part of the password
        raise StateError(f"state.url: not an address of PostgreSQL; {_ESCAPE}") from None
    host, base = str(options.get("host", "")), str(options.get("dbname", ""))
    if "@" in host or "@" in base or re.search(r"[^\d,]", str(options.get("port", ""))):
        raise StateError(f"state.url: not a clear address; {_ESCAPE}")
    return Address({**_DEFAULTS, **options}, "/".join(part for part in (host, base) if part))
