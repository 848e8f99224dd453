"""Runs `trueup` in a process that kills itself (SIGKILL) at an exact point.

The process is forked, because starting Python takes long.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from trueup.applying import lock
from trueup.cli.main import main
from trueup.model.run import Step
from trueup.state import lock as state_lock
from trueup.state import process
from trueup.state.store import StoredState
from trueup.target.autotask import transport

from tests.chaos.defects import DEFECTS

KILL_POINTS = ("journal", "request", "adjustment", "file", "service line", "announced", "end")
"""Journal writes, requests, requests with an adjustment, file replacements, creates of a service
on a contract, entries of writes that are about to be sent, ends of a run."""

LEASE = 1.0
"""Seconds of a lease on another host."""

COUNTS = "counts.json"
"""The file with the number of kill points of each kind, written with `Kill("count")`."""


@dataclass(frozen=True)
class Kill:
    """Where to kill: before or after the nth point of a kind.

    `point` is one of KILL_POINTS; `count` counts the points and kills nothing; empty kills nothing.
    With SIGSTOP as `signal` the process only freezes.
    """

    point: str = ""
    nth: int = 0
    when: str = "before"
    signal: int = signal.SIGKILL


def fork(
    folder: Path, arguments: list[str], kill: Kill, *, defect: str = "", host: str = ""
) -> int:
    """Starts `trueup` in a child process and returns the process id.

    `defect` names remedies of DEFECTS that are removed in it, joined by ` + `. With a `host` the
    process seems to run on that one, so that others cannot know whether it is alive.
    """
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        _silence()
        os.chdir(folder)
        _patch(kill)
        if host:
            _move(host)
        for name in filter(None, defect.split(" + ")):
            DEFECTS[name]()
        sys.argv = ["trueup", *arguments]
        main()
    except SystemExit as end:
        if kill.point == "count":
            (folder / COUNTS).write_text(json.dumps(_counts), encoding="utf-8")
        os._exit(end.code if isinstance(end.code, int) else 1)
    finally:
        os._exit(70)


def _move(host: str) -> None:
    """Makes this process one of another host, whose lease is short so that tests need not wait.

    `settle_after` is short as well; what depends on either is in proportion.
    """
    process.HostProcesses.mine = lambda _: process.Process(host, os.getpid(), "", host)
    process.HostProcesses.fate = lambda *_: process.Fate.UNKNOWN
    state_lock.LEASE_SECONDS = LEASE
    lock.LOCK_RECHECK = timedelta(seconds=0.1)


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _patch(kill: Kill) -> None:
    """Replaces the functions at the kill points by ones that count and kill."""
    for name in ("begin", "record", "finish"):
        setattr(StoredState, name, _killing(getattr(StoredState, name), "journal", kill))
    plain_record = StoredState.record
    announcing = _killing(plain_record, "announced", kill)

    def record(self: StoredState, lease: Any, run: str, entries: Any, *rest: Any) -> None:
        is_announced = any(entry.step is Step.STARTED for entry in entries)
        (announcing if is_announced else plain_record)(self, lease, run, entries, *rest)

    StoredState.record = record
    StoredState.finish = _killing(StoredState.finish, "end", kill)
    os.replace = _killing(os.replace, "file", kill)

    _count_requests(kill, httpx.HTTPTransport, "handle_request", lambda _, request: _of(request))
    _count_requests(kill, transport, "_answered", lambda _, method, url, *__: (method, url))


def _of(request: httpx.Request) -> tuple[str, str]:
    return request.method, str(request.url)


def _count_requests(
    kill: Kill, owner: Any, name: str, asked: Callable[..., tuple[str, str]]
) -> None:
    """Replaces what sends requests; `asked` gives method and address of one from its arguments."""
    plain = _killing(getattr(owner, name), "request", kill)
    by_path = {
        "Adjustments": _killing(plain, "adjustment", kill),
        "/Services": _killing(plain, "service line", kill),
    }

    def send(*arguments: Any, **named: Any) -> Any:
        act = plain
        method, url = asked(*arguments, **named)
        path = urlsplit(url).path
        for ending, counted in by_path.items():
            is_line = "/Contracts/" in path or ending != "/Services"
            if method == "POST" and path.endswith(ending) and is_line:
                act = counted
        return act(*arguments, **named)

    setattr(owner, name, send)


_counts = dict.fromkeys(KILL_POINTS, 0)


def _killing(call: Callable[..., Any], point: str, kill: Kill) -> Callable[..., Any]:
    def counted(*arguments: Any, **named: Any) -> Any:
        _counts[point] += 1
        here = point == kill.point and _counts[point] == kill.nth
        if here and kill.when == "before":
            os.kill(os.getpid(), kill.signal)
        result = call(*arguments, **named)
        if here and kill.when == "after":
            os.kill(os.getpid(), kill.signal)
        return result

    return counted
