"""Runs commands in processes that are forked from this one, with Python and trueup loaded.

Starting Python and importing a plan's modules takes longer than the plan of a test. Such a process
treats its terminal, streams, signals and exit code as a new one does. Only a new one shows how
Python itself starts (encodings, streams that are closed from the start).
"""

import contextlib
import fcntl
import gc
import io
import os
import signal
import subprocess
import sys
import termios
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from trueup.cli.main import main

STDERR = 2
CLOSED = -1
"""In place of a descriptor: the process has no such stream."""

_STOPPING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass
class Forked:
    """A process, with the part of `subprocess.Popen` that tests of processes use."""

    pid: int
    returncode: int | None = field(default=None, init=False)

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, seconds: float = 120) -> int:
        """Its exit code, once it has ended. Raises `subprocess.TimeoutExpired`."""
        until = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("trueup", seconds)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it."""
        self.send_signal(signal.SIGKILL)


def fork(
    folder: Path,
    arguments: Iterable[str],
    streams: tuple[int, ...],
    *,
    environment: Mapping[str, str] | None = None,
    ignored: Iterable[int] = (),
    terminal: bool = False,
    others: Iterable[int] = (),
    at_start: Callable[[], None] = lambda: None,
) -> Forked:
    """Runs `trueup` in a folder, in a process with these descriptors as its streams.

    `ignored`: signals that whoever started it ignores. `terminal`: the first stream is the terminal
    that its signals come from. `others`: descriptors that it must not hold open. `at_start`: what
    the process does first.
    """
    pid = _fork()
    if pid:
        return Forked(pid)
    code = 70
    try:
        if terminal:
            os.setsid()
        for descriptor in others:
            os.close(descriptor)
        _take(streams)
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        _hear(frozenset(ignored))
        os.environ.update(environment or {})
        os.chdir(folder)
        at_start()
        sys.argv = ["trueup", *arguments]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 -- as Python shows it
        traceback.print_exc()
        code = 1
    finally:
        os._exit(code)


def call(function: Callable[[], object]) -> tuple[Forked, IO[bytes]]:
    """Calls a function in a process; returns that, and what it prints there, as a pipe."""
    reading, writing = os.pipe()
    pid = _fork()
    if pid:
        os.close(writing)
        return Forked(pid), os.fdopen(reading, "rb")
    code = 1
    try:
        sys.stdout = os.fdopen(writing, "w", encoding="utf-8")
        function()
        code = 0
    except BaseException:  # noqa: BLE001 -- as Python shows it
        traceback.print_exc()
    finally:
        os._exit(code)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on: other threads are idle
        return os.fork()


def let_go() -> None:
    """For the start of a process that may outlive others: it holds nothing of its parent's.

    A descriptor that it has inherited leads nowhere from now on. It is not free, as the object that
    owns it in the parent, and is copied here, may still close it.
    """
    gc.freeze()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 -- no path is wanted
        with contextlib.suppress(OSError):  # that of the list itself is closed
            if int(name) > STDERR and os.fstat(int(name)):
                os.dup2(nowhere, int(name), inheritable=False)


def run(
    folder: Path,
    *arguments: str,
    stdin: int | str = os.devnull,
    stdout: int | str = subprocess.PIPE,
    stderr: int | str = subprocess.PIPE,
) -> subprocess.CompletedProcess[bytes]:
    """Runs `trueup` to its end.

    A stream is the name of a file, a descriptor, `CLOSED`, or a pipe whose text is returned.
    """
    with ExitStack() as stack:
        used = (stdin, stdout, stderr)
        pipes: dict[int, tuple[int, int]] = {
            number: os.pipe() for number, stream in enumerate(used) if stream == subprocess.PIPE
        }
        files = {
            number: os.open(stream, os.O_RDWR | (os.O_CREAT if number else 0), 0o600)
            for number, stream in enumerate(used)
            if isinstance(stream, str)
        }
        opened = {**files, **{number: writing for number, (_, writing) in pipes.items()}}
        streams = tuple(
            opened[number] if number in opened else int(stream)
            for number, stream in enumerate(used)
        )
        process = fork(folder, arguments, streams)
        for descriptor in opened.values():
            os.close(descriptor)
        readers = stack.enter_context(ThreadPoolExecutor(2))
        texts = {number: readers.submit(_read, reading) for number, (reading, _) in pipes.items()}
        code = process.wait()
        out, error = (texts[n].result() if n in texts else b"" for n in (1, 2))
    return subprocess.CompletedProcess([*arguments], code, out, error)


def start(folder: Path, *arguments: str) -> tuple[Forked, IO[str], IO[str]]:
    """Starts `trueup`; returns its process and what it writes to its two pipes."""
    (out, out_end), (error, error_end) = os.pipe(), os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    process = fork(folder, arguments, (null, out_end, error_end), others=(out, error))
    for descriptor in (null, out_end, error_end):
        os.close(descriptor)
    return process, os.fdopen(out, encoding="utf-8"), os.fdopen(error, encoding="utf-8")


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb") as pipe:
        return pipe.read()


def _take(streams: tuple[int, ...]) -> None:
    """Makes descriptors the streams of this process, as Python does at its start."""
    for number, descriptor in enumerate(streams):
        if descriptor == CLOSED:
            os.close(number)
        else:
            os.dup2(descriptor, number)
    sys.stdin = sys.__stdin__ = _text(0, "rb", "strict")  # type: ignore[misc] # as at a start
    sys.stdout = sys.__stdout__ = _text(1, "wb", "strict")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text(2, "wb", "backslashreplace")  # type: ignore[misc]


def _text(number: int, mode: str, errors: str) -> io.TextIOWrapper | None:
    try:
        os.fstat(number)
    except OSError:
        return None
    binary = open(number, mode, closefd=False)  # noqa: SIM115 -- it stays open
    at_once = number == 2 or os.isatty(number)
    return io.TextIOWrapper(binary, "utf-8", errors, line_buffering=at_once)


def _hear(ignored: frozenset[int]) -> None:
    """Signals have the effect that they have where nobody has changed it."""
    for number in (*_STOPPING, *ignored):
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
