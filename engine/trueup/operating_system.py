"""What differs between operating systems: files, locks, users, processes, signals, shells.

Linux and macOS have file modes and owners, sync folders, and replace a file that is open. Windows
does none of this. Only this module asks which system it runs on. The other modules call its
functions and never use `fcntl`, `msvcrt`, or the parts of `os` and `signal` that a system lacks.
Each command imports it, so it imports what few commands need only where it is used.
"""

import errno
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext
    from pathlib import Path
    from signal import Signals
    from subprocess import Popen
    from threading import Event

IS_WINDOWS = os.name == "nt"

READ_AT_ONCE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags of `os.open` to read bytes without waiting for the writer of a pipe."""

_CREATE_BYTES = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
"""Flags of `os.open` to write bytes into a file that must not exist yet."""

_LOCK_SECONDS = 60.0
"""How long a writer waits for another one; a file is written in a fraction of that."""

_REPLACE_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts to replace a file that is open: virus scanners hold files briefly."""

_STALE_SECONDS = 24 * 3600.0
"""Age from which a file that was being written is of a process that was killed."""

_NO_FOLDER_SYNC = frozenset({errno.EACCES, errno.EPERM, errno.EINVAL, errno.EISDIR, errno.ENOTSUP})
"""Errors of systems and file systems that cannot sync a folder."""

_HIGHEST_PROCESS_ID = 2**31 - 1


def create_private(path: "Path", *, exclusive: bool = False) -> None:
    """Creates an empty file that only its owner may read; an existing file stays as it is.

    On Windows the folder's access rights apply. Raises `FileExistsError` if `exclusive` and the
    file exists, otherwise `OSError`.
    """
    flags = os.O_RDWR | os.O_CREAT | (os.O_EXCL if exclusive else 0)
    os.close(os.open(path, flags, 0o600))


def restrict_to_owner(path: "Path") -> None:
    """Takes all rights from others than the owner, where files have such rights."""
    if not IS_WINDOWS and path.stat().st_mode & 0o077:
        path.chmod(0o600)


def write_whole(
    path: "Path",
    content: bytes | Callable[[BinaryIO], None],
    *,
    private: bool = False,
    like: os.stat_result | None = None,
    before_replacing: Callable[[], None] | None = None,
    is_locked: bool = False,
) -> None:
    """Replaces a file with new content, durably, whole or not at all.

    The content, which may be a function that writes it, goes into a file beside it, which then
    replaces it. Several writers may do so at once: the last one's content stays. What killed ones
    have left is removed first: all of it if the caller is `locked` against the others, else what is
    older than a day.
    Only the owner may read a `private` file. `like` is the status of a file whose mode and owner
    the new one gets.
    `before_replacing` may raise to keep the old file. Raises `OSError` with the name of the file.
    """
    _remove_leftovers(path, 0 if is_locked else _STALE_SECONDS)
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}.new")
    try:
        mode = 0o600 if private or like else 0o666  # 0o666 less what the user's umask takes
        with os.fdopen(os.open(beside, _CREATE_BYTES, mode), "wb") as file:
            if like:
                _take_attributes(file.fileno(), like)
            write_content(file, content)
            file.flush()
            os.fsync(file.fileno())
        if before_replacing:
            before_replacing()
        replace(beside, path)
    except OSError as error:
        # The error of a write (disk full) names no file.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            beside.unlink()
    sync_folder(path.parent)


def write_content(file: BinaryIO, content: bytes | Callable[[BinaryIO], None]) -> None:
    """Writes bytes, or what a function writes, to a file that is open. Raises `OSError`."""
    if isinstance(content, bytes):
        file.write(content)
    else:
        content(file)


def replace(new: "Path", path: "Path") -> None:
    """Renames a file onto another one. Raises `OSError`.

    Windows refuses that while any program has the file open, so this tries for a moment.
    """
    for seconds in _REPLACE_WAITS:
        try:
            new.replace(path)
        except PermissionError:
            if not IS_WINDOWS:
                raise
            time.sleep(seconds)
        else:
            return
    reason = "it is open in another program, or read-only; close it there and try again"
    raise PermissionError(errno.EACCES, reason, str(path))


def _remove_leftovers(path: "Path", age: float) -> None:
    """Removes what processes that were killed while they replaced this file left beside it.

    `age` is that of such a file in seconds. Whether its process is alive is unknown, as it may be
    one of another host: one that is alive changes its file far more often than `_STALE_SECONDS`.
    """
    left_behind = re.compile(rf"\.{re.escape(path.name)}(\.[0-9a-f]{{8}})?\.new")
    with suppress(OSError):
        for other in path.parent.iterdir():
            if left_behind.fullmatch(other.name):
                with suppress(OSError):
                    if time.time() - other.stat().st_mtime >= age:
                        other.unlink()


def sync_folder(folder: "Path") -> None:
    """Makes new names in a folder durable, where the system can. Raises `OSError` if that fails."""
    if IS_WINDOWS:
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


@contextmanager
def locked(path: "Path") -> Iterator[None]:
    """Keeps other trueup processes out of the block for this file; the lock ends with the process.

    The lock is on a file beside it, `.NAME.lock`, because the file itself is replaced. Raises
    `OSError` if the lock cannot be taken.
    """
    import filelock

    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=_LOCK_SECONDS)
    except filelock.Timeout as error:
        reason = f"another trueup has been writing it for {_LOCK_SECONDS:.0f} seconds"
        raise TimeoutError(errno.ETIMEDOUT, reason, str(path)) from error
    try:
        yield
    finally:
        lock.release()


def user_name() -> str:
    """Returns the name of the user that runs this process, or a number, or `unknown user`."""
    import getpass

    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container whose user has no name
        number = getattr(os, "getuid", None)
        return f"user {number()}" if number else "unknown user"


def process_exists(process_id: int) -> bool | None:
    """Returns whether a process of this host exists; None if that cannot be determined.

    It is unknown on Windows, where `os.kill` would end the process.
    """
    if IS_WINDOWS:
        return None
    if not 0 < process_id <= _HIGHEST_PROCESS_ID:
        return False
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # the process of another user
    return True


def start_with_children(
    arguments: "Sequence[str]", folder: "Path", environment: "Mapping[str, str]"
) -> "Popen[bytes]":
    """Starts a program whose output is read, and which `kill_with_children` can end.

    It gets no input, and its error output goes nowhere. Raises `OSError` if it cannot be started.
    """
    import subprocess

    return subprocess.Popen(  # noqa: S603 -- what the user names, without a shell
        arguments,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=not IS_WINDOWS,
    )


def kill_with_children(process: "Popen[bytes]") -> None:
    """Ends a program that `start_with_children` started, and the programs that it started."""
    import subprocess

    if IS_WINDOWS:
        kill_tree = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(kill_tree, capture_output=True, check=False)  # noqa: S603 -- as above
    else:
        import signal

        with suppress(ProcessLookupError, PermissionError):  # it has ended; macOS: as a zombie
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def is_open_to_all(path: "Path") -> bool:
    """Returns whether every user of the machine may read a file; False if it has no modes.

    Raises `OSError` if there is no such file.
    """
    return not IS_WINDOWS and bool(path.stat().st_mode & stat.S_IROTH)


def stop_signals() -> "Sequence[Signals]":
    """Returns the signals that ask a process to stop.

    These are Ctrl-C, a request to end, a terminal that was closed (unless `nohup` had it ignored),
    and Ctrl-Break on Windows.
    """
    import signal

    signals = [signal.SIGINT, signal.SIGTERM]
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up and signal.getsignal(hang_up) is not signal.SIG_IGN:
        signals.append(hang_up)
    signals += [signal.Signals(one) for one in (getattr(signal, "SIGBREAK", None),) if one]
    return signals


def wait_for(event: "Event") -> None:
    """Waits for an event so that signals are heard: on Windows an endless wait hears none."""
    while not event.wait(0.5):
        pass


def shell_quoted(*arguments: object) -> str:
    """Returns arguments as they are typed in the system's shell, quoted where needed."""
    texts = [str(one) for one in arguments]
    if IS_WINDOWS:
        import subprocess

        return subprocess.list2cmdline(texts)
    import shlex

    return shlex.join(texts)


def is_regular(path: "Path") -> bool:
    """Returns whether nothing is there yet, or a regular file, after links were followed.

    Raises `OSError` if that cannot be determined, as for a link that leads to itself.
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return True


def _take_attributes(descriptor: int, like: os.stat_result) -> None:
    """Gives an open file the mode and, as far as allowed, the owner of another one."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
    if hasattr(os, "fchown"):
        with suppress(PermissionError):
            os.fchown(descriptor, like.st_uid, like.st_gid)


def process_context() -> "BaseContext":
    """How processes that work for this one are started.

    On Linux they are copies of it, which takes no time. Elsewhere each one starts by itself: copies
    are not safe on macOS, and Windows has none.
    """
    import sys
    from multiprocessing import get_context

    return get_context("fork" if sys.platform == "linux" else "spawn")
