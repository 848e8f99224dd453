"""The whole database into a file and back: a copy that is right even while others write."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from engine.errors import SandboxError
from engine.sandbox import tenant
from engine.sandbox.store import connect


def snapshot(database: Path, file: Path) -> None:
    """Copies a database; the file appears whole or not at all. Raises SandboxError."""
    with closing(connect(database)) as source:
        save(source, file)


def save(source: sqlite3.Connection, file: Path) -> None:
    """Copies what a connection sees; the file appears whole or not at all. Raises SandboxError."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        part.replace(file)
    except OSError as error:
        raise SandboxError(f"{file}: {error.strerror}") from error
    except sqlite3.DatabaseError as error:
        raise SandboxError(f"{file}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def restore(file: Path, database: Path) -> None:
    """Brings a database back to a snapshot, in place: servers that have it open go on with it. Raises SandboxError."""
    with closing(connect(file)) as source, closing(connect(database)) as live:
        version = int(tenant.get(live, "version", 0))
        try:
            source.backup(live)
            live.execute("BEGIN IMMEDIATE")
            tenant.put(live, "version", max(version, int(tenant.get(live, "version", 0))))
            live.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise SandboxError(f"{database}: {error}") from error
