"""Ctrl-C once: no new writes, those in flight are waited for and recorded. Twice: out at once, the journal knows."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from engine.cli.ending import Exit
from engine.cli.terminal import report

FIRST = "\nstopping: no new writes; waiting for those that are in flight (Ctrl-C again to leave at once)"
SECOND = "\nleft at once: `trueup apply --resume` settles what was in flight"


@contextmanager
def stopping(stop: Event) -> Iterator[None]:
    """Sets `stop` on the first SIGINT or SIGTERM, ends the process on the second."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            report(SECOND)
            os._exit(Exit.INTERRUPTED)  # threads that still wait for an answer would hold the process
        stop.set()
        report(FIRST)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)
