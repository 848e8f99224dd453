"""Runs command lines in a process that lacks what Windows lacks, and prints the results.

`python -m tests.support.windows LINES` takes a JSON list of command lines and prints a JSON list of
`{"line", "code", "out", "error"}`. This is no Windows: it shows that no code uses what is missing
there, and that no file is replaced or removed while it is open.
"""

import asyncio  # noqa: F401 -- of the standard library, which Windows has in a version of its own
import contextlib
import errno
import getpass  # noqa: F401 -- as above
import io
import json
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
OF_OS = (
    "O_DIRECTORY",
    "O_NOFOLLOW",
    "O_NONBLOCK",
    "chown",
    "fchmod",
    "fchown",
    "fork",
    "forkpty",
    "getegid",
    "geteuid",
    "getgid",
    "getpgid",
    "getuid",
    "killpg",
    "lchown",
    "mkfifo",
    "setsid",
    "statvfs",
    "uname",
    "waitid",
)
SIGNALS = ("SIGALRM", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2")


def take_away() -> None:
    """Makes this process lack what Windows lacks. It cannot be undone."""
    for name in MODULES:
        sys.modules[name] = None  # what makes an import fail
    for name in OF_OS:
        if hasattr(os, name):
            delattr(os, name)
    for name in SIGNALS:
        if hasattr(signal, name):
            delattr(signal, name)
    _refuse_folders()
    _refuse_open_files()
    os.kill = _kill
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # filelock's, that this system has no locks of its own
        import filelock  # noqa: F401, PLC0415 -- without fcntl, as it is on Windows
        from trueup import operating_system  # noqa: PLC0415

    operating_system.IS_WINDOWS = True


def _kill(process: int, number: int) -> None:
    raise AssertionError(f"os.kill({process}, {number}) would end the process on Windows")


def _refuse_folders() -> None:
    real = os.open

    def opened(path, flags, *more, **named):
        if not isinstance(path, int) and os.path.isdir(path):  # noqa: PTH112 -- any kind of path
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, flags, *more, **named)

    os.open = opened


def _refuse_open_files() -> None:
    """A file that is open in this process is neither replaced, renamed nor removed."""

    def guarded(real, count):
        def call(*arguments, **named):
            folder = named.get("dir_fd")
            for path in arguments[:count] if folder is None else ():
                if _is_open(path):
                    raise PermissionError(errno.EACCES, "file in use", str(path))
            return real(*arguments, **named)

        return call

    os.replace = guarded(os.replace, 2)
    os.rename = guarded(os.rename, 2)
    os.remove = guarded(os.remove, 1)
    os.unlink = guarded(os.unlink, 1)


def _is_open(path: Any) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 -- each path would open a file
        with contextlib.suppress(OSError):
            other = os.fstat(int(number))
            if (other.st_dev, other.st_ino) == (status.st_dev, status.st_ino):
                return True
    return False


def run_all(lines: list[list[str]]) -> list[dict[str, object]]:
    """Runs command lines one after the other, as the console script does."""
    from trueup.cli.main import run  # noqa: PLC0415 -- once everything is taken away

    from tests.support import loaded_once as once  # noqa: PLC0415 -- as above

    results: list[dict[str, object]] = []
    with once.catalogues_read_once(), once.files_parsed_once(), once.projects_checked_once():
        for line in lines:
            out, error = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
                try:
                    code = run(line)
                except BaseException:  # noqa: BLE001 -- shown to the test
                    code = -1
                    traceback.print_exc()
            shown = {"line": line, "code": code, "out": out.getvalue(), "error": error.getvalue()}
            results.append(shown)
    return results


if __name__ == "__main__":
    take_away()
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write(json.dumps(run_all(given)))
