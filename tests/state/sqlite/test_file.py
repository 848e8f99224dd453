"""The file: its permissions, which files are refused, how old ones are migrated."""

import os
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from trueup import operating_system
from trueup.errors import StateError, StateLocked
from trueup.model.run import Effects, Entry, Link, Run, RunStatus, Step
from trueup.ports.state import StateSnapshot
from trueup.state.sqlite import file
from trueup.state.sqlite.file import APPLICATION, open_file
from trueup.state.sqlite.statements import migrations
from trueup.state.sqlite.store import SqliteState

from tests.state.stores import EDIT
from tests.support.fakes import FakeClock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def raw(path, *statements) -> None:
    """Runs statements on the file as another program would."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def schema(path) -> dict[str, list[tuple]]:
    """Tables with their columns, indexes and triggers with their text."""
    connection = sqlite3.connect(path)
    objects = connection.execute(
        "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    ).fetchall()
    described = {
        name: connection.execute(f"PRAGMA table_info({name})").fetchall()
        if kind == "table"
        else [(sql,)]
        for kind, name, sql in objects
    }
    connection.close()
    return described


def old_file(path, version: int) -> None:
    """Creates an empty file of an old version, with its number of migrations."""
    statements = [statement for migration in migrations()[:version] for statement in migration]
    raw(
        path,
        *statements,
        f"PRAGMA application_id = {APPLICATION}",
        f"PRAGMA user_version = {version}",
    )


def test_reading_creates_no_file_and_no_folder(opened, tmp_path):
    state = opened(1, tmp_path / "sub" / "state.sqlite")

    assert state.load() == StateSnapshot()
    assert (state.runs(), state.journal("r1"), state.in_doubt(), state.audit()) == ([], [], [], [])
    assert (state.holder(), state.head(), state.verify()) == (None, (0, ""), [])
    with pytest.raises(StateError, match="no run r1"):
        state.run("r1")
    with pytest.raises(StateError, match="nothing to export"):
        state.export()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277], ids=oct)
def test_the_file_and_its_rollback_journal_are_readable_by_their_owner_only(
    opened, tmp_path, umask
):
    before = os.umask(umask)
    try:
        path = tmp_path / "state.sqlite"
        state = opened(1, path)
        lease = state.acquire("apply (ann)")
        modes = {}
        with state._access.writing() as transaction:
            transaction._connection.execute("UPDATE state SET serial = 7")
            modes = {file.name: mode(file) for file in tmp_path.iterdir()}
        state.edit(lease, EDIT, Effects())
    finally:
        os.umask(before)

    assert set(modes) == {"state.sqlite", "state.sqlite-journal"}
    assert {bits & 0o177 for bits in modes.values()} == {0}


def test_a_file_that_others_can_read_is_made_private(filled, path, opened):
    filled.close()
    path.chmod(0o644)

    opened(2).load()

    assert mode(path) == 0o600


def test_missing_folders_are_created(opened, tmp_path):
    state = opened(1, tmp_path / "a" / "b" / "state.sqlite")

    assert state.acquire("apply (ann)")


def test_the_state_is_one_file_between_calls_and_a_second_one_while_a_run_is_open(filled, path):
    assert filled.load().links
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, f"{path.name}.open"]
    assert mode(path.with_name(f"{path.name}.open")) == 0o600


def test_each_commit_reaches_the_disk_before_the_call_returns(filled):
    with filled._access.reading() as transaction:
        connection = transaction._connection
        assert connection.execute("PRAGMA synchronous").fetchone() == (3,)
        assert connection.execute("PRAGMA fullfsync").fetchone() == (1,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_state_that_is_thrown_away_does_not_wait_for_the_disk(tmp_path):
    with SqliteState(tmp_path / "state.sqlite", clock=FakeClock(), durable=False) as state:
        state.acquire("test")
        with state._access.reading() as transaction:
            assert transaction._connection.execute("PRAGMA synchronous").fetchone() == (0,)


def test_the_folders_of_new_folders_and_files_are_synced(opened, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(
        operating_system,
        "sync_folder",
        lambda folder: synced.append(folder.relative_to(tmp_path).as_posix()),
    )

    opened(1, tmp_path / "a" / "b" / "state.sqlite").acquire("apply (ann)")

    assert synced == [".", "a", "a/b"]


FOREIGN = {
    "text": b"links: {}\n",
    "another database": None,
    "noise": bytes(range(256)) * 64,
    "header only": b"SQLite format 3\x00" + b"\xff" * 4080,
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_that_is_no_state_is_refused_and_left_unchanged(opened, path, kind):
    if FOREIGN[kind] is None:
        raw(path, "CREATE TABLE customers (name TEXT)", "INSERT INTO customers VALUES ('Alpine')")
    else:
        path.write_bytes(FOREIGN[kind])
    path.chmod(0o644)
    before = path.read_bytes()
    state = opened()

    for call in (
        state.load,
        lambda: state.acquire("apply (ann)"),
        state.export,
        lambda: state.import_("{}"),
    ):
        with pytest.raises(StateError, match="left as it is"):
            call()

    assert path.read_bytes() == before
    assert mode(path) == 0o644


def test_an_empty_database_of_another_program_is_refused(opened, path):
    raw(path, "PRAGMA user_version = 5")

    with pytest.raises(StateError, match="another program"):
        opened().acquire("apply (ann)")


def test_a_folder_in_place_of_the_file_is_refused(opened, path):
    path.mkdir()

    with pytest.raises(StateError, match="not a file"):
        opened().load()
    with pytest.raises(StateError, match="not a file"):
        opened().acquire("apply (ann)")


def test_a_path_that_cannot_be_reached_is_refused(opened, tmp_path):
    (tmp_path / "file").write_text("no folder")
    state = opened(1, tmp_path / "file" / "state.sqlite")

    with pytest.raises(StateError, match="Not a directory"):
        state.load()
    with pytest.raises(StateError, match="Not a directory"):
        state.acquire("apply (ann)")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_refused(filled, path, opened, share):
    lease = filled.acquire("apply (ann)")
    links = tuple(
        Link("customer", f"{number}", "Companies", number, "created") for number in range(500)
    )
    filled.edit(lease, EDIT, Effects(links=links))
    filled.close()
    content = path.read_bytes()
    truncated = content[: int(len(content) * share)]
    path.write_bytes(truncated)

    with pytest.raises(StateError, match="damaged"):
        opened(2).load()
    assert path.read_bytes() == truncated


def test_a_file_with_a_damaged_page_is_refused(filled, path, opened):
    filled.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)

    with pytest.raises(StateError, match="damaged"):
        opened(2).load()


def test_a_value_that_trueup_did_not_write_is_refused(filled, path, opened):
    filled.close()
    raw(path, 'UPDATE applied SET fields = \'{"price":{"$decimal":"much"}}\'')

    with pytest.raises(StateError, match="did not write"):
        opened(2).load()


def test_a_file_of_a_newer_version_is_refused(filled, path, opened):
    filled.close()
    raw(path, "PRAGMA user_version = 99")
    state = opened(2)

    with pytest.raises(
        StateError, match=r"newer trueup \(version 99 of the file; this one reads up to"
    ):
        state.load()
    with pytest.raises(StateError, match="newer trueup"):
        state.acquire("apply (ann)")


def test_a_file_of_0_bytes_is_refused(filled, opened, path):
    filled.close()
    path.write_bytes(b"")
    state = opened(2)

    for call in (
        state.load,
        state.runs,
        state.verify,
        lambda: state.acquire("apply (ann)"),
        lambda: state.import_(""),
    ):
        with pytest.raises(StateError, match=r"is empty \(0 bytes\).*Put a copy back"):
            call()
    assert path.stat().st_size == 0


def test_a_process_killed_while_it_creates_the_state_leaves_no_file(opened, path, monkeypatch):
    def killed(*_):
        assert not path.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(file, "_rename", killed)
    with pytest.raises(KeyboardInterrupt):
        opened().acquire("apply (ann)")
    assert [*path.parent.iterdir()] == []
    monkeypatch.undo()
    assert opened(2).acquire("apply (ann)")


@pytest.mark.parametrize("links", [True, False])
def test_a_state_that_another_process_created_meanwhile_is_used(opened, path, monkeypatch, links):
    first, rename = opened(1), file._rename

    def create_meanwhile(new, path):
        monkeypatch.setattr(file, "_rename", rename)
        first.acquire("apply (ann)")
        rename(new, path)

    monkeypatch.setattr(file, "_rename", create_meanwhile)
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", _no_links)
    with pytest.raises(StateLocked, match="ann"):
        opened(2).acquire("apply (ben)")
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert first.holder()


def _no_links(*_):
    raise OSError(95, "Operation not supported")


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_that_is_removed_or_replaced_while_in_use_is_refused(filled, path, how):
    lease = filled.acquire("apply (ann)")
    content = path.read_bytes()
    path.rename(path.with_suffix(".old"))
    if how == "replaced":
        path.write_bytes(content)

    with pytest.raises(StateError, match="removed or replaced"):
        filled.edit(lease, EDIT, Effects())
    with pytest.raises(StateError, match="removed or replaced"):
        filled.load()


def test_a_writing_call_does_not_create_the_file_again(opened, path, state):
    lease = state.acquire("apply (ann)")
    path.unlink()

    with pytest.raises(StateError, match="is missing"):
        opened(2).edit(lease, EDIT, Effects())
    assert not path.exists()


@pytest.mark.parametrize("version", range(1, len(migrations())))
def test_an_old_file_opens_with_all_of_its_content(opened, path, version):
    old_file(path, version)
    raw(
        path,
        "INSERT INTO links VALUES ('customer', 'x', 'Companies', 1, 'created')",
        "INSERT INTO applied VALUES ('customer', 'x', '{\"day\":{\"$date\":\"2026-01-01\"}}')",
        "UPDATE state SET lineage = 'l1neage', serial = 41",
    )
    state = opened()

    snapshot = state.load()

    assert (snapshot.lineage, snapshot.serial) == ("l1neage", 41)
    assert list(snapshot.links) == list(snapshot.applied) == [("customer", "x")]
    assert state.acquire("apply (ann)").token == 1


@pytest.mark.parametrize("version", range(1, len(migrations())))
def test_a_migrated_file_has_the_same_tables_as_a_new_one(path, tmp_path, version):
    old_file(path, version)
    for where in (path, tmp_path / "new.sqlite"):
        open_file(where, create=True).close()

    assert schema(path) == schema(tmp_path / "new.sqlite")


def test_a_migration_adds_anchors_and_doubts_and_the_journal_still_verifies(opened, path, tmp_path):
    """The old file is filled from a new one, which differs only in anchors and doubts."""
    new = opened(1, tmp_path / "new.sqlite")
    lease = new.acquire("apply (ann)")
    new.begin(Run("r1", "d1g3st", "{}", "ann", "host-1", NOON), lease)
    new.record(lease, "r1", [Entry("a1", Step.STARTED, NOON), Entry("a2", Step.STARTED, NOON)])
    new.finish(lease, "r1", RunStatus.INTERRUPTED, NOON + timedelta(minutes=1))
    new.record(lease, "r1", [Entry("a1", Step.DONE, NOON), Entry("a3", Step.HELD, NOON)])
    new.finish(lease, "r1", RunStatus.PARTIAL, NOON + timedelta(minutes=2))
    doubts = new.in_doubt()
    new.close()
    old_file(path, 1)
    raw(
        path,
        f"ATTACH '{tmp_path / 'new.sqlite'}' AS new",
        "DELETE FROM state",
        "INSERT INTO state SELECT * FROM new.state",
        "INSERT INTO journal SELECT * FROM new.journal",
        "INSERT INTO runs SELECT number, id, plan_digest, plan, who, host, started, status, ended, "
        "undo_of FROM new.runs",
    )
    state = opened(2)

    assert state.verify() == []
    assert state.run("r1").status is RunStatus.PARTIAL
    assert state.in_doubt() == doubts
    assert [(run, entry.change) for run, entry in doubts] == [("r1", "a2")]
    raw(path, "UPDATE runs SET anchor = ''")
    assert [finding.text for finding in state.verify()] == [
        "run r1 was changed: the journal has other values"
    ]


def test_a_migration_that_fails_leaves_the_old_file_unchanged(opened, path, monkeypatch):
    old_file(path, 1)
    before = schema(path)
    broken = (*migrations(), ("CREATE TABLE more (a)", "CREATE TABLE more (a)"))
    with monkeypatch.context() as patched:
        patched.setattr(file, "migrations", lambda: broken)
        with pytest.raises(StateError, match="more already exists"):
            opened(1).load()

    assert schema(path) == before
    assert opened(2).load() == StateSnapshot()


@pytest.mark.usefixtures("filled")
def test_a_file_that_another_process_keeps_busy_is_refused(path, opened, monkeypatch):
    monkeypatch.setattr(file, "_WAIT", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StateError, match="busy"):
            opened(2).acquire("apply (ben)")
    finally:
        other.close()
    assert opened(2).acquire("apply (ben)")


def test_text_that_is_not_valid_unicode_is_refused_and_nothing_is_written(filled):
    lease = filled.acquire("apply (ann)")
    before = filled.export()
    link = Link("customer", "\ud800", "Companies", 1, "created")

    with pytest.raises(StateError, match="not valid Unicode"):
        filled.edit(lease, EDIT, Effects(links=(link,)))
    assert filled.export() == before


def test_a_float_is_refused_and_nothing_is_written(filled):
    lease = filled.acquire("apply (ann)")
    before = filled.export()
    link = Link("customer", "z", "Companies", 9, "created")

    with pytest.raises(TypeError, match="float"):
        filled.record(
            lease, "r2", [Entry("a1", Step.DONE, NOON, {"price": 1.5})], Effects(links=(link,))
        )
    with pytest.raises(TypeError, match="float"):
        filled.record(
            lease, "r2", [], Effects(links=(link,), applied={("customer", "z"): {"price": 1.5}})
        )
    assert filled.export() == before


def test_a_process_reads_the_writes_of_another_one_at_once(filled, opened):
    other = opened(2)
    lease = other.acquire("apply (ben)")
    other.edit(lease, EDIT, Effects(unlink=(("customer", "x"),)))

    assert filled.load() == other.load()
    with pytest.raises(StateLocked):
        filled.acquire("apply (ann)")


def test_a_new_file_is_private_from_the_start(opened, path, monkeypatch):
    modes = []

    def interrupted(where):
        modes.append(mode(where))
        raise KeyboardInterrupt(where)

    monkeypatch.setattr(file, "_connect", interrupted)
    before = os.umask(0)
    try:
        with pytest.raises(KeyboardInterrupt):
            opened().acquire("apply (ann)")
    finally:
        os.umask(before)

    assert modes == [0o600]


def test_a_file_that_vanishes_while_it_is_opened_is_not_created_again(opened, path, monkeypatch):
    state = opened()
    lease = state.acquire("apply (ann)")
    path.unlink()
    monkeypatch.setattr(Path, "is_file", lambda _: True)

    with pytest.raises(StateError, match="unable to open"):
        opened(2).edit(lease, EDIT, Effects())
    assert not path.exists()


def test_a_writing_call_locks_out_other_writers_from_its_start(filled, path):
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    with filled._access.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (sqlite3.SQLITE_FULL, "cannot be written: free some space on its disk (as SQLite says)"),
        (sqlite3.SQLITE_IOERR_WRITE, "look whether its disk has space left"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "cannot be written: the user of this process needs"),
        (sqlite3.SQLITE_CANTOPEN, "cannot be opened or written: the user of this process needs"),
        (sqlite3.SQLITE_MISUSE, "cannot be used (as SQLite says)"),
    ],
)
def test_what_prevents_a_write_is_named_with_what_to_do(tmp_path, code, text):
    error = sqlite3.OperationalError("as SQLite says")
    error.sqlite_errorcode = code

    with pytest.raises(StateError) as raised, file.translated(tmp_path / "state.sqlite"):
        raise error

    assert text in str(raised.value)


def test_a_file_that_cannot_grow_is_named_as_full(filled):
    filled.load()
    filled._access._connection.execute("PRAGMA max_page_count = 1")

    with pytest.raises(StateError, match="free some space on its disk"):
        filled.acquire("x" * 1_000_000, reason="the other one is gone")
