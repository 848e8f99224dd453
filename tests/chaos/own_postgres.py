"""A PostgreSQL that is killed and started again, which the one that all tests share must not be.

Run as a program it keeps the server: it ends it, and removes its files, when its standard input is
closed, also because the process that started it was killed.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from typing import Any

from tests.support.postgres import NAMED, programs_of_wheel
from tests.support.postgres_keeper import CONNECTIONS, as_nobody, readable, runner

SOCKET = ".s.PGSQL.5432"
_TRIES = 600  # to start it; processes of a server that was killed leave one by one
_READY = 600  # looks whether it takes connections
_LOOK = 0.1  # seconds

# A commit must survive the death of the server. That of the machine is not tried.
_SETTINGS = {
    "fsync": "off",
    "listen_addresses": "",
    "max_connections": CONNECTIONS,
    "shared_buffers": "32MB",
}


class OwnPostgres:
    """The server, from the outside. Nothing but a socket leads to it."""

    def __init__(self, keeper: "subprocess.Popen[str]") -> None:
        self._keeper = keeper
        self.folder = Path(self._answer())

    @property
    def socket(self) -> Path:
        """Its socket."""
        return self.folder / SOCKET

    @property
    def address(self) -> str:
        """The address of its database, for libpq."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def end(self, *, at_once: bool) -> None:
        """Kills it (SIGKILL), or ends it without letting anything finish (`immediate`)."""
        self._do("kill" if at_once else "immediate")

    def start(self) -> None:
        """Starts it again; returns when it takes connections."""
        self._do("start")

    def _do(self, order: str) -> None:
        assert self._keeper.stdin
        self._keeper.stdin.write(f"{order}\n")
        self._keeper.stdin.flush()
        self._answer()

    def _answer(self) -> str:
        assert self._keeper.stdout
        if not (answer := self._keeper.stdout.readline()):
            raise RuntimeError(f"PostgreSQL is gone; its keeper ended with {self._keeper.wait()}")
        return str(json.loads(answer))


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A server that runs inside the block."""
    programs = NAMED if Path(NAMED).is_absolute() else programs_of_wheel()
    command = [sys.executable, "-m", "tests.chaos.own_postgres", str(programs)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as keeper:
        yield OwnPostgres(keeper)


class _Kept:
    """The server, as its keeper sees it."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._data = folder, folder / "data"
        self._programs = readable(programs, folder)
        run = runner(self._programs, folder)
        run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, as often as it takes until it runs."""
        for _ in range(_TRIES):
            self._process = self._started()
            if self._is_ready(self._process):
                return
            time.sleep(_LOOK)
        raise RuntimeError((self._folder / "log").read_text("utf-8", "replace")[-2000:])

    def end(self, how: signal.Signals) -> None:
        """Sends it a signal, and waits for its end."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def _started(self) -> "subprocess.Popen[bytes]":
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self._folder, *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **_options(),
            )

    def _is_ready(self, process: "subprocess.Popen[bytes]") -> bool:
        check: Sequence[Any] = [self._programs / "pg_isready", "-q", "-h", self._folder]
        for _ in range(_READY):
            if process.poll() is not None:
                return False
            if subprocess.run(check, check=False, cwd=self._folder, **_options()).returncode == 0:
                return True
            time.sleep(_LOOK)
        return False


def _options() -> Any:
    return as_nobody()


def main() -> None:
    """Keeps a server, and does what its standard input says, a word a line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder = Path(tempfile.mkdtemp(prefix="trueup-pg-"))
    try:
        kept = _Kept(folder, Path(sys.argv[1]))
        try:
            kept.start()
            _emit(str(folder))
            for order in sys.stdin:
                match order.strip():
                    case "start":
                        kept.start()
                    case "immediate":
                        kept.end(signal.SIGQUIT)
                    case _:
                        kept.end(signal.SIGKILL)
                _emit("done")
        finally:
            kept.end(signal.SIGQUIT)
    finally:
        rmtree(folder, ignore_errors=True)


def _emit(text: str) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{json.dumps(text)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
