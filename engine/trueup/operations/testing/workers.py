"""Runs numbered tasks in processes of their own, each task within a time limit.

A process that hangs is ended, and one that dies loses its own task only: another process goes on
with the others. `concurrent.futures` can end no single process of a pool.
"""

import math
import time
import traceback
from collections.abc import Callable, Iterator
from enum import StrEnum
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import Any, Generic, TypeVar

from msgspec import Struct

from trueup import operating_system
from trueup.errors import EngineError

_State = TypeVar("_State")
_Result = TypeVar("_Result")


class Lost(StrEnum):
    """Why a task has no result."""

    TIMED_OUT = "timed out"
    DIED = "died"


class _Raised(Struct, frozen=True):
    """An error of a task; its text has the place."""

    text: str


_READY = None
"""What a process sends first: the limit of its first task begins then."""


def run_numbered(
    run: Callable[[_State, int], _Result],
    state: _State,
    count: int,
    workers: int,
    seconds: float | None,
) -> Iterator[_Result | Lost]:
    """Yields `run(state, number)` for each number below `count`, in their order.

    `run` is a function of a module, `state` and results can be pickled. `seconds` is the limit of
    each task. Raises RuntimeError if a task raises, EngineError if no process starts.
    """
    pool = _Pool(run, state, count, seconds)
    try:
        pool.start(min(workers, count))
        for number in range(count):
            yield pool.result(number)
    finally:
        pool.end()


class _Pool(Generic[_State, _Result]):
    """The processes, and what is left to do."""

    def __init__(
        self,
        run: Callable[[_State, int], _Result],
        state: _State,
        count: int,
        seconds: float | None,
    ) -> None:
        self._task = run, state
        self._left = iter(range(count))
        self._seconds = math.inf if seconds is None else seconds
        self._context = operating_system.process_context()
        self._workers: list[_Worker] = []
        self._results: dict[int, _Result | Lost] = {}

    def start(self, workers: int) -> None:
        """Starts so many processes."""
        self._workers += [_Worker(self._context, self._task) for _ in range(workers)]

    def end(self) -> None:
        """Ends all processes, whatever they do."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def result(self, number: int) -> _Result | Lost:
        """The result of a task; waits until it is there."""
        while number not in self._results:
            first = min(worker.deadline for worker in self._workers)
            left = None if math.isinf(first) else max(0.0, first - time.monotonic())
            ready = wait([worker.connection for worker in self._workers], left)
            for worker in [*self._workers]:
                if worker.connection in ready:
                    self._receive(worker)
                elif worker.deadline <= time.monotonic():
                    self._replace(worker, Lost.TIMED_OUT)
        return self._results.pop(number)

    def _receive(self, worker: "_Worker") -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._replace(worker, Lost.DIED)
            return
        if isinstance(message, _Raised):
            raise RuntimeError(message.text)  # noqa: TRY004 -- it stands for any exception
        if worker.number is not None:
            self._results[worker.number] = message
        self._give_next(worker)

    def _replace(self, worker: "_Worker", lost: Lost) -> None:
        """Another process in the place of one that is gone, with its task or without."""
        if not worker.is_ready:
            raise EngineError("a process for tests could not start: try --timeout 0 --jobs 1")
        if worker.number is not None:
            self._results[worker.number] = lost
        worker.end()
        self._workers.remove(worker)
        self.start(1)

    def _give_next(self, worker: "_Worker") -> None:
        worker.is_ready = True
        worker.number = next(self._left, None)
        worker.deadline = math.inf
        if worker.number is not None:
            worker.deadline = time.monotonic() + self._seconds
            worker.give(worker.number)


class _Worker:
    """One process, and the task that it has."""

    def __init__(self, context: BaseContext, task: tuple[Callable[..., Any], Any]) -> None:
        self.connection, theirs = context.Pipe()
        self.number: int | None = None
        self.is_ready = False
        self.deadline = math.inf  # of its task, on the clock that never goes back
        self._process: Any = context.Process(  # type: ignore[attr-defined]  # of each kind of context
            target=_work, args=(theirs, *task), daemon=True
        )
        self._process.start()
        theirs.close()

    def give(self, number: int) -> None:
        """Sends a task; that the process is gone is seen when its answer is awaited."""
        try:
            self.connection.send(number)
        except OSError:
            return

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.join()
        self.connection.close()


def _work(connection: Connection, run: Callable[[Any, int], Any], state: object) -> None:
    """The work of a process: runs tasks until it is ended."""
    connection.send(_READY)
    while True:
        try:
            number = connection.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        try:
            connection.send(run(state, number))
        except KeyboardInterrupt:
            return
        except Exception:  # noqa: BLE001 -- raised again in the process that waits for it
            connection.send(_Raised(traceback.format_exc()))
