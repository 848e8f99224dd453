"""A run that stopped half-way: the next plan says that it is open, and accuses nobody.

Values count as applied once the write that made them true was recorded, and not before.
"""

from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from trueup.applying.lock import hold_lock
from trueup.applying.manual_settlement import close
from trueup.errors import RunLeftOpen, StateError
from trueup.model import document
from trueup.model.change import Reason, Unknown
from trueup.model.finding import Finding, Severity
from trueup.model.plan import Plan
from trueup.model.run import Run
from trueup.planning.systems import systems

from tests.support.crashing import killed
from tests.support.scene import Fault, Scene, actions, kept, settled, statuses
from tests.support.starting_points import disturbed


def reasons(made: Plan, change: str) -> dict[str, Reason]:
    """Why each field of a change differs."""
    found = next(one for one in made.changes if one.id == change)
    return {one.field: one.reason for one in found.fields}


def open_runs(made: Plan) -> list[Finding]:
    return [one for one in made.findings if one.code == "run-open"]


def stopped_at_the_company(kind: str = "used up") -> Scene:
    """The company is found and linked; the update that aligns it was never sent."""
    scene = disturbed(Fault(kind, "Companies", "update"), kept())
    scene.row("account")["name"] = "Alpine Dental AG"
    outcome = scene.apply(scene.plan(), who="ann")
    assert statuses(outcome)["customer:acc:link"] == "applied"
    assert statuses(outcome).get("customer:acc") != "applied"
    return scene


@pytest.mark.parametrize("kind", ["used up", "refused", "down"])
def test_what_was_never_written_was_not_edited_by_anybody(kind):
    scene = stopped_at_the_company(kind)
    assert reasons(scene.plan(), "customer:acc") == {
        "companyName": Reason.FIRST,
        "udf.Work 365 Id": Reason.FIRST,
    }


def test_what_agreed_already_counts_as_applied_with_the_link():
    scene = stopped_at_the_company()
    scene.target.only("Companies")["phone"] = "9"
    assert reasons(scene.plan(), "customer:acc")["phone"] is Reason.DRIFT


def test_an_update_that_failed_leaves_the_values_of_the_last_one_that_did_not():
    scene = settled()
    scene.row("account")["phone"] = "2"
    disturbed(Fault("refused", "Companies"), scene)
    assert statuses(scene.apply(scene.plan())) == {"customer:acc": "failed"}
    assert reasons(scene.plan(), "customer:acc") == {"phone": Reason.SOURCE}


def test_a_run_that_was_killed_after_its_links_is_no_sign_of_another_state():
    scene = kept()
    scene.row("account")["name"] = "Alpine Dental AG"
    made = scene.plan()
    assert killed(scene, lambda: scene.apply(made), nth=2, after=True)
    assert scene.state.links["customer", "acc"]
    found = reasons(scene.plan(), "customer:acc")
    assert {*found.values()} == {Reason.FIRST}


# A plan beside an open run


def test_a_plan_reports_an_open_run_and_how_to_settle_it():
    scene = stopped_at_the_company()
    scene.project = replace(scene.project, zone=ZoneInfo("Pacific/Auckland"))
    run = scene.state.runs()[-1]
    made = scene.plan()
    (finding,) = open_runs(made)
    assert finding.severity is Severity.WARNING
    assert finding.text.startswith(
        f"run {run.id}, begun 2026-11-15 22:00:00+13:00 by ann, is not finished: "
    )
    assert "`trueup apply --resume` finishes it" in finding.remedy
    assert f"`trueup state settle {run.id} closed --reason …`" in finding.remedy
    with pytest.raises(StateError, match=r"of 2026-11-15 22:00:00\+13:00 is not finished"):
        scene.apply(made)


@pytest.mark.parametrize("kind", ["used up", "lost"])
def test_a_plan_counts_the_changes_that_an_open_run_has_tried_as_its_outcome_does(kind):
    scene = disturbed(Fault(kind, "Companies", "update"), kept())
    scene.row("account")["name"] = "Alpine Dental AG"

    outcome = scene.apply(scene.plan())

    (finding,) = open_runs(scene.plan())
    assert 0 < outcome.remaining < 7
    assert f": {7 - outcome.remaining} of 7 changes were tried. " in finding.text


def test_once_the_run_is_finished_or_given_up_nothing_is_reported():
    resumed = stopped_at_the_company()
    assert resumed.resume().complete
    assert open_runs(resumed.plan()) == []

    given_up = stopped_at_the_company()
    lease = given_up.state.acquire("ann")
    run = given_up.state.runs()[-1].id
    close(given_up.state, lease, run, given_up.clock.now(), "planned anew")
    given_up.state.release(lease)
    made = given_up.plan()
    assert open_runs(made) == []
    assert ("update", "customer") in actions(made)
    assert given_up.apply(made).complete


def test_without_an_open_run_nothing_is_reported():
    assert open_runs(settled().plan()) == []
    assert open_runs(Scene().plan()) == []


def test_a_run_of_an_earlier_version_that_lacks_a_parent_is_resumed_and_holds_its_daughter():
    scene = Scene()
    made = scene.plan()
    changes = tuple(
        replace(one, values={**one.values, "parentCompanyID": Unknown("customer:b")})
        if one.id == "customer:acc"
        else one
        for one in made.changes
    )
    text = document.dumps(replace(made, changes=changes))
    with hold_lock(scene.world, "") as lock:
        digest, host = document.plan_id(text), lock.lease.host
        run = Run(
            "earlier", digest, text, "", host, scene.clock.now(), systems=systems(scene.world)
        )
        scene.state.begin(run, lock.lease)

    outcome = scene.resume()

    assert {one.change: one.text for one in outcome.changes if one.status == "held"} == {
        "customer:acc": "what creates the record that it refers to is not in this plan"
    }
    assert statuses(outcome)["service:pro"] == "applied"
    assert open_runs(scene.plan()) == []


def test_a_state_that_fails_in_the_middle_of_a_run_is_named_with_the_run_and_how_it_goes_on():
    scene = Scene()
    record, release, calls = scene.state.record, scene.state.release, []

    def full(*_: object) -> None:
        raise StateError("the state cannot be written")

    def recorded(*arguments):
        calls.append(arguments)
        if len(calls) > 2:
            scene.state.release = full
            full()
        record(*arguments)

    scene.state.record = recorded
    with pytest.raises(RunLeftOpen) as raised:
        scene.apply(scene.plan())

    run = scene.state.runs()[-1]
    assert str(raised.value) == (
        f"the state cannot be written. Run {run.id} is open, and what it may have sent is in "
        "doubt: once the state can be written, `trueup apply --resume` settles that and goes on"
    )
    scene.state.record, scene.state.release, scene.state.lease = record, release, None
    assert scene.resume().complete
    assert scene.picture() == settled().picture()
