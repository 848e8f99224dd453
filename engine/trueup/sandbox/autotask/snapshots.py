"""Saves the sandbox's whole database into one file, and restores it, also while it is served."""

import sqlite3
from contextlib import closing
from pathlib import Path

from trueup.errors import SandboxError
from trueup.sandbox.autotask import settings
from trueup.sandbox.autotask.store import APPLICATION_ID
from trueup.sandbox.http.sqlite_files import open_existing, save_snapshot


def snapshot(database: Path, file: Path) -> None:
    """Copies a database into a file, which appears whole or not at all. Raises `SandboxError`."""
    with closing(open_existing(database, APPLICATION_ID)) as source:
        save_snapshot(source, file, APPLICATION_ID)


def restore(file: Path, database: Path) -> None:
    """Brings a database back to a snapshot. Servers that have it open continue with its content.

    Raises `SandboxError` if either file is not a sandbox database.
    """
    with (
        closing(open_existing(file, APPLICATION_ID)) as source,
        closing(open_existing(database, APPLICATION_ID)) as live,
    ):
        version = int(settings.get(live, "version", 0))
        try:
            source.backup(live)
            # The version of the settings only goes up, so that every process reads them again.
            live.execute("BEGIN IMMEDIATE")
            settings.put(live, "version", max(version, int(settings.get(live, "version", 0))))
            live.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise SandboxError(f"{database}: {error}") from error
