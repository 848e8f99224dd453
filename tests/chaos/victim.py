"""Runs `trueup` in a process that kills itself (SIGKILL) at an exact point.

The process is forked, because starting Python takes long.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from trueup.cli.main import main
from trueup.state.sqlite.store import SqliteState

from tests.chaos.defects import DEFECTS

KILL_POINTS = ("journal", "request", "adjustment", "file", "service line")
"""Journal writes, requests, requests with an adjustment, file replacements, creates of a service
on a contract."""

COUNTS = "counts.json"
"""The file with the number of kill points of each kind, written with `Kill("count")`."""


@dataclass(frozen=True)
class Kill:
    """Where to kill: before or after the nth point of a kind.

    `point` is one of KILL_POINTS; `count` counts the points and kills nothing; empty kills nothing.
    """

    point: str = ""
    nth: int = 0
    when: str = "before"


def fork(folder: Path, arguments: list[str], kill: Kill, *, defect: str = "") -> int:
    """Starts `trueup` in a child process and returns the process id.

    `defect` names remedies of DEFECTS that are removed in it, joined by ` + `.
    """
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        _silence()
        os.chdir(folder)
        _patch(kill)
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


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _patch(kill: Kill) -> None:
    """Replaces the functions at the kill points by ones that count and kill."""
    for name in ("begin", "record", "finish"):
        setattr(SqliteState, name, _killing(getattr(SqliteState, name), "journal", kill))
    os.replace = _killing(os.replace, "file", kill)

    httpx.Client.send = _killing(httpx.Client.send, "request", kill)  # type: ignore[method-assign]
    plain = httpx.Client.send
    by_path = {
        "Adjustments": _killing(plain, "adjustment", kill),
        "/Services": _killing(plain, "service line", kill),
    }

    def send(self: httpx.Client, request: httpx.Request, **named: Any) -> httpx.Response:
        act = plain
        for ending, counted in by_path.items():
            is_line = "/Contracts/" in request.url.path or ending != "/Services"
            if request.method == "POST" and request.url.path.endswith(ending) and is_line:
                act = counted
        return act(self, request, **named)  # type: ignore[no-any-return]

    httpx.Client.send = send  # type: ignore[method-assign]


_counts = dict.fromkeys(KILL_POINTS, 0)


def _killing(call: Callable[..., Any], point: str, kill: Kill) -> Callable[..., Any]:
    def counted(*arguments: Any, **named: Any) -> Any:
        _counts[point] += 1
        here = point == kill.point and _counts[point] == kill.nth
        if here and kill.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*arguments, **named)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return counted
