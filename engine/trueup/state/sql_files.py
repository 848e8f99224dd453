"""The content of an adapter's .sql files: named statements, and the migrations in order."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def named_statements(package: str) -> Mapping[str, str]:
    """The statements of `sql/queries.sql` in this package, by name."""
    text = (files(package) / "sql" / "queries.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


@cache
def migration_scripts(package: str) -> tuple[str, ...]:
    """The scripts of `sql/migrations`; the first one makes version 1 of an empty database."""
    folder = files(package) / "sql" / "migrations"
    scripts = (file for file in folder.iterdir() if file.name.endswith(".sql"))
    ordered = sorted(scripts, key=lambda file: file.name)
    return tuple(script.read_text(encoding="utf-8") for script in ordered)
