"""`trueup fleet worker` as on a host of its own; `CHAOS_HOST` is the host's name.

The processes of its runs import this module as well, and so are on the same host. They note each
write that they send, and each answer, in the file that `CHAOS_WRITES` names.
"""

import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from trueup.fleet import cleanup, procrastinate_queue, records, worker
from trueup.state import process

HOST, WRITES, DEFECT = "CHAOS_HOST", "CHAOS_WRITES", "CHAOS_DEFECT"

RETRY = 2  # seconds after which a run that failed is tried again
HEALS = 10  # seconds after which a run without a job is looked for
_READS = ("/query", "/query/count")


def _move(host: str) -> None:
    """Makes this process one of another host; those of other hosts are not known to it."""
    socket.gethostname = lambda: host
    process._realm = lambda: host


def _hurry() -> None:
    """What takes minutes in a fleet takes seconds, and is not given up."""
    records.RETRY_AFTER = (RETRY,) * 1000
    cleanup.LOST_AFTER = HEALS
    worker._CHECK_ROUNDS = HEALS


def _note_writes(file: Path) -> None:
    send = httpx.HTTPTransport.handle_request

    def noted(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" or request.url.path.endswith(_READS):
            return send(self, request)
        about = {"tenant": request.url.port, "process": f"{os.getpid()}"}
        _note(file, {**about, "what": "sent"})
        answer = send(self, request)
        _note(file, {**about, "what": "answered"})
        return answer

    httpx.HTTPTransport.handle_request = noted


def _note(file: Path, what: dict[str, Any]) -> None:
    line = json.dumps({"at": time.time(), **what})
    with file.open("a", encoding="utf-8") as stream:  # one line is written at once
        stream.write(f"{line}\n")


def _without_lock() -> None:
    """The lock of a tenant is given to everybody."""
    records._lock = lambda *_: True


def _without_end_of_lost_runs() -> None:
    """Runs without a job stay open."""
    worker.end_lost_runs = lambda *_: []  # type: ignore[attr-defined] # a name that it imports


def _without_rescue() -> None:
    """Jobs of dead workers stay theirs."""

    async def nothing(*_: object) -> None:
        return None

    procrastinate_queue.ProcrastinateQueue._rescue_once = nothing


DEFECTS = {"lock": _without_lock, "heal": _without_end_of_lost_runs, "rescue": _without_rescue}
"""Each name is the remedy that is removed."""


def _begin() -> None:
    _move(os.environ[HOST])
    _hurry()
    _note_writes(Path(os.environ[WRITES]))
    for name in filter(None, os.environ.get(DEFECT, "").split(" + ")):
        DEFECTS[name]()


if __name__ in {"__main__", "__mp_main__"}:
    _begin()

if __name__ == "__main__":
    from trueup.cli.main import main

    from tests.chaos.serving import end_with_parent

    threading.Thread(target=end_with_parent, daemon=True).start()
    main()
