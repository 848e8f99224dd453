"""What can be asked about the past: runs, entries in doubt, changes by hand."""

from datetime import UTC, datetime

import pytest

from engine.errors import StateError
from engine.model.run import OPEN, Effects, Entry, Pushed, Run, RunStatus, Step

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_one_run_is_read_with_its_plan(told):
    assert told.run("r1").plan == '{"plan": 1}'
    assert told.run("r1").status is RunStatus.PARTIAL


def test_an_unknown_run_is_refused(told):
    with pytest.raises(StateError, match="knows no run r9"):
        told.run("r9")


def test_runs_can_be_listed_without_their_plans(told):
    assert [(run.id, run.plan) for run in told.runs(plans=False)] == [("r1", ""), ("r2", "")]
    assert [(run.id, run.plan) for run in told.runs()] == [("r1", '{"plan": 1}'), ("r2", '{"plan": 2}')]


@pytest.mark.parametrize("step", Step)
def test_a_change_is_in_doubt_by_its_last_entry(told, step):
    lease = told.acquire("apply (ann)")
    told.record(lease, "r2", [Entry("b1", Step.STARTED, NOON), Entry("b1", step, NOON, {"why": "…"})])

    doubts = [(run, entry.change, entry.step) for run, entry in told.in_doubt()]

    assert doubts == [("r1", "a2", Step.STARTED), *([("r2", "b1", step)] if step in OPEN else [])]


def test_the_same_change_of_another_run_is_another_change(told):
    lease = told.acquire("apply (ann)")
    told.record(lease, "r2", [Entry("a2", Step.DONE, NOON)])

    assert [(run, entry.change) for run, entry in told.in_doubt()] == [("r1", "a2")]


def test_a_change_by_hand_is_recorded_with_who_when_and_why(told):
    (line,) = told.audit()

    assert (line.kind, line.at, line.run) == ("edit", NOON, "")
    assert line.data == {
        "what": "forget",
        "reason": "keyed twice",
        "who": "apply (ann)",
        "host": "host-1",
    }


def test_settling_by_hand_writes_entries_effects_and_reason_at_once(told):
    lease = told.acquire("state settle (ben)")
    log = Pushed("license_change", "c2", 52, NOON.date(), 1, "a2", "r1")
    serial = told.load().serial

    told.settle(lease, "r1", [Entry("a2", Step.DONE, NOON)], Effects(pushed=(log,)), reason="seen in Autotask")

    assert told.in_doubt() == []
    assert told.load().pushed["license_change", "c2"] == log
    assert told.load().serial == serial + 1
    assert told.journal("r1")[-1].step is Step.DONE
    assert [(line.run, line.data["what"], line.data["reason"]) for line in told.audit()][-1] == (
        "r1",
        "settle a2 landed",
        "seen in Autotask",
    )
    assert told.verify() == []


def test_settling_a_run_that_is_not_known_changes_nothing(told):
    lease = told.acquire("state settle (ben)")
    before = told.export()

    with pytest.raises(StateError, match="knows no run r9"):
        told.settle(lease, "r9", [Entry("a2", Step.DONE, NOON)], reason="…")
    assert told.export() == before


def test_the_head_moves_with_every_line(told):
    lease = told.acquire("apply (ann)")
    count, head = told.head()
    told.record(lease, "r2", [Entry("b1", Step.STARTED, NOON)])

    assert told.head()[0] == count + 1
    assert told.head()[1] != head


def test_a_run_is_kept_as_it_was_given(state):
    lease = state.acquire("apply (ann)")
    run = Run("r1", "d", "{}", "ann", "host-1", NOON, RunStatus.INTERRUPTED, NOON, "r0")
    state.begin(run, lease)

    assert state.run("r1") == run
    assert state.verify() == []


def test_a_state_remembers_which_systems_it_is_about(state, opened, tmp_path):
    assert state.load().systems == {}
    lease = state.acquire("apply (ann)")
    state.begin(Run("r1", "d", "{}", "ann", "host-1", NOON, systems={"target": "a", "source": "o"}), lease)
    state.edit(lease, "forget", Effects())
    assert opened(2).load().systems == {"target": "a", "source": "o"}

    state.adopt(lease, {"target": "b", "source": "o"}, reason="renamed")
    assert state.load().systems == {"target": "b", "source": "o"}
    assert [(line.data["what"], line.data["reason"]) for line in state.audit()][-1] == ("adopt b, o", "renamed")
    assert state.verify() == []
    copy = opened(3, tmp_path / "copy.sqlite")
    copy.import_(state.export())
    assert copy.load().systems == {"target": "b", "source": "o"}
