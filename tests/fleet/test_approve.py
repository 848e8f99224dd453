"""Saying yes or no to the plan of a tenant that waits."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from trueup.errors import EngineError
from trueup.fleet.approve import answer, plan_for_approval
from trueup.fleet.records import end_run
from trueup.fleet.schedule import request_runs, sync
from trueup.fleet.status import fleet_status
from trueup.fleet.stored_plans import read_approved_plan, read_stored_plan
from trueup.model import document
from trueup.model.approval import Statement
from trueup.model.fleet_run import FleetRunStatus, RunEnd, RunKind, WaitingPlan, Waits
from trueup.model.plan import GuardExceeded

from tests.scenarios.beginnings import Service, edit
from tests.scenarios.world import World
from tests.support.fleet import opened, rows, tenant
from tests.support.in_process import sandboxes_kept

APPROVAL = """
approval:
  above: 10
  second_above: 20
  roles: {decide: [ada], approve: [ada, ben]}
"""

EXCEEDED = (
    GuardExceeded("creates", "creates:Contacts", "60 new records are over the limit of 50"),
    GuardExceeded("calls", "calls", "applying costs 1,200 API calls, over the limit of 1,000"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a plan of £30 a month that exceeds two limits, and its document."""
    with sandboxes_kept():
        world = World(
            tmp_path_factory.mktemp("made") / "base", Service(seats=13, changes={"2026-11-10": 3})
        )
        text = document.dumps(replace(world.plan(), exceeded=EXCEEDED))
        world.close()
    file = world.folder / "trueup.yaml"
    edit(file, "state:\n  connector: sqlite\n  path: state.sqlite\n", "")
    return world.folder, text


@pytest.fixture
def acme(connection, url, made, tmp_path):
    """Acme, whose plan waits."""
    folder, text = made
    one = opened(url, [tenant("acme", project_folder=folder, folder=tmp_path / "acme")])
    sync(connection, one.fleet, one.digest)
    request_runs(connection, one.queue, ["acme"], RunKind.REQUESTED)
    [(run,)] = rows(connection, "SELECT run FROM trueup_fleet.tenants")
    plan = WaitingPlan(text, document.plan_id(text), tuple(one.limit for one in EXCEEDED))
    end = RunEnd(FleetRunStatus.WAITING, waits=Waits.LIMITS, plan=plan)
    assert end_run(connection, run, "", end)
    return one


def say(connection, one, statement, who="ada", over=("creates", "calls"), reason=""):
    waiting = plan_for_approval(one, connection, "acme")
    return answer(one, connection, waiting, who, statement, reason, over)


def test_a_yes_queues_exactly_this_plan(connection, acme):
    assert say(connection, acme, Statement.YES).is_queued

    approved = read_approved_plan(connection, "acme")
    assert (approved.who, approved.over) == ("ada", {"creates", "calls"})
    assert approved.document == read_stored_plan(connection, "acme").document
    [status] = fleet_status(connection).tenants
    assert status.current.kind is RunKind.APPROVED
    assert (status.waits, status.waits_since) == (Waits.NOTHING, None)


def test_each_limit_that_the_plan_is_over_must_be_named(connection, acme):
    with pytest.raises(EngineError, match="--over calls` allows it"):
        say(connection, acme, Statement.YES, over=["creates:Contacts"])

    assert read_approved_plan(connection, "acme") is None
    assert fleet_status(connection).tenants[0].current is None


def test_a_no_refuses_the_plan_until_it_comes_out_otherwise(connection, acme):
    assert not say(connection, acme, Statement.NO, reason="ask them first").is_queued

    [status] = fleet_status(connection).tenants
    assert (status.waits, status.current) == (Waits.REFUSED, None)
    assert read_stored_plan(connection, "acme").who == "ada"


def test_a_reason_that_the_database_cannot_keep_is_kept_without_it(connection, acme):
    say(connection, acme, Statement.NO, reason="ask\0 them\ud800")

    query = "SELECT reason FROM trueup_fleet.plans"
    assert rows(connection, query) == [("ask\N{REPLACEMENT CHARACTER} them?",)]


def test_a_refused_plan_can_be_approved_after_all(connection, acme):
    say(connection, acme, Statement.NO, reason="ask them first")

    assert say(connection, acme, Statement.YES).is_queued

    assert fleet_status(connection).tenants[0].waits is Waits.NOTHING
    assert read_approved_plan(connection, "acme").who == "ada"


def test_an_answer_hides_no_doubt_that_needs_a_person(connection, acme):
    connection.execute("UPDATE trueup_fleet.tenants SET waits = %s", [Waits.PERSON])

    say(connection, acme, Statement.YES)

    assert fleet_status(connection).tenants[0].waits is Waits.PERSON


def test_a_plan_that_was_made_again_meanwhile_is_not_approved(connection, acme):
    waiting = plan_for_approval(acme, connection, "acme")
    connection.execute("UPDATE trueup_fleet.plans SET digest = 'another'")

    with pytest.raises(EngineError, match="planned again meanwhile"):
        answer(acme, connection, waiting, "ada", Statement.YES, over=["creates", "calls"])


def test_a_tenant_without_a_plan_and_an_unknown_tenant_are_refused(connection, acme):
    connection.execute("DELETE FROM trueup_fleet.plans")

    with pytest.raises(EngineError, match="no plan of acme waits"):
        plan_for_approval(acme, connection, "acme")
    with pytest.raises(EngineError, match="no tenant 'nobody'"):
        plan_for_approval(acme, connection, "nobody")


def test_the_people_and_amounts_of_the_project_count_as_well(connection, acme):
    file = Path(acme.fleet.tenants["acme"].project_folder) / "trueup.yaml"
    before = file.read_text()
    file.write_text(before + APPROVAL)
    try:
        with pytest.raises(EngineError, match="zoe may not approve"):
            say(connection, acme, Statement.YES, who="zoe")
        first = say(connection, acme, Statement.YES, who="ada")
        second = say(connection, acme, Statement.YES, who="ben")
    finally:
        file.write_text(before)

    assert (first.is_queued, second.is_queued) == (False, True)
    assert first.text.startswith("it is not applied yet: ")
