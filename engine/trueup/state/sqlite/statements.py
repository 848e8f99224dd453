"""The statements of SQLite by name, and its migrations in order."""

import sqlite3
from collections.abc import Sequence
from functools import cache

from trueup.state.sql_files import migration_scripts, named_statements

_PACKAGE = "trueup.state.sqlite"


def statement(name: str) -> str:
    """The statement with this name in `queries.sql`. Raises `KeyError` if there is none."""
    return named_statements(_PACKAGE)[name]


@cache
def migrations() -> tuple[tuple[str, ...], ...]:
    """The statements of each migration; the first one makes version 1 of an empty database."""
    return tuple(tuple(_split(script)) for script in migration_scripts(_PACKAGE))


def _split(script: str) -> Sequence[str]:
    """The statements one by one, because `executescript` would commit between them."""
    statements, unfinished = [], ""
    for line in script.splitlines(keepends=True):
        unfinished += line
        if sqlite3.complete_statement(unfinished):
            statements.append(unfinished.strip())
            unfinished = ""
    return statements
