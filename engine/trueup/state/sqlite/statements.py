"""The .sql files, read: named statements, and the migrations in order."""

import re
import sqlite3
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _named() -> dict[str, str]:
    text = (files("engine.state") / "sql" / "queries.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


def statement(name: str) -> str:
    """The statement under this name in queries.sql; KeyError if there is none."""
    return _named()[name]


@cache
def migrations() -> tuple[tuple[str, ...], ...]:
    """The statements of each migration; the first brings an empty file to version 1."""
    folder = files("engine.state") / "sql" / "migrations"
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(tuple(_split(file.read_text(encoding="utf-8"))) for file in found)


def _split(script: str) -> Sequence[str]:
    """Single statements: `executescript` would commit between them."""
    statements, waiting = [], ""
    for line in script.splitlines(keepends=True):
        waiting += line
        if sqlite3.complete_statement(waiting):
            statements.append(waiting.strip())
            waiting = ""
    return statements
