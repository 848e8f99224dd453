"""Whether a process is dead: only if that is certain. Real processes, each ended by its own test."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from engine.state import process
from engine.state.process import Fate, HostProcesses, Process

WAIT = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]

HOST = HostProcesses()


@pytest.fixture
def child():
    """A process that waits until its standard input ends."""
    with subprocess.Popen(WAIT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        started.stdout.readline()
        yield started
        started.kill()


def known(pid: int) -> Process:
    """As that process would have named itself."""
    born = process._stat(pid)[1]
    return replace(HOST.mine(), pid=pid, born=born)


def test_this_process_is_alive():
    assert HOST.fate(HOST.mine()) is Fate.ALIVE


def test_another_process_is_alive_until_it_ends(child):
    it = known(child.pid)
    assert HOST.fate(it) is Fate.ALIVE

    child.kill()
    child.wait()
    assert HOST.fate(it) is Fate.DEAD


def test_a_process_that_ended_and_was_not_waited_for_is_dead(child):
    it = known(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert HOST.fate(it) is Fate.DEAD


def test_a_number_that_was_given_to_a_later_process_does_not_make_the_old_one_alive(child):
    assert HOST.fate(replace(known(child.pid), born="1")) is Fate.DEAD


def test_of_a_process_on_another_host_nothing_is_known():
    assert HOST.fate(replace(HOST.mine(), host="elsewhere", pid=2**22 + 1)) is Fate.UNKNOWN


def test_of_a_process_in_another_container_or_before_the_last_boot_nothing_is_known():
    assert HOST.fate(replace(HOST.mine(), realm="another boot", pid=2**22 + 1)) is Fate.UNKNOWN


@pytest.mark.parametrize("pid", [0, -1, 2**31, 2**80])
def test_what_is_no_process_number_is_nobody(pid):
    assert HOST.fate(replace(HOST.mine(), pid=pid)) is Fate.DEAD


def test_somebody_elses_process_is_alive(monkeypatch, child):
    def forbidden(pid, signal):
        raise PermissionError(pid, signal)

    it = known(child.pid)
    with monkeypatch.context() as patched:
        patched.setattr(os, "kill", forbidden)
        assert HOST.fate(it) is Fate.ALIVE


def test_without_proc_the_number_alone_counts(monkeypatch, tmp_path, child):
    monkeypatch.setattr(process, "_PROC", tmp_path / "none")
    it = replace(HOST.mine(), pid=child.pid)

    assert (it.born, it.realm) == ("", "")
    assert HOST.fate(it) is Fate.ALIVE
    child.kill()
    child.wait()
    assert HOST.fate(it) is Fate.DEAD


def test_where_processes_cannot_be_asked_nothing_is_known(monkeypatch):
    it = HOST.mine()
    monkeypatch.setattr(process.os, "name", "nt")

    assert HOST.fate(it) is Fate.UNKNOWN
