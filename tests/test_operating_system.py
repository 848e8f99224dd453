"""What differs between operating systems; `tests/cli/test_windows.py` shows the other side."""

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO

import pytest
from trueup import operating_system as system

from tests.support.paths import ROOT

HOLD = """
import sys
from pathlib import Path
from trueup import operating_system

with operating_system.locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch):
    """The module as on Windows."""
    monkeypatch.setattr(system, "IS_WINDOWS", True)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


def test_a_new_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "file"
    system.write_whole(file, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as failed:
        system.write_whole(file, b"new")

    assert failed.value.filename == str(file)
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_new_file_has_the_mode_that_is_requested(tmp_path: Path):
    file = tmp_path / "file"
    before = os.umask(0o022)
    try:
        system.write_whole(file, b"x")
        ordinary = stat.S_IMODE(file.stat().st_mode)
        system.write_whole(file, b"x", private=True)
        private = stat.S_IMODE(file.stat().st_mode)
        file.chmod(0o640)
        system.write_whole(file, b"x", like=file.stat())
        kept = stat.S_IMODE(file.stat().st_mode)
    finally:
        os.umask(before)

    assert (ordinary, private, kept) == (0o644, 0o600, 0o640)


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path: Path):
    file, other = tmp_path / "file", Thread(target=lambda: system.write_whole(file, b"quick"))

    def slowly(stream: BinaryIO) -> None:
        stream.write(b"the ")
        stream.flush()
        other.start()
        other.join()
        assert file.read_bytes() == b"quick"
        stream.write(b"last one")

    system.write_whole(file, slowly)

    assert file.read_bytes() == b"the last one"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_a_killed_writer_left_is_removed_after_a_day(tmp_path: Path):
    days_old = [".file.new", ".file.0123abcd.new", ".file.0123abcd.old", ".other.0123abcd.new"]
    for name in [*days_old, ".file.89abcdef.new"]:
        (tmp_path / name).write_bytes(b"half")
    for name in days_old:
        os.utime(tmp_path / name, (0, 0))

    system.write_whole(tmp_path / "file", b"new")

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".file.0123abcd.old",
        ".file.89abcdef.new",
        ".other.0123abcd.new",
        "file",
    ]


def test_what_a_killed_writer_left_is_removed_at_once_under_the_lock(tmp_path: Path):
    (tmp_path / ".file.89abcdef.new").write_bytes(b"half")

    system.write_whole(tmp_path / "file", b"new", is_locked=True)

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(("refusals", "is_replaced"), [(3, True), (9, False)])
def test_a_file_that_is_open_is_replaced_as_soon_as_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: int, *, is_replaced: bool
):
    file, new = tmp_path / "file", tmp_path / "new"
    file.write_bytes(b"old")
    new.write_bytes(b"new")
    left, real = [None] * refusals, Path.replace

    def refusing(path: Path, target: Path) -> Path:
        if left:
            left.pop()
            raise PermissionError(errno.EACCES, "Access is denied", str(target))
        return real(path, target)

    monkeypatch.setattr(Path, "replace", refusing)
    if is_replaced:
        system.replace(new, file)
    else:
        with pytest.raises(PermissionError, match="it is open in another program"):
            system.replace(new, file)

    assert file.read_bytes() == (b"new" if is_replaced else b"old")


def test_a_lock_keeps_another_process_out_and_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "file"
    monkeypatch.setattr(system, "_LOCK_SECONDS", 0.01)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(TimeoutError, match="another trueup"), system.locked(file):
            pass
        other.kill()

    with system.locked(file):
        assert not file.exists()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_a_folder_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    def refused(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refused)

    system.sync_folder(tmp_path)


def test_a_folder_that_fails_to_sync_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def failed(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", failed)

    with pytest.raises(OSError, match="Input/output error"):
        system.sync_folder(tmp_path)


@pytest.mark.usefixtures("windows")
def test_on_windows_no_folder_is_opened_and_no_process_is_signalled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def forbidden(*_: object) -> None:
        raise AssertionError("not on Windows")

    with monkeypatch.context() as patched:  # pytest itself removes folders afterwards
        patched.setattr(os, "open", forbidden)
        patched.setattr(os, "kill", forbidden)

        system.sync_folder(tmp_path)
        assert system.process_exists(os.getpid()) is None


@pytest.mark.usefixtures("windows")
def test_arguments_are_quoted_for_the_shell_of_windows():
    assert system.shell_quoted("cd", r"C:\my work") == r'cd "C:\my work"'


def test_the_end_of_a_terminal_asks_to_stop_unless_it_is_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert list(system.stop_signals()) == [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert list(system.stop_signals()) == [signal.SIGINT, signal.SIGTERM]
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_wait_returns_now_and_then_so_that_signals_are_heard():
    waits: list[float | None] = []

    class Slow(Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return len(waits) == 3

    system.wait_for(Slow())

    assert len(waits) == 3
    assert None not in waits
