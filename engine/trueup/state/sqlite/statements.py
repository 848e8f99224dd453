"""The content of the .sql files: named statements, and the migrations in order."""

import re
import sqlite3
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _named() -> dict[str, str]:
    text = (files("trueup.state.sqlite") / "sql" / "queries.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


def statement(name: str) -> str:
    """The statement with this name in `queries.sql`. Raises `KeyError` if there is none."""
    return _named()[name]


@cache
def migrations() -> tuple[tuple[str, ...], ...]:
    """The statements of each migration; the first one makes version 1 of an empty database."""
    folder = files("trueup.state.sqlite") / "sql" / "migrations"
    scripts = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return tuple(tuple(_split(script.read_text(encoding="utf-8"))) for script in scripts)


def _split(script: str) -> Sequence[str]:
    """The statements one by one, because `executescript` would commit between them."""
    statements, unfinished = [], ""
    for line in script.splitlines(keepends=True):
        unfinished += line
        if sqlite3.complete_statement(unfinished):
            statements.append(unfinished.strip())
            unfinished = ""
    return statements
