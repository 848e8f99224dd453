"""Runs a PostgreSQL as long as a process is connected: `python postgres_keeper.py FOLDER`.

FOLDER has the programs of PostgreSQL. Prints one line of JSON: the server's address for libpq, and
the port at which its users hold a connection while they use the server. When the last of these
connections is closed, also because its process was killed, the server is stopped and its files are
removed. So no server is left running, and several processes share one.

PostgreSQL refuses to run as root. Then it runs as `nobody`, who must be able to read its programs.
"""

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

FIRST_USER = 60  # seconds within which the process that started the keeper connects
START = 300  # seconds; a machine may be very busy
CONNECTIONS = 200
# Nothing outlives the tests, so nothing waits for the disk. The zone is one that no code expects.
SETTINGS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": CONNECTIONS,
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
    "timezone": "Asia/Kathmandu",
}


def main() -> None:
    """Starts the server, says where, waits until nobody uses it, stops it."""
    for one in (signal.SIGINT, signal.SIGTERM):  # its users decide when it ends, not the terminal
        signal.signal(one, signal.SIG_IGN)
    with socket.create_server(("127.0.0.1", 0)) as users, _server(Path(sys.argv[1])) as address:
        print(json.dumps({"address": address, "users": users.getsockname()[1]}), flush=True)  # noqa: T201
        _wait_until_unused(users)


@contextlib.contextmanager
def _server(programs: Path) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="trueup-pg-"))
    try:
        run = runner(readable(programs, folder), folder)
        data = folder / "data"
        run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        place, address = _place(folder)
        settings = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        options = ("-o", f"{place} {settings}", "-l", folder / "log", "-t", str(START))
        run("pg_ctl", "start", "-w", "-D", data, *options)
        try:
            yield address
        finally:
            run("pg_ctl", "stop", "-w", "-D", data, "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _place(folder: Path) -> tuple[str, str]:
    """Returns options of `postgres` and the address that they make: a socket, or a port."""
    if os.name != "nt":
        return f"-k {folder} -c listen_addresses=", f"postgresql://postgres@/postgres?host={folder}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return f"-h 127.0.0.1 -p {port}", f"postgresql://postgres@127.0.0.1:{port}/postgres"


def readable(programs: Path, folder: Path) -> Path:
    """Returns the folder of programs, or a copy of it where `nobody` cannot reach it."""
    if not _is_root():
        return programs
    shutil.chown(folder, "nobody")
    check = [str(programs / "postgres"), "--version"]
    with contextlib.suppress(PermissionError):
        if subprocess.run(check, capture_output=True, check=False, **as_nobody()).returncode == 0:
            return programs
    return _copied(programs, folder / "copy")


def _copied(programs: Path, folder: Path) -> Path:
    """Returns a copy of the programs. The libraries of a wheel stay where they are looked for."""
    package = programs.parents[1]
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    copy = folder / package.name / programs.parent.name
    shutil.copytree(programs.parent, copy, symlinks=True)
    return copy / programs.name


def runner(programs: Path, folder: Path) -> Callable[..., None]:
    """Returns what runs a program, and raises `RuntimeError` with its text if it fails."""

    def run(program: str, *arguments: Any) -> None:
        output = folder / f"{program}.txt"
        with output.open("w", encoding="utf-8") as stream:  # a pipe would stay open in the server
            done = subprocess.run(
                [programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=folder,
                check=False,
                **as_nobody(),
            )
        if done.returncode:
            log = folder / "log"
            texts = [file.read_text("utf-8", "replace") for file in (output, log) if file.exists()]
            raise RuntimeError(f"{program} failed: " + "\n".join(texts))

    return run


def _is_root() -> bool:
    return os.name != "nt" and os.geteuid() == 0


def as_nobody() -> Mapping[str, Any]:
    return {"user": "nobody", "group": 65534, "extra_groups": []} if _is_root() else {}


def _wait_until_unused(users: socket.socket) -> None:
    """Returns when a first user came and every user is gone, or none came in time."""
    users.settimeout(FIRST_USER)
    with contextlib.suppress(TimeoutError), selectors.DefaultSelector() as selector:
        first, _ = users.accept()
        selector.register(first, selectors.EVENT_READ)
        selector.register(users, selectors.EVENT_READ)
        while len(selector.get_map()) > 1:
            for key, _ in selector.select():
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if ready is users:
                    selector.register(users.accept()[0], selectors.EVENT_READ)
                else:  # nobody sends anything: it was closed
                    selector.unregister(ready)
                    ready.close()


if __name__ == "__main__":
    main()
