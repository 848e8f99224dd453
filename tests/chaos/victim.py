"""`trueup` in a process of its own that ends itself, by kill -9, at an exact place; forked, for a start is slow."""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from engine.cli.main import main
from engine.model.run import Step
from engine.state.sqlite import SqlState

PLACES = ("journal", "request", "adjustment", "file")
COUNTS = "counts.json"
"""Where a live child tells how many places of each kind it came by, when asked to `count`."""


@dataclass(frozen=True)
class Kill:
    """Where to end: the nth `journal` write, `request` or `file` replacement, before or after it takes effect."""

    what: str = ""  # journal, request, file; count: live, and count them; nothing: live
    nth: int = 0
    when: str = "before"


def fork(folder: Path, arguments: list[str], kill: Kill, *, broken: bool = False) -> int:
    """A child that runs `trueup`; its process id. `broken` keeps it from journaling what it is about to send."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        _quiet()
        os.chdir(folder)
        _arm(kill)
        if broken:
            _break_journal()
        sys.argv = ["trueup", *arguments]
        main()
    except SystemExit as end:
        if kill.what == "count":
            (folder / COUNTS).write_text(json.dumps(_counts), encoding="utf-8")
        os._exit(end.code if isinstance(end.code, int) else 1)
    finally:
        os._exit(70)


def _quiet() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _arm(kill: Kill) -> None:
    for name in ("begin", "record", "finish"):
        setattr(SqlState, name, _deadly(getattr(SqlState, name), "journal", kill))
    httpx.Client.send = _deadly(httpx.Client.send, "request", kill)  # type: ignore[method-assign]
    posting = _deadly(httpx.Client.send, "adjustment", kill)
    plain = httpx.Client.send

    def send(self: httpx.Client, request: httpx.Request, **named: Any) -> httpx.Response:
        way = posting if request.url.path.endswith("Adjustments") else plain
        return way(self, request, **named)  # type: ignore[no-any-return]

    httpx.Client.send = send  # type: ignore[method-assign]
    os.replace = _deadly(os.replace, "file", kill)


_counts = dict.fromkeys(PLACES, 0)


def _deadly(call: Callable[..., Any], what: str, kill: Kill) -> Callable[..., Any]:
    def deadly(*arguments: Any, **named: Any) -> Any:
        _counts[what] += 1
        here = what == kill.what and _counts[what] == kill.nth
        if here and kill.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*arguments, **named)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return deadly


def _break_journal() -> None:
    """One line removed: nothing says any more that something is about to be sent."""
    record = SqlState.record

    def forgetful(self: SqlState, lease: Any, run: str, entries: Any, *rest: Any) -> None:
        record(self, lease, run, [entry for entry in entries if entry.step is not Step.STARTED], *rest)

    SqlState.record = forgetful  # type: ignore[method-assign]
