"""Plan, apply, edits on both sides, faults, crashes and resumes in any order.

Bugs that are planted are found.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from msgspec.structs import replace
from trueup.applying.preconditions import PreconditionChecker
from trueup.applying.recorder import Recorder
from trueup.applying.settle import DoubtSettler
from trueup.model.run import Effects, Step
from trueup.planning.ledger import reconcile
from trueup.planning.ledger.archive_marks import ArchiveMarks
from trueup.stages.ledger import compare
from trueup.stages.match.placing import Placing
from trueup.stages.settle import WriteOutcome

from tests.support.fast import AtOnce, compiled_once
from tests.support.state_machine import Books, only

QUICK = settings(
    max_examples=settings().max_examples * 2,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    phases=[Phase.generate],
    derandomize=True,
    print_blob=False,
    database=None,
    report_multiple_bugs=False,
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("trueup.planning.records.evaluation.Compiled", compiled_once)
    monkeypatch.setattr("trueup.applying.runner.ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr("trueup.applying.sender.ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr("trueup.applying.preconditions.ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr("trueup.applying.read_back.ThreadPoolExecutor", AtOnce)


@pytest.mark.hypothesis
def test_whatever_happens_in_whatever_order_what_must_hold_holds():
    run_state_machine_as_test(Books, settings=QUICK)


# Bugs that are planted, one at a time, and must be found


def forgets_started(patch):
    """The journal no longer says that a write is about to be sent."""
    record = Recorder.record

    def without_started(self, entries):
        record(self, [one for one in entries if one.step is not Step.STARTED])

    patch.setattr(Recorder, "record", without_started)


def ignores_units_that_moved(patch):
    patch.setattr("trueup.applying.preconditions.same_units", lambda *_: True)


def ignores_fields_that_moved(patch):
    patch.setattr(PreconditionChecker, "_compare_record", lambda *_: None)


def creates_despite_an_identity(patch):
    patch.setattr(Placing, "_by_identity", lambda *_: None)


def settles_too_early(patch):
    patch.setattr(DoubtSettler, "wait_until", lambda self, change, book: book.sent_at[change.id])


def marks_before_the_proof(patch):
    add = ArchiveMarks.add
    patch.setattr(
        ArchiveMarks,
        "add",
        lambda self, id_, keys, _needs, *notes, **more: add(self, id_, keys, (), *notes, **more),
    )


def pushes_whatever_the_ledger_says(patch):

    def always_sendable(*given, **more):
        return replace(compare(*given, **more), sendable=True)

    patch.setattr(reconcile, "compare", always_sendable)


def forgets_what_was_pushed(patch):
    patch.setattr("trueup.applying.run_state._pushed", lambda *_: ())


def takes_an_answer_for_a_proof(patch):
    patch.setattr("trueup.applying.settle.settle_adjustment", lambda *_: WriteOutcome.LANDED)


def archives_what_cancels_out_without_remembering(patch):
    patch.setattr("trueup.applying.run_state._marked", lambda *_: Effects())


ALWAYS = ("more_or_less", "synchronise")
BUGS = {
    forgets_started: ("change_be_killed_and_resume", "apply_and_be_killed"),
    ignores_units_that_moved: ("adjust_by_hand_between_plan_and_apply",),
    ignores_fields_that_moved: ("edit_between_plan_and_apply", "edit_the_company"),
    creates_despite_an_identity: ("lose_the_state", "one_more_of_a_kind"),
    settles_too_early: (
        "one_more_customer_and_hear_nothing",
        "break_the_next_write",
        "wait",
        "resume",
    ),
    marks_before_the_proof: ("break_the_next_write", "change_and_hear_nothing"),
    pushes_whatever_the_ledger_says: ("adjust_by_hand", "post"),
    forgets_what_was_pushed: ("restore_an_old_export", "keep_a_plan"),
    takes_an_answer_for_a_proof: ("break_the_next_write", "change_and_hear_nothing"),
    archives_what_cancels_out_without_remembering: ("change_their_mind", "restore_an_old_export"),
}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__.replace("_", " "))
def test_a_bug_that_is_planted_is_found(bug, monkeypatch):
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            only(*ALWAYS, *BUGS[bug]), settings=settings(QUICK, max_examples=500)
        )


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__.replace("_", " "))
def test_without_the_bug_the_same_stories_end_well(bug):
    few = settings(QUICK, max_examples=settings().max_examples // 4)
    run_state_machine_as_test(only(*ALWAYS, *BUGS[bug]), settings=few)
