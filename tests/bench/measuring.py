"""Time and memory of one process."""

import gc
import resource
import time
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


def seconds(work: Callable[[], _Result]) -> tuple[float, _Result]:
    """Returns how long some work takes, and its result."""
    gc.collect()
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def cpu_seconds(work: Callable[[], _Result]) -> tuple[float, _Result]:
    """Returns the CPU time of some work that waits for nothing, and its result.

    Other processes of a busy machine change it far less than the time that passes.
    """
    gc.collect()
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def peak_memory() -> float:
    """Returns the peak memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
