"""A sandbox of `trueup` as a process of its own, that ends with the process that started it, however that one ends."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.cli.main import main

FIRST_PORT = 20_000
"""Below those that the system gives to clients (32,768 and up on Linux)."""


class Server:
    """The process, and its control routes."""

    def __init__(self, database: Path, arguments: Sequence[str]) -> None:
        self.database, self.arguments = database, arguments
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, on the port that it had before; returns when it answers."""
        self.port = self.port or free_port()
        command = [sys.executable, "-m", "tests.chaos.serving", "sandbox", "serve", "--port", str(self.port)]
        command += ["--database", str(self.database), *self.arguments]
        log = self.database.with_suffix(".log")
        with log.open("wb") as said:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said)
        for _ in range(600):
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.control("GET", "/sandbox/faults")
                return
            time.sleep(0.05)
        raise RuntimeError(f"the sandbox does not answer: {log.read_text(encoding='utf-8')}")

    def kill(self) -> None:
        """kill -9, in the middle of whatever it does."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.communicate()
            self._process = None

    def control(self, verb: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """One control request; its JSON answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(verb, path, json.dumps(body or {}), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{verb} {path}: {answer.status} {text[:200]!r}")
            return json.loads(text) if text else None
        finally:
            connection.close()

    def snapshot(self) -> None:
        """Remembers how it is now."""
        self.control("POST", "/sandbox/snapshot", {"file": str(self.database.with_suffix(".snapshot"))})

    def restore(self) -> None:
        """As it was then, without faults and with an empty request log."""
        self.control("POST", "/sandbox/restore", {"file": str(self.database.with_suffix(".snapshot"))})
        self.control("DELETE", "/sandbox/faults")
        self.control("DELETE", "/sandbox/requests")

    def hits(self) -> list[str]:
        """The faults that have hit since the last time; a write that lands late is one, not two."""
        log = self.control("GET", "/sandbox/requests")["requests"]
        self.control("DELETE", "/sandbox/requests")
        return [str(one["fault"]) for one in log if one.get("fault") not in ("", "late, landed")]


def free_port() -> int:
    """One that the system gives to no client: a client that tries to reconnect could otherwise take it for its own."""
    for port in range(FIRST_PORT + os.getpid() % 500 * 20, 32_000):  # far from those that a neighbour tries
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def end_with_parent() -> None:
    """Nobody ever writes to the input; it ends when nobody holds its other side any more."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    main()
