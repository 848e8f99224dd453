"""A kind of change that is added to `Action` is refused wherever something must be done about it.

It is never taken for an update, nor for one of the kinds that need nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from trueup.applying.admission import admit
from trueup.applying.job import Job
from trueup.applying.lock import hold_lock
from trueup.applying.preconditions import PreconditionChecker, PreconditionResult
from trueup.applying.run_state import RunState, effects, is_read_back
from trueup.applying.runner import Runner
from trueup.applying.send import Wording, send
from trueup.applying.settle import DoubtSettler
from trueup.errors import EngineError
from trueup.model.change import Action, Change, System
from trueup.model.document import dumps, loads
from trueup.model.plan import Plan
from trueup.model.project import Guards
from trueup.planning.call_costs import apply_calls
from trueup.planning.rights import may_not
from trueup.planning.undo import records
from trueup.stages.guard import _changed, guard

from tests.support.scene import Scene, settled

NO_LIMITS = Guards(
    creates={},
    deactivations={},
    share_changed={},
    adjustments={},
    rows_gone={},
    monthly_effect=Decimal(10**9),
    one_off_effect=Decimal(10**9),
    calls=10**9,
)


def new_kind() -> Action:
    """A member that `Action` does not have, as the next developer would add one."""
    kind = str.__new__(Action, "new kind")
    kind._name_, kind._value_ = "NEW_KIND", "new kind"
    return kind


@dataclass
class Case:
    """A scene, and a plan of one change of the new kind."""

    scene: Scene
    plan: Plan

    @property
    def change(self) -> Change:
        return self.plan.changes[0]

    @property
    def run_state(self) -> RunState:
        return RunState(self.plan)

    @property
    def checker(self) -> PreconditionChecker:
        return PreconditionChecker(self.scene.project, self.scene.world)


@pytest.fixture
def case() -> Case:
    """An update of a company, turned into a change of the new kind."""
    scene = settled()
    scene.row("account")["phone"] = "2"
    made = scene.plan()
    change = replace(made.changes[0], action=new_kind())
    return Case(scene, replace(made, changes=(change,)))


@pytest.fixture
def writes_to_the_target(monkeypatch):
    """The new kind is a write to the target, so that what comes after that question is reached."""
    known = vars(Action)["writes"].fget

    def writes(action):
        return System.TARGET if action == "new kind" else known(action)

    monkeypatch.setattr(Action, "writes", property(writes))


def _settle(case: Case) -> object:
    settler = DoubtSettler(case.scene.project, case.scene.world, case.checker)
    return settler.settle([case.change], case.run_state)


def _undo(case: Case) -> object:
    context: Any = SimpleNamespace(
        project=case.scene.project,
        record_of=lambda change: change.record,
        kept={},
        resolve=lambda value: value,
    )
    return records._reversal(context, case.change)


DENIED_NOTHING: Any = SimpleNamespace(denied=lambda _: frozenset())

PLACES: dict[str, Callable[[Case], object]] = {
    "is sent": lambda case: send(case.scene.target, case.change, case.change.values, Wording()),
    "is checked before it is sent": lambda case: case.checker.records(
        [case.change], case.run_state, PreconditionResult()
    ),
    "is read back": lambda case: is_read_back(case.change),
    "is settled": _settle,
    "changes the state": lambda case: effects(
        case.change, case.run_state, "run", {}, case.plan.as_of
    ),
    "is guarded": lambda case: guard(NO_LIMITS, case.plan.changes, {}, 0),
    "is guarded by share": lambda case: _changed(case.plan.changes),
    "costs calls": lambda case: apply_calls(
        case.plan.changes, 50, {}, case.scene.target.call_costs
    ),
    "needs a right": lambda case: may_not(DENIED_NOTHING, "Companies", case.change.action),
    "is undone": _undo,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.usefixtures("writes_to_the_target")
def test_each_place_that_handles_changes_refuses_a_kind_that_it_does_not_know(case, place):
    with pytest.raises(AssertionError, match="Expected code to be unreachable"):
        PLACES[place](case)
    assert case.scene.target.only("Companies")["phone"] == "1"


@pytest.mark.parametrize("place", PLACES)
def test_each_place_knows_the_kind_that_it_was(case, place):
    case.plan = replace(case.plan, changes=(replace(case.change, action=Action.UPDATE),))
    PLACES[place](case)


@pytest.mark.parametrize("fact", ["writes", "is_repeatable"])
def test_each_fact_about_a_kind_must_be_stated(case, fact):
    with pytest.raises(AssertionError, match="Expected code to be unreachable"):
        getattr(case.change.action, fact)


def run(case: Case) -> None:
    """Runs the plan as `apply` does, past the document, which cannot hold the new kind."""
    scene = case.scene
    known = replace(case.plan, changes=(), waves=())
    with hold_lock(scene.world, "ann", "") as lock:
        job = admit(scene.project, scene.world, dumps(known), frozenset(), "ann", lock)
        job = Job(scene.project, scene.world, case.plan, job.run, case.run_state, lock)
        Runner(job).run()


@pytest.mark.usefixtures("writes_to_the_target")
def test_a_run_ends_before_anything_of_it_is_sent(case):
    sent = len(case.scene.target.sent)
    with pytest.raises(AssertionError, match="Expected code to be unreachable"):
        run(case)
    assert len(case.scene.target.sent) == sent
    journal = case.scene.state.journal(case.scene.state.runs()[-1].id)
    assert [entry for entry in journal if entry.step == "done"] == []


def test_a_plan_document_with_an_unknown_kind_is_refused(case):
    with pytest.raises(EngineError, match="damaged"):
        loads(dumps(case.plan))
