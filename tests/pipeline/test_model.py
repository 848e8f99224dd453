"""Plan, apply, edits on both sides, faults, crashes and resumes in any order; and bugs that are planted are found."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.pipeline.machine import Books

QUICK = settings(
    max_examples=60, stateful_step_count=14, deadline=None, suppress_health_check=[*HealthCheck],
    phases=[Phase.generate], derandomize=True, print_blob=False, database=None,
)  # fmt: skip


def test_whatever_happens_in_whatever_order_what_must_hold_holds():
    run_state_machine_as_test(Books, settings=QUICK)
