"""The process that the crash tests kill: fixed calls on a state, one line of output after each.

`main(FILE, N)` kills its process right before the N-th SQL statement. The last line that it prints
is the number of statements.
"""

import os
import signal
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from trueup.model.audit import LinkForgotten
from trueup.model.run import Effects, Entry, Link, Pushed, Run, RunStatus, Step
from trueup.state.sqlite.store import SqliteState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROUNDS = 4


class StillClock:
    def now(self) -> datetime:
        return NOON

    def sleep(self, seconds: float) -> None:
        del seconds


def work(state: SqliteState) -> Iterator[None]:
    """Makes writing calls of each kind, one at a time."""
    lease = state.acquire("apply (ann)")
    yield
    for number in range(ROUNDS):
        run = f"r{number}"
        state.begin(Run(run, "d", "{}" * 5000, "ann", "host-1", NOON), lease)
        yield
        state.record(lease, run, [Entry("a1", Step.STARTED, NOON), Entry("a2", Step.STARTED, NOON)])
        yield
        state.record(lease, run, [Entry("a1", Step.DONE, NOON)], effects(number))
        yield
        state.renew(lease)
        yield
        state.finish(lease, run, RunStatus.PARTIAL, NOON)
        yield
    state.edit(
        lease,
        LinkForgotten("customer", "0-0"),
        Effects(unlink=(("customer", "0-0"),)),
        reason="keyed twice",
    )
    yield
    state.release(lease)
    yield


def effects(number: int) -> Effects:
    """Rows of one round, enough to fill several pages of the file."""
    keys = [f"{number}-{row}" for row in range(40)]
    return Effects(
        links=tuple(Link("customer", key, "Companies", 1, "created") for key in keys),
        applied={("customer", key): {"name": "x" * 300} for key in keys},
        pushed=tuple(Pushed("log", key, 1, NOON.date(), 1, "a1", f"r{number}") for key in keys),
    )


def kill_at(statements: Iterator[int], last: int, _statement: str) -> None:
    if next(statements) == last:
        os.kill(os.getpid(), signal.SIGKILL)


def main(path: str, last: str = "0") -> None:
    statements, connect = count(1), sqlite3.connect

    def traced(*args: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*args, **options)
        connection.set_trace_callback(partial(kill_at, statements, int(last)))
        return connection

    sqlite3.connect = traced
    with SqliteState(Path(path), clock=StillClock()) as state:
        for done, _ in enumerate(work(state), 1):
            print(done, flush=True)  # noqa: T201 -- the test reads it
    print("statements", next(statements) - 1, flush=True)  # noqa: T201 -- the test reads it
