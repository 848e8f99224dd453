"""Handles signals during a run.

The first signal prevents new writes; those in flight are waited for and recorded. The second one
ends the process at once; the journal holds what was in flight.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from trueup.cli.exit_codes import Exit
from trueup.cli.output import report_from_signal
from trueup.operating_system import stop_signals

FIRST = (
    "\nstopping: no new writes; waiting for those that are in flight "
    "(Ctrl-C again to leave at once)"
)
SECOND = "\nleft at once: `trueup apply --resume` settles what was in flight"


@contextmanager
def stopping(stop: Event, second: str = SECOND) -> Iterator[None]:
    """Sets `stop` on the first signal, ends the process with the text `second` on the second."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            report_from_signal(second)
            # Threads that still wait for an answer would hold the process.
            os._exit(Exit.INTERRUPTED)
        stop.set()
        report_from_signal(FIRST)

    before = {number: signal.signal(number, handle) for number in stop_signals()}
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)
