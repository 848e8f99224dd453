"""Whether a process is known to be dead. The processes are real; each test ends its own."""

import os
import subprocess
import sys

import pytest
from msgspec.structs import replace
from trueup import operating_system
from trueup.state import process
from trueup.state.process import Fate, HostProcesses, Process

WAIT = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]

HOST = HostProcesses()


@pytest.fixture
def child():
    """A process that waits until its standard input ends."""
    with subprocess.Popen(WAIT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        started.stdout.readline()
        yield started
        started.kill()


def identified(pid: int) -> Process:
    """The process as it would identify itself."""
    born = process._stat(pid)[1]
    return replace(HOST.mine(), pid=pid, born=born)


def test_this_process_is_alive():
    assert HOST.fate(HOST.mine()) is Fate.ALIVE


def test_another_process_is_alive_until_it_ends(child):
    other = identified(child.pid)
    assert HOST.fate(other) is Fate.ALIVE

    child.kill()
    child.wait()
    assert HOST.fate(other) is Fate.DEAD


def test_a_zombie_is_dead(child):
    other = identified(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert HOST.fate(other) is Fate.DEAD


def test_a_process_whose_number_belongs_to_a_later_process_is_dead(child):
    assert HOST.fate(replace(identified(child.pid), born="1")) is Fate.DEAD


def test_the_fate_of_a_process_on_another_host_is_unknown():
    assert HOST.fate(replace(HOST.mine(), host="elsewhere", pid=2**22 + 1)) is Fate.UNKNOWN


def test_the_fate_of_a_process_in_another_container_or_boot_is_unknown():
    assert HOST.fate(replace(HOST.mine(), realm="another boot", pid=2**22 + 1)) is Fate.UNKNOWN


@pytest.mark.parametrize("pid", [0, -1, 2**31, 2**80])
def test_a_number_that_no_process_can_have_is_dead(pid):
    assert HOST.fate(replace(HOST.mine(), pid=pid)) is Fate.DEAD


def test_the_process_of_another_user_is_alive(monkeypatch, child):
    def forbidden(pid, signal):
        raise PermissionError(pid, signal)

    other = identified(child.pid)
    with monkeypatch.context() as patched:
        patched.setattr(os, "kill", forbidden)
        assert HOST.fate(other) is Fate.ALIVE


def test_without_proc_only_the_number_counts(monkeypatch, tmp_path, child):
    monkeypatch.setattr(process, "_PROC", tmp_path / "none")
    other = replace(HOST.mine(), pid=child.pid)

    assert (other.born, other.realm) == ("", "")
    assert HOST.fate(other) is Fate.ALIVE
    child.kill()
    child.wait()
    assert HOST.fate(other) is Fate.DEAD


def test_the_fate_is_unknown_on_windows(monkeypatch):
    other = HOST.mine()
    monkeypatch.setattr(operating_system, "IS_WINDOWS", True)

    assert HOST.fate(other) is Fate.UNKNOWN
