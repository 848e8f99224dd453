"""Plan, apply, edits on both sides, faults, crashes and resumes in any order; and bugs that are planted are found."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from engine.applying.check import Checker
from engine.applying.coordinator import Coordinator
from engine.applying.settling import Settler
from engine.model.run import Effects, Step
from engine.planning.marks import Marks
from engine.stages import ledger
from engine.stages.match import _Search
from engine.stages.settle import Landing
from tests.pipeline.machine import AtOnce, Books, compiled_once

QUICK = settings(
    max_examples=100, stateful_step_count=20, deadline=None, suppress_health_check=[*HealthCheck],
    phases=[Phase.generate], derandomize=True, print_blob=False, database=None,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("engine.planning.align.Compiled", compiled_once)
    monkeypatch.setattr("engine.applying.coordinator.ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr("engine.applying.check.ThreadPoolExecutor", AtOnce)


def test_whatever_happens_in_whatever_order_what_must_hold_holds():
    run_state_machine_as_test(Books, settings=QUICK)


# Bugs that are planted, one at a time, and must be found


def forgets_started(patch):
    """The journal no longer says that a write is about to be sent."""
    record = Coordinator._record
    patch.setattr(
        Coordinator, "_record",
        lambda self, entries: record(self, [one for one in entries if one.step is not Step.STARTED]),
    )  # fmt: skip


def ignores_units_that_moved(patch):
    patch.setattr("engine.applying.check.same_units", lambda *_: True)


def ignores_fields_that_moved(patch):
    patch.setattr(Checker, "_compare", lambda *_: None)


def creates_despite_an_identity(patch):
    patch.setattr(_Search, "_by_identity", lambda *_: None)


def settles_too_early(patch):
    patch.setattr(Settler, "wait_until", lambda self, change, book: book.sent_at[change.id])


def marks_before_the_proof(patch):
    add = Marks.add
    patch.setattr(Marks, "add", lambda self, id_, keys, _needs, why: add(self, id_, keys, (), why))


def pushes_whatever_the_ledger_says(patch):
    weigh = ledger.weigh
    patch.setattr(ledger, "weigh", lambda *given: replace(weigh(*given), flows=True))


def forgets_what_was_pushed(patch):
    patch.setattr("engine.applying.book._pushed", lambda *_: ())


def takes_an_answer_for_a_proof(patch):
    patch.setattr("engine.applying.coordinator.settle_adjustment", lambda *_: Landing.LANDED)
    patch.setattr("engine.applying.settling.settle_adjustment", lambda *_: Landing.LANDED)


def archives_what_cancels_out_without_remembering(patch):
    patch.setattr("engine.applying.coordinator.marked", lambda *_: Effects())


BUGS = [
    forgets_started, ignores_units_that_moved, ignores_fields_that_moved, creates_despite_an_identity,
    settles_too_early, marks_before_the_proof, pushes_whatever_the_ledger_says, forgets_what_was_pushed,
    takes_an_answer_for_a_proof, archives_what_cancels_out_without_remembering,
]  # fmt: skip


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__.replace("_", " "))
def test_a_bug_that_is_planted_is_found(bug, monkeypatch):
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Books, settings=settings(QUICK, max_examples=600))
