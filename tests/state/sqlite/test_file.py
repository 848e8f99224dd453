"""The file itself: who may read it, what is refused and left as it is, how old ones grow up."""

import os
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import StateError, StateLocked
from engine.model.run import Effects, Entry, Link, Run, RunStatus, Step
from engine.ports import Memory
from engine.state import file
from engine.state.file import APPLICATION, open_file
from engine.state.statements import migrations

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def raw(path, *statements) -> None:
    """Another program at work in the file."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def schema(path) -> dict[str, list[tuple]]:
    """Tables with their columns, indexes and triggers with their text."""
    connection = sqlite3.connect(path)
    parts = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    found = {
        name: connection.execute(f"PRAGMA table_info({name})").fetchall() if kind == "table" else [(sql,)]
        for kind, name, sql in parts
    }
    connection.close()
    return found


def old_file(path, version: int) -> None:
    """A file as the program that knew only so many migrations left it: one run done, one link."""
    statements = [statement for migration in migrations()[:version] for statement in migration]
    raw(path, *statements, f"PRAGMA application_id = {APPLICATION}", f"PRAGMA user_version = {version}")


def test_reading_makes_no_file_and_no_folder(opened, tmp_path):
    state = opened(1, tmp_path / "sub" / "state.sqlite")

    assert state.load() == Memory()
    assert (state.runs(), state.journal("r1"), state.in_doubt(), state.audit()) == ([], [], [], [])
    assert (state.holder(), state.head(), state.verify()) == (None, (0, ""), [])
    with pytest.raises(StateError, match="no run r1"):
        state.run("r1")
    with pytest.raises(StateError, match="no state"):
        state.export()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277], ids=oct)
def test_the_file_and_its_companions_are_readable_by_their_owner_only(opened, tmp_path, umask):
    before = os.umask(umask)
    try:
        path = tmp_path / "state.sqlite"
        state = opened(1, path)
        lease = state.acquire("apply (ann)")
        modes = {}
        with state._access.writing() as connection:
            connection.execute("UPDATE state SET serial = 7")
            modes = {found.name: mode(found) for found in tmp_path.iterdir()}
        state.edit(lease, "link", Effects())
    finally:
        os.umask(before)

    assert set(modes) == {"state.sqlite", "state.sqlite-journal"}
    assert {found & 0o177 for found in modes.values()} == {0}


def test_a_file_that_others_may_read_is_closed_to_them(told, path, opened):
    told.close()
    path.chmod(0o644)

    opened(2).load()

    assert mode(path) == 0o600


def test_missing_folders_are_made(opened, tmp_path):
    state = opened(1, tmp_path / "a" / "b" / "state.sqlite")

    assert state.acquire("apply (ann)")


def test_the_state_is_one_file_between_calls_and_a_note_while_a_run_is_open(told, path):
    assert told.load().links
    assert sorted(found.name for found in path.parent.iterdir()) == [path.name, f"{path.name}.open"]
    assert mode(path.with_name(f"{path.name}.open")) == 0o600


def test_every_commit_reaches_the_disk_before_the_call_returns(told):
    with told._access.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (3,)
        assert connection.execute("PRAGMA fullfsync").fetchone() == (1,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_new_folders_and_files_are_synced_into_the_folders_above_them(opened, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(file, "_sync", lambda folder: synced.append(folder.relative_to(tmp_path).as_posix()))

    opened(1, tmp_path / "a" / "b" / "state.sqlite").acquire("apply (ann)")

    assert synced == [".", "a", "a/b"]


FOREIGN = {
    "text": b"links: {}\n",
    "another database": None,
    "noise": bytes(range(256)) * 64,
    "header only": b"SQLite format 3\x00" + b"\xff" * 4080,
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(opened, path, kind):
    if FOREIGN[kind] is None:
        raw(path, "CREATE TABLE customers (name TEXT)", "INSERT INTO customers VALUES ('Alpine')")
    else:
        path.write_bytes(FOREIGN[kind])
    path.chmod(0o644)
    before = path.read_bytes()
    state = opened()

    for call in (state.load, lambda: state.acquire("apply (ann)"), state.export, lambda: state.import_("{}")):
        with pytest.raises(StateError, match="left as it is"):
            call()

    assert path.read_bytes() == before
    assert mode(path) == 0o644


def test_an_empty_database_that_another_program_marked_is_not_ours(opened, path):
    raw(path, "PRAGMA user_version = 5")

    with pytest.raises(StateError, match="another program"):
        opened().acquire("apply (ann)")


def test_a_folder_in_the_place_of_the_file_is_refused(opened, path):
    path.mkdir()

    with pytest.raises(StateError, match="not a file"):
        opened().load()
    with pytest.raises(StateError, match="not a file"):
        opened().acquire("apply (ann)")


def test_a_place_that_cannot_be_reached_is_refused(opened, tmp_path):
    (tmp_path / "file").write_text("no folder")
    state = opened(1, tmp_path / "file" / "state.sqlite")

    with pytest.raises(StateError, match="Not a directory"):
        state.load()
    with pytest.raises(StateError, match="Not a directory"):
        state.acquire("apply (ann)")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_was_cut_short_is_reported(told, path, opened, share):
    lease = told.acquire("apply (ann)")
    links = tuple(Link("customer", f"{number}", "Companies", number, "created") for number in range(500))
    told.edit(lease, "link", Effects(links=links))
    told.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    cut = path.read_bytes()

    with pytest.raises(StateError, match="damaged"):
        opened(2).load()
    assert path.read_bytes() == cut


def test_a_damaged_page_is_reported(told, path, opened):
    told.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)

    with pytest.raises(StateError, match="damaged"):
        opened(2).load()


def test_a_value_that_is_none_of_ours_is_reported(told, path, opened):
    told.close()
    raw(path, 'UPDATE applied SET fields = \'{"price":{"$decimal":"much"}}\'')

    with pytest.raises(StateError, match="did not write"):
        opened(2).load()


def test_a_file_of_a_newer_version_is_refused_in_plain_words(told, path, opened):
    told.close()
    raw(path, "PRAGMA user_version = 99")
    state = opened(2)

    with pytest.raises(StateError, match=r"newer trueup \(version 99 of the file, this one knows up to"):
        state.load()
    with pytest.raises(StateError, match="newer trueup"):
        state.acquire("apply (ann)")


def test_a_file_that_lost_all_its_bytes_is_no_new_state(told, opened, path):
    told.close()
    path.write_bytes(b"")
    state = opened(2)

    for call in (state.load, state.runs, state.verify, lambda: state.acquire("apply (ann)"), lambda: state.import_("")):
        with pytest.raises(StateError, match=r"is empty \(0 bytes\).*Put a copy back"):
            call()
    assert path.stat().st_size == 0


def test_a_state_comes_into_being_whole(opened, path, monkeypatch):
    def killed(*_):
        assert not path.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(file, "_name", killed)
    with pytest.raises(KeyboardInterrupt):
        opened().acquire("apply (ann)")
    assert [*path.parent.iterdir()] == []
    monkeypatch.undo()
    assert opened(2).acquire("apply (ann)")


@pytest.mark.parametrize("links", [True, False])
def test_a_state_that_came_into_being_meanwhile_is_taken(opened, path, monkeypatch, links):
    first, name = opened(1), file._name

    def second(beside, path):
        monkeypatch.setattr(file, "_name", name)
        first.acquire("apply (ann)")
        name(beside, path)

    monkeypatch.setattr(file, "_name", second)
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", _no_links)
    with pytest.raises(StateLocked, match="ann"):
        opened(2).acquire("apply (ben)")
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert first.holder()


def _no_links(*_):
    raise OSError(95, "Operation not supported")


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_that_goes_away_while_in_use_is_noticed(told, path, how):
    lease = told.acquire("apply (ann)")
    content = path.read_bytes()
    path.rename(path.with_suffix(".old"))
    if how == "replaced":
        path.write_bytes(content)

    with pytest.raises(StateError, match="removed or replaced"):
        told.edit(lease, "link", Effects())
    with pytest.raises(StateError, match="removed or replaced"):
        told.load()


def test_a_writing_call_does_not_make_the_file_anew(opened, path, state):
    lease = state.acquire("apply (ann)")
    path.unlink()

    with pytest.raises(StateError, match="not there"):
        opened(2).edit(lease, "link", Effects())
    assert not path.exists()


@pytest.mark.parametrize("version", range(1, len(migrations())))
def test_an_old_file_opens_with_all_that_was_in_it(opened, path, version):
    old_file(path, version)
    raw(
        path,
        "INSERT INTO links VALUES ('customer', 'x', 'Companies', 1, 'created')",
        "INSERT INTO applied VALUES ('customer', 'x', '{\"day\":{\"$date\":\"2026-01-01\"}}')",
        "UPDATE state SET lineage = 'l1neage', serial = 41",
    )
    state = opened()

    memory = state.load()

    assert (memory.lineage, memory.serial) == ("l1neage", 41)
    assert list(memory.links) == list(memory.applied) == [("customer", "x")]
    assert state.acquire("apply (ann)").token == 1


@pytest.mark.parametrize("version", range(1, len(migrations())))
def test_an_old_file_ends_in_the_same_tables_as_a_new_one(path, tmp_path, version):
    old_file(path, version)
    for where in (path, tmp_path / "new.sqlite"):
        open_file(where, create=True).close()

    assert schema(path) == schema(tmp_path / "new.sqlite")


def test_an_old_run_gets_its_anchor_and_its_doubts_and_the_history_still_verifies(opened, path, tmp_path):
    """A file of the first version, filled by the store as it was then: the same, but for anchors and doubts."""
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
        "INSERT INTO runs SELECT number, id, plan_digest, plan, who, host, started, status, ended, undo_of "
        "FROM new.runs",
    )
    state = opened(2)

    assert state.verify() == []
    assert state.run("r1").status is RunStatus.PARTIAL
    assert state.in_doubt() == doubts
    assert [(run, entry.change) for run, entry in doubts] == [("r1", "a2")]
    raw(path, "UPDATE runs SET anchor = ''")
    assert [finding.text for finding in state.verify()] == ["run r1 was changed: its journal says otherwise"]


def test_a_migration_that_fails_leaves_the_old_file_whole(opened, path, monkeypatch):
    old_file(path, 1)
    before = schema(path)
    good = migrations()
    broken = (*good, ("CREATE TABLE more (a)", "CREATE TABLE more (a)"))
    with monkeypatch.context() as patched:
        patched.setattr(file, "migrations", lambda: broken)
        with pytest.raises(StateError, match="more already exists"):
            opened(1).load()

    assert schema(path) == before
    assert opened(2).load() == Memory()


@pytest.mark.usefixtures("told")
def test_a_file_that_another_process_keeps_busy_is_reported(path, opened, monkeypatch):
    monkeypatch.setattr(file, "_WAIT", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StateError, match="busy"):
            opened(2).acquire("apply (ben)")
    finally:
        other.close()
    assert opened(2).acquire("apply (ben)")


def test_text_that_no_file_can_keep_is_refused_and_nothing_is_written(told):
    lease = told.acquire("apply (ann)")
    before = told.export()
    lone = Link("customer", "\ud800", "Companies", 1, "created")

    with pytest.raises(StateError, match="not valid Unicode"):
        told.edit(lease, "link", Effects(links=(lone,)))
    assert told.export() == before


def test_a_float_is_refused_and_nothing_is_written(told):
    lease = told.acquire("apply (ann)")
    before = told.export()
    good = Link("customer", "z", "Companies", 9, "created")

    with pytest.raises(TypeError, match="float"):
        told.record(lease, "r2", [Entry("a1", Step.DONE, NOON, {"price": 1.5})], Effects(links=(good,)))
    with pytest.raises(TypeError, match="float"):
        told.record(lease, "r2", [], Effects(links=(good,), applied={("customer", "z"): {"price": 1.5}}))
    assert told.export() == before


def test_a_state_of_another_process_is_seen_at_once(told, opened):
    other = opened(2)
    lease = other.acquire("apply (ben)")
    other.edit(lease, "forget", Effects(unlink=(("customer", "x"),)))

    assert told.load() == other.load()
    with pytest.raises(StateLocked):
        told.acquire("apply (ann)")


def test_a_new_file_is_closed_to_others_from_its_first_moment(opened, path, monkeypatch):
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


def test_a_file_that_vanishes_while_it_is_opened_is_not_made_anew(opened, path, monkeypatch):
    state = opened()
    lease = state.acquire("apply (ann)")
    path.unlink()
    monkeypatch.setattr(Path, "is_file", lambda _: True)

    with pytest.raises(StateError, match="unable to open"):
        opened(2).edit(lease, "link", Effects())
    assert not path.exists()


def test_a_writing_call_keeps_other_writers_out_from_its_first_moment(told, path):
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    with told._access.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()
