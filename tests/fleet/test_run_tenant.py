"""What one run of one tenant does, by the tenant's policy and by what is open."""

import json
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from msgspec.structs import replace
from trueup import wiring
from trueup.errors import RunLeftOpen, StateLocked, TargetRejected, TargetUnavailable
from trueup.fleet import run_tenant
from trueup.fleet.event_log import EventLog
from trueup.fleet.run_tenant import AFTER_SETTLING, RunTask, TenantRun
from trueup.model.approval import ApprovalPolicy
from trueup.model.change import Action
from trueup.model.fleet import PolicyLimits, RunMode, RunPolicy, Window
from trueup.model.fleet_run import ApprovedPlan, FleetRunStatus, RunKind, Waits
from trueup.model.outcome import ChangeOutcome, ChangeStatus, Outcome
from trueup.operations import apply as applying
from trueup.operations import plan as planning
from trueup.operations.plan import plan
from trueup.state.process import HostProcesses, Process

from tests.scenarios.beginnings import Service
from tests.scenarios.world import World
from tests.support.fleet import tenant
from tests.support.in_process import sandboxes_kept

ROOMY = PolicyLimits(50, Decimal(1000), Decimal(1000))
PLAN = RunPolicy(RunMode.PLAN)
APPLY = RunPolicy(RunMode.APPLY, ROOMY)
APPROVED = RunPolicy(RunMode.APPLY_APPROVED)


@pytest.fixture(scope="module", autouse=True)
def _in_process():
    with sandboxes_kept():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three seats are to be billed more, from a day of this month on: £30 a month."""
    world = World(
        tmp_path_factory.mktemp("made") / "world", Service(seats=13, changes={"2026-11-10": 3})
    )
    world.plan()
    return world


@pytest.fixture
def world(made, tmp_path):
    copy = made.copy(tmp_path / "world")
    yield copy
    copy.close()


def run(world, policy, *, kind=RunKind.SCHEDULED, approved=None, stop=None, log=None, **more):
    one = tenant("acme", run=policy, **more)
    order = RunTask(kind, "worker", approved)
    return TenantRun(world.project, one, order, stop or Event(), log or EventLog()).run()


def billed(world):
    return world.units("sub", "2026-11-20")


def closed():
    """A window that is open on the day after tomorrow only."""
    day = (datetime.now(UTC) + timedelta(days=2)).weekday()
    return Window(time(1), time(6), frozenset({day}))


def test_what_became_of_each_change_is_reported_without_a_customers_name(world):
    lines = []

    run(world, APPLY, log=EventLog(as_json=True, about={"tenant": "acme"}, write=lines.append))

    events = [json.loads(line) for line in lines]
    assert {(one["event"], one["tenant"], one["status"]) for one in events} == {
        ("change", "acme", "applied")
    }
    assert "license_change:log-sub" in {one["change"] for one in events}
    assert len(events) == 7
    assert "Northgate" not in "".join(lines)


def test_a_tenant_that_only_plans_is_not_written_to(world):
    end = run(world, PLAN)

    assert (end.status, end.figures.changes, end.figures.more) == (FleetRunStatus.PLANNED, 7, 30)
    assert billed(world) == 10


def test_a_requested_plan_writes_nothing_whatever_the_policy(world):
    assert run(world, APPLY, kind=RunKind.PLAN).status is FleetRunStatus.PLANNED
    assert billed(world) == 10


def test_a_plan_within_the_limits_is_applied_and_the_next_one_is_empty(world):
    end = run(world, APPLY)

    assert (end.status, end.outcomes) == (FleetRunStatus.DONE, {"applied": 7})
    assert end.state_run
    assert billed(world) == 13
    again = run(world, APPLY)
    assert (again.status, again.figures.changes, again.outcomes) == (FleetRunStatus.DONE, 0, {})


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (replace(ROOMY, changes=1), "7 changes are over the limit of 1"),
        (replace(ROOMY, monthly_effect=Decimal(29)), "+30.00 a month is billed more"),
    ],
)
def test_a_plan_over_the_limits_waits(world, limits, text):
    end = run(world, RunPolicy(RunMode.APPLY, limits))

    assert (end.status, end.waits, end.plan.limits) == (FleetRunStatus.WAITING, Waits.LIMITS, ())
    assert text in end.text
    assert billed(world) == 10


def test_what_is_charged_once_counts_against_its_limit(world):
    made = plan(world.project)
    first, *others = made.changes
    once = replace(made, changes=(replace(first, one_off=Decimal("10.01")), *others))

    (found,) = run_tenant.exceeded(replace(ROOMY, one_off_effect=Decimal(10)), once)

    assert found.text.startswith("+10.01 once is billed more")
    assert run_tenant.exceeded(replace(ROOMY, one_off_effect=Decimal("10.01")), once) == []


def test_a_plan_over_a_limit_of_its_project_waits_and_names_it(world):
    world.edit("trueup.yaml", "adjustments: {count: 100", "adjustments: {count: 0")

    end = run(world, APPLY)

    assert (end.waits, end.plan.limits) == (Waits.LIMITS, ("adjustments:count",))


def test_a_plan_that_the_project_wants_approved_waits_for_that(world):
    world.project = replace(world.project, approval=ApprovalPolicy(Decimal(1)))

    end = run(world, APPLY)

    assert (end.status, end.waits) == (FleetRunStatus.WAITING, Waits.APPROVAL)
    assert billed(world) == 10


def test_every_plan_with_changes_waits_for_an_approval_and_exactly_it_is_applied(world):
    end = run(world, APPROVED)
    assert (end.status, end.waits) == (FleetRunStatus.WAITING, Waits.APPROVAL)
    assert billed(world) == 10

    yes = ApprovedPlan(end.plan.document, "ada", frozenset())
    applied = run(world, APPROVED, kind=RunKind.APPROVED, approved=yes)

    assert applied.status is FleetRunStatus.DONE
    assert billed(world) == 13
    assert run(world, APPROVED).status is FleetRunStatus.DONE  # nothing left, so nothing waits


def test_an_approved_plan_that_is_out_of_date_is_made_again_and_waits(world):
    old = run(world, APPROVED).plan
    world.edit("trueup.yaml", "changes_from: 2026-10-01", "changes_from: 2026-10-02")

    yes = ApprovedPlan(old.document, "ada", frozenset())
    end = run(world, APPROVED, kind=RunKind.APPROVED, approved=yes)

    assert (end.status, end.waits) == (FleetRunStatus.WAITING, Waits.APPROVAL)
    assert end.plan.digest != old.digest
    assert end.text.startswith("the approved plan was not applied: the configuration has changed")
    assert billed(world) == 10


def test_outside_its_window_a_tenant_is_planned_and_written_to_when_it_opens(world):
    end = run(world, APPLY, window=closed())

    assert (end.status, end.waits, end.figures.changes) == (FleetRunStatus.WAITING, Waits.WINDOW, 7)
    assert end.again.at == closed().opens_after(datetime.now(UTC), tenant("acme").zone)
    assert not end.again.is_retry
    assert billed(world) == 10


def test_outside_its_window_an_approved_plan_waits(world):
    yes = ApprovedPlan(run(world, APPROVED).plan.document, "ada", frozenset())

    assert run(world, APPROVED, approved=yes, window=closed()).waits is Waits.WINDOW
    assert billed(world) == 10


def test_an_interrupted_run_is_finished_before_anything_else(world):
    world.kill(world.plan(), 1, "after")

    end = run(world, APPLY)

    assert end.status is FleetRunStatus.DONE
    assert billed(world) == 13


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (APPLY, FleetRunStatus.DONE),
        (APPROVED, FleetRunStatus.DONE),
    ],
)
def test_what_was_finished_first_is_part_of_how_a_run_ended(world, policy, status):
    world.kill(world.plan(), 1, "after")
    with wiring.open_state(world.project) as state:
        open_run = state.load().open_runs[0].id

    end = run(world, policy)

    assert (end.status, sum(end.outcomes.values()), end.state_run) == (status, 7, open_run)
    assert end.calls > 0


def test_what_was_finished_first_is_reported_also_if_planning_fails(world, monkeypatch):
    def fail(*_arguments):
        raise TargetUnavailable("no answer")

    world.kill(world.plan(), 1, "after")
    monkeypatch.setattr(planning, "plan", fail)

    end = run(world, APPROVED)

    assert (end.status, end.text) == (FleetRunStatus.FAILED, "no answer")
    assert (sum(end.outcomes.values()), end.calls > 0) == (7, True)


@pytest.mark.parametrize(
    ("outcome", "status", "text"),
    [
        ({"interrupted": True}, FleetRunStatus.INTERRUPTED, "its worker was stopped"),
        ({"remaining": 1}, FleetRunStatus.PARTIAL, "1 change was not tried"),
        ({"remaining": 1200}, FleetRunStatus.PARTIAL, "1,200 changes were not tried"),
    ],
)
def test_a_run_that_did_not_reach_its_end_reports_what_it_did(
    world, monkeypatch, outcome, status, text
):
    applied = ChangeOutcome("c1", "Premium", ChangeStatus.APPLIED, "service", Action.UPDATE)
    made = Outcome("r1", (applied,), calls=9, **outcome)
    monkeypatch.setattr(applying, "plan_and_apply", lambda *_: made)

    end = run(world, APPLY)

    assert (end.status, end.text, end.again is not None) == (status, text, True)
    assert (end.state_run, end.outcomes, end.calls) == ("r1", {"applied": 1}, 9)


def test_what_is_in_doubt_is_settled_when_its_time_has_come(world):
    world.kill(world.plan(), 1, "before")

    end = run(world, APPLY)

    assert (end.status, end.doubt.changes) == (FleetRunStatus.IN_DOUBT, 1)
    assert end.doubt.since < end.doubt.until == end.again.at - AFTER_SETTLING
    assert not end.again.is_retry
    assert billed(world) == 10


def test_changes_in_doubt_are_reported_of_a_tenant_that_only_plans(world):
    world.kill(world.plan(), 1, "before")

    end = run(world, PLAN)

    assert (end.status, end.doubt.changes, end.doubt.until) == (FleetRunStatus.PLANNED, 1, None)


def test_a_stopped_run_sends_nothing_and_is_continued(world):
    stop = Event()
    stop.set()

    end = run(world, APPLY, stop=stop)

    assert (end.status, end.again.is_retry) == (FleetRunStatus.INTERRUPTED, False)
    assert billed(world) == 10


def test_a_state_that_another_host_holds_is_waited_for_and_that_is_no_failure(world):
    there = Process("elsewhere", 1)
    state: Any
    with wiring.open_state(world.project) as state:
        state._processes = Fixed(there)
        lease = state.acquire("a host that died")

    end = run(world, APPLY)

    assert (end.status, end.again.is_retry) == (FleetRunStatus.INTERRUPTED, False)
    assert end.again.at == lease.expires + AFTER_SETTLING
    assert "a host that died" in end.text


@pytest.mark.parametrize("is_left", [False, True], ids=["before the run", "in the middle of it"])
def test_a_state_whose_lock_is_lost_is_looked_at_again_soon(world, monkeypatch, is_left):
    def lost(*_arguments):
        locked = StateLocked("it was taken over")
        if is_left:
            raise RunLeftOpen("run 7 was left") from locked
        raise locked

    monkeypatch.setattr(applying, "plan_and_apply", lost)

    end = run(world, APPLY)

    assert (end.status, end.again.is_retry) == (FleetRunStatus.INTERRUPTED, False)
    assert end.text == ("run 7 was left" if is_left else "it was taken over")
    assert end.again.at > datetime.now(UTC)


class Fixed(HostProcesses):
    """Processes of a host that is another one."""

    def __init__(self, process):
        self._process = process

    def mine(self):
        return self._process


@pytest.mark.parametrize(
    ("error", "is_retried"),
    [(TargetUnavailable("no answer"), True), (TargetRejected("401 Unauthorized"), False)],
)
def test_what_may_pass_is_tried_again_and_what_a_person_must_correct_is_not(
    world, monkeypatch, error, is_retried
):
    def fail(*_arguments):
        raise error

    monkeypatch.setattr(planning, "plan", fail)
    end = run(world, PLAN)

    assert (end.status, end.text) == (FleetRunStatus.FAILED, str(error))
    assert (end.again is not None) is is_retried


def test_a_plan_as_before_has_the_digest_as_before(world):
    assert run(world, APPROVED).plan.digest == run(world, APPROVED).plan.digest
    assert plan(world.project).changes
