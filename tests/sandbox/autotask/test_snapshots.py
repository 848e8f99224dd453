"""Snapshots of the database: one file, restored in place, never mistaken for another file."""

import os
import sqlite3
from contextlib import closing

import pytest
from trueup.errors import SandboxError
from trueup.sandbox.autotask import seed, snapshots
from trueup.sandbox.autotask.dump import dump_database
from trueup.sandbox.autotask.store import RecordStore

from tests.sandbox.autotask.one_contract import BASE


def test_a_snapshot_is_one_file_with_everything_and_can_be_restored(tmp_path, entities, database):
    seed.seed(database, entities, {"records": BASE})
    before = dump_database(database, entities)
    snapshots.snapshot(database, tmp_path / "snap.sqlite")
    seed.reset(database, entities)

    snapshots.restore(tmp_path / "snap.sqlite", database)

    assert dump_database(database, entities) == before
    assert sorted(file.name for file in tmp_path.glob("snap*")) == ["snap.sqlite"]


def test_a_file_that_is_not_a_sandbox_database_is_not_opened_or_restored(
    tmp_path, entities, database
):
    seed.seed(database, entities, {"records": BASE})
    before = dump_database(database, entities)
    other = tmp_path / "other.sqlite"
    other.write_text("this is no database at all, and long enough to be read as one " * 20)

    for file in (other, tmp_path / "absent.sqlite"):
        with pytest.raises(SandboxError):
            snapshots.restore(file, database)
    with pytest.raises(SandboxError):
        seed.seed(other, entities, {})
    with pytest.raises(SandboxError):
        snapshots.snapshot(database, tmp_path / "no" / "where" / "snap.sqlite")
    assert dump_database(database, entities) == before


@pytest.mark.parametrize(
    "content", [b"", b"Invoices, not to be lost\n" * 100, b"SQLite format 3\0"]
)
def test_a_snapshot_never_replaces_a_file_that_is_no_snapshot(
    tmp_path, entities, database, content
):
    seed.seed(database, entities, {"records": BASE})
    file = tmp_path / "invoices.csv"
    file.write_bytes(content)

    with pytest.raises(SandboxError, match=r"exists and is no snapshot of this sandbox: choose"):
        snapshots.snapshot(database, file)

    assert file.read_bytes() == content
    assert list(tmp_path.glob("*.part")) == []


def test_a_snapshot_never_replaces_a_database_of_another_program_or_what_is_no_file(
    tmp_path, entities, database
):
    seed.seed(database, entities, {"records": BASE})
    other, pipe, link = (tmp_path / name for name in ("other.sqlite", "pipe", "link"))
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE invoices (id)")
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "nowhere")
    before = other.read_bytes()

    for file in (other, pipe, link, tmp_path):
        with pytest.raises(SandboxError, match="no snapshot of this sandbox"):
            snapshots.snapshot(database, file)

    assert other.read_bytes() == before
    assert pipe.is_fifo()
    assert link.is_symlink()


def test_a_snapshot_replaces_a_snapshot_but_no_database_in_use(tmp_path, entities, database):
    seed.seed(database, entities, {"records": BASE})
    snapshots.snapshot(database, tmp_path / "snap.sqlite")
    seed.reset(database, entities)

    snapshots.snapshot(database, tmp_path / "snap.sqlite")
    with closing(RecordStore(database, entities)) as store, store.reading() as db:
        db.execute("SELECT 1 FROM Companies")
        with pytest.raises(SandboxError, match="the database of a sandbox in use"):
            snapshots.snapshot(database, database)

    assert dump_database(tmp_path / "snap.sqlite", entities)["records"] == {}
