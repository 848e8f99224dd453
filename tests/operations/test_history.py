"""Listing, showing and verifying runs, over the port alone."""

import pytest
from trueup.errors import EngineError, StateError
from trueup.model.audit import LinkForgotten
from trueup.model.document import loads
from trueup.model.history import RunHistory, RunsOverview, UndoneBy, Verification
from trueup.model.run import Effects, Entry, Run, RunStatus, Step
from trueup.operations.open_history import list_runs, show_run, show_runs, verify_journal

from tests.support.fakes import FakeState
from tests.support.scene import settled


@pytest.fixture
def state() -> FakeState:
    """One run that was applied."""
    return settled().state


def add_undo(state: FakeState, run: str, undo_of: str, *steps: Step) -> Run:
    """Adds an undo run with one change per step."""
    lease = state.acquire("ann")
    begun = state.clock.now()
    plan = state.runs()[0].plan
    state.begin(Run(run, "d", plan, "ann", "host-1", begun, undo_of=undo_of), lease)
    entries = [Entry(f"{number}", step, begun) for number, step in enumerate(steps)]
    state.record(lease, run, entries)
    state.finish(lease, run, RunStatus.DONE, begun)
    state.release(lease)
    return next(one for one in state.runs(plans=False) if one.id == run)


def test_runs_are_listed_without_plans_and_with_the_audit(state):
    lease = state.acquire("ann")
    state.edit(lease, LinkForgotten("customer", "acc"), Effects(), reason="keyed twice")

    assert list_runs(state) == RunsOverview(state.runs(plans=False), state.audit(), {})


def test_a_run_is_listed_with_the_runs_that_undid_it(state):
    (first,) = state.runs()
    undo = add_undo(state, "undo", first.id, Step.DONE, Step.FAILED, Step.DONE)
    again = add_undo(state, "again", "undo", Step.DONE)

    assert list_runs(state).undone == {
        first.id: [UndoneBy(undo, 2, ("again",))],
        "undo": [UndoneBy(again, 1)],
    }


def test_an_undo_run_that_changed_nothing_undid_nothing(state):
    (first,) = state.runs()
    add_undo(state, "undo", first.id, Step.FAILED)
    add_undo(state, "empty", first.id)

    assert list_runs(state).undone == {}


def test_a_run_is_shown_with_its_plan_journal_edits_and_undo_runs(state):
    (run,) = state.runs()
    undo = add_undo(state, "undo", run.id, Step.DONE)
    lease = state.acquire("ann")
    state.settle(lease, run.id, [], reason="planned again")
    state.edit(lease, LinkForgotten("customer", "acc"), Effects())

    assert show_run(state, run.id[:6]) == RunHistory(
        run,
        loads(run.plan),
        state.journal(run.id),
        state.audit()[:1],
        [UndoneBy(undo, 1)],
    )


def test_all_runs_are_shown_unless_some_are_named(state):
    (first,) = state.runs()
    add_undo(state, "undo", first.id, Step.DONE)

    assert [shown.run.id for shown in show_runs(state)] == [first.id, "undo"]
    assert [shown.run.id for shown in show_runs(state, ["und"])] == ["undo"]


@pytest.mark.parametrize("name", ["nope", "", "undo"])
def test_a_name_that_is_not_one_run_is_refused(state, name):
    first = state.runs()[0].id
    add_undo(state, "undo-1", first, Step.DONE)
    add_undo(state, "undo-2", first, Step.DONE)

    with pytest.raises(StateError):
        show_run(state, name)


def test_a_run_whose_plan_cannot_be_read_is_named(state):
    lease = state.acquire("ann")
    state.begin(Run("r9", "d", "{}", "ann", "host-1", state.clock.now()), lease)

    with pytest.raises(EngineError, match="the plan of run r9 cannot be read: this is not a plan"):
        show_run(state, "r9")


def test_the_verification_holds_findings_and_the_head(state):
    lines, head = state.head()

    assert verify_journal(state, [head]) == Verification([], lines, head)
    assert [one.code for one in verify_journal(state, ["0"]).findings] == ["history-rewritten"]
