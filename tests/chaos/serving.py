"""A `trueup sandbox serve` process, which ends together with the process that started it.

The process is forked, because starting Python takes long.
"""

import contextlib
import http.client
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.forked import Forked, fork, let_go
from tests.support.in_process import use_sockets

FIRST_PORT = 20_000
LAST_PORT = 32_000
"""Below the ports that the system gives to clients (32,768 and up on Linux)."""


class Server:
    """A sandbox process and its control routes."""

    def __init__(self, database: Path, arguments: Sequence[str]) -> None:
        self.database, self.arguments = database, arguments
        self.port = 0
        self._process: Forked | None = None
        self._held = -1  # the writing end of its standard input, which shows it that we are there

    def start(self) -> None:
        """Starts the process on the port that it had before; returns when it answers."""
        self.port = self.port or free_port()
        serve = ["sandbox", "serve", "--port", str(self.port), "--database", str(self.database)]
        log = self.database.with_suffix(".log")
        held, self._held = os.pipe()
        with log.open("wb") as output:
            self._process = fork(
                self.database.parent,
                [*serve, *self.arguments],
                (held, output.fileno(), output.fileno()),
                at_start=_begin,
            )
        os.close(held)
        for _ in range(6000):  # a busy machine takes its time
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.control("GET", "/sandbox/faults")
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"the sandbox does not answer: {log.read_text(encoding='utf-8')}")

    def kill(self) -> None:
        """Kills the process (SIGKILL), whatever it is doing."""
        if self._process:
            self._process.kill()
            self._process.wait()
            os.close(self._held)
            self._process = None

    def control(self, verb: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Sends a control request and returns the document of its response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(verb, path, json.dumps(body or {}), headers)
            response = connection.getresponse()
            text = response.read()
            if response.status >= 400:
                raise RuntimeError(f"{verb} {path}: {response.status} {text[:200]!r}")
            return json.loads(text) if text else None
        finally:
            connection.close()

    def snapshot(self) -> None:
        """Saves the present content of the database."""
        self.control("POST", "/sandbox/snapshot", self._snapshot_file())

    def restore(self) -> None:
        """Restores the saved content, without faults and recorded requests."""
        self.control("POST", "/sandbox/restore", self._snapshot_file())
        self.control("DELETE", "/sandbox/faults")
        self.control("DELETE", "/sandbox/requests")

    def take_hits(self) -> list[str]:
        """Returns the faults that have hit since the last call; a late write counts once."""
        requests = self.control("GET", "/sandbox/requests")["requests"]
        self.control("DELETE", "/sandbox/requests")
        faults = [str(request["fault"]) for request in requests]
        return [fault for fault in faults if fault not in ("", "late, landed")]

    def _snapshot_file(self) -> dict[str, str]:
        return {"file": str(self.database.with_suffix(".snapshot"))}


def free_port() -> int:
    """Returns a free port that the system gives to no client.

    Otherwise a client that reconnects to a server that is down could get the port itself. Processes
    start at different ports, so that they do not try the same ones.
    """
    for port in range(FIRST_PORT + os.getpid() % 500 * 20, LAST_PORT):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def _begin() -> None:
    let_go()
    use_sockets()
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """Ends the process when the parent has ended: then its standard input is closed."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)
