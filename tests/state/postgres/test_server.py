"""The server that tests run on: fresh databases, shared by processes, gone when they are killed."""

import subprocess
import sys
import time

import psutil
import psycopg
import pytest

from tests.support.paths import ROOT
from tests.support.postgres import NAMED, of_database

USER = """
import sys, time
from pathlib import Path
import psycopg
from tests.support.postgres import shared
with shared(Path(sys.argv[1])) as server, psycopg.connect(server.address) as connection:
    folder = connection.execute("SELECT current_setting('data_directory')").fetchone()[0]
    print(folder, flush=True)
    time.sleep(600)
"""


def test_each_database_is_fresh(postgres_server):
    addresses = []
    for _ in range(2):
        with postgres_server.database() as address, psycopg.connect(address) as connection:
            connection.execute("CREATE TABLE t (n int)")
            connection.commit()
            addresses.append(address)
    assert len({*addresses}) == 2


@pytest.mark.parametrize(
    ("address", "other"),
    [
        ("postgresql://me@/a?host=/tmp/x", "postgresql://me@/b?host=/tmp/x"),
        ("postgresql://me:secret@host:1/a", "postgresql://me:secret@host:1/b"),
        ("postgresql:///a?host=/tmp/x", "postgresql:///b?host=/tmp/x"),
    ],
)
def test_another_database_of_a_server(address, other):
    assert of_database(address, "b") == other


@pytest.mark.skipif("://" in NAMED, reason="a server of one's own stays")
def test_it_ends_with_its_last_user_even_if_that_is_killed(tmp_path):
    users = [_user(tmp_path) for _ in range(2)]
    try:
        first, second = (user.stdout.readline().strip() for user in users)
        assert first == second != ""
        [server] = _running(first)
        _kill(users[0])
        assert server.is_running()
    finally:
        for user in users:
            _kill(user)
    while server.is_running() or _running(first):
        time.sleep(0.05)


def _user(folder):
    command = [sys.executable, "-c", USER, folder]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def _kill(user):
    user.kill()
    user.wait()
    user.stdout.close()


def _running(folder):
    """The server processes of a data folder."""
    found = psutil.process_iter(["cmdline"])
    return [each for each in found if folder in (each.info["cmdline"] or ())]
