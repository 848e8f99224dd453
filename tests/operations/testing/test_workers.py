"""Processes that run tests: results in order, and an end for what hangs or dies."""

import os
import threading
from multiprocessing import active_children
from typing import Any

import pytest
from trueup.operations.testing.workers import Lost, run_numbered

LONG = 5.0
"""Seconds; what does not hang takes a fraction of it."""


def task(hanging, number):
    if number in hanging:
        threading.Event().wait()
    return number * 10


def die(dying, number):
    if number == dying:
        os._exit(1)
    return number * 10


def fail(_state, number):
    raise KeyError(f"a fault of ours in {number}")


def test_results_come_in_their_order():
    assert [*run_numbered(task, (), 8, 3, None)] == [0, 10, 20, 30, 40, 50, 60, 70]
    assert [*run_numbered(task, (), 0, 3, None)] == []


def test_what_hangs_is_ended_and_the_others_go_on():
    results = [*run_numbered(task, (0, 3), 6, 2, LONG)]

    assert results == [Lost.TIMED_OUT, 10, 20, Lost.TIMED_OUT, 40, 50]


def test_a_process_that_dies_loses_its_own_task_only():
    assert [*run_numbered(die, 1, 4, 2, None)] == [0, Lost.DIED, 20, 30]


def test_a_fault_of_trueup_is_raised_with_where_it_happened():
    with pytest.raises(RuntimeError, match="a fault of ours"):
        [*run_numbered(fail, None, 2, 1, None)]


def test_no_process_is_left_behind():
    results: Any = run_numbered(task, (1,), 3, 2, None)
    assert next(results) == 0
    assert active_children()

    results.close()

    assert active_children() == []
