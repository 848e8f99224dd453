"""What reading cannot settle, a person says; a mark in doubt is settled by its row."""

import pytest
from trueup.applying.manual_settlement import Settlement, close, settle
from trueup.errors import StateError
from trueup.model.change import Reason
from trueup.model.run import Link
from trueup.ports.source import RowOutcome

from tests.support.scene import Fault, Scene, actions, adjusts, day, log, settled, statuses
from tests.support.starting_points import REPEATED, disturbed, services, twins


def held_open(kind="lost", entity="ContractServiceAdjustments") -> tuple[Scene, str]:
    """A run with one change in doubt; its id."""
    scene = disturbed(Fault(kind, entity))
    outcome = scene.apply(scene.plan())
    return scene, next(one.change for one in outcome.changes if one.status == "in doubt")


def say(scene, change, *, landed, record=None):
    lease = scene.state.acquire("me")
    try:
        return settle(
            scene.project,
            scene.state,
            lease,
            Settlement(change, landed, record, "looked", scene.clock.now()),
        )
    finally:
        scene.state.release(lease)


def test_a_person_settles_a_change_as_absent_and_the_run_continues():
    scene, change = held_open()
    scene.wait(301)
    assert say(scene, change, landed=False) == scene.state.runs()[-1].id
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


@pytest.mark.parametrize("entity", ["Contracts", "ContractServiceAdjustments"])
def test_what_must_not_be_made_twice_is_not_called_absent_before_settle_after(entity):
    scene, change = held_open("lost", entity)
    with pytest.raises(StateError, match="and may still take effect until"):
        say(scene, change, landed=False)
    scene.wait(301)
    assert say(scene, change, landed=False)


def test_an_update_may_be_called_absent_at_once():
    scene = settled()
    scene.row("account")["phone"] = "22"
    disturbed(Fault("lost", "Companies", "update"), scene)
    scene.apply(scene.plan())
    say(scene, "customer:acc", landed=False)
    assert scene.resume().complete
    assert scene.target.only("Companies")["phone"] == "22"


def test_a_create_did_not_make_the_record_of_another_row():
    scene, change = held_open("lost", "Contracts")
    made = change.split(":")[0]
    scene.state.links[made, "other"] = Link(made, "other", "Contracts", 4711, "created")
    with pytest.raises(StateError, match=f"Contracts 4711 is the record of {made} other already"):
        say(scene, change, landed=True, record=4711)
    assert say(scene, change, landed=True, record=4712)


def test_a_person_settles_an_adjustment_as_landed_and_it_is_never_pushed_again():
    scene, change = held_open()
    scene.target.by_hand(scene.target.only("ContractServices")["id"], day(10, 5), 10)
    say(scene, change, landed=True)
    assert ("license_change", "first") in scene.state.pushed
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_person_names_the_record_of_a_create():
    scene, change = held_open(entity="Contracts")
    with pytest.raises(StateError, match="`record` is missing: give the id"):
        say(scene, change, landed=True)
    made = scene.target._create(
        "Contracts",
        {
            "contractName": "Alpine CSP",
            "companyID": scene.target.only("Companies")["id"],
            "startDate": day(1, 1),
            "endDate": day(12, 31, 2028),
            "contractNumber": "other",
            "contractType": 7,
        },
    )
    say(scene, change, landed=True, record=made)
    assert scene.state.links["contract", "con"].record == made
    assert scene.resume().complete
    assert scene.units(day(12, 1)) == 12


def test_values_of_a_record_that_a_person_named_are_compared_by_the_next_plan():
    """They were never read: a plan neither takes them for applied nor for an edit."""
    scene, change = held_open(entity="Contracts")
    made = scene.target._create(
        "Contracts",
        {
            "contractName": "Alpine",
            "companyID": scene.target.only("Companies")["id"],
            "startDate": day(1, 1),
            "endDate": day(12, 31, 2028),
            "contractNumber": "BC-1",
            "contractType": 7,
        },
    )
    say(scene, change, landed=True, record=made)
    assert scene.resume().complete
    (update,) = scene.plan().changes
    assert [(one.field, one.after, one.reason) for one in update.fields] == [
        ("contractName", "Alpine CSP", Reason.FIRST)
    ]


def test_a_person_names_the_contract_service_of_a_further_service():
    scene = twins(settled())
    scene.files(REPEATED)
    disturbed(Fault("lost", "ContractServiceAdjustments"), scene)
    scene.apply(scene.plan())
    with pytest.raises(StateError, match="`record` is missing: give the id"):
        say(scene, "subscription:twin", landed=True)
    first = scene.target.only("ContractServices")
    scene.target._create(
        "ContractServiceAdjustments",
        {
            "contractID": first["contractID"],
            "serviceID": first["serviceID"],
            "allowRepeatService": True,
            "effectiveDate": day(11, 2),
            "unitChange": 4,
        },
    )
    record = max(scene.target.records["ContractServices"])
    say(scene, "subscription:twin", landed=True, record=record)
    assert scene.state.links["subscription", "twin"].record == record
    assert scene.resume().complete
    assert services(scene) == [5, 12]


def test_a_person_settles_a_mark_as_landed_and_state_remembers_it():
    scene = Scene()
    scene.source.write = _in_doubt(scene.source.write)
    outcome = scene.apply(scene.plan())
    del scene.source.write
    assert statuses(outcome)["license_change:first:mark"] == "in doubt"
    say(scene, "license_change:first:mark", landed=True)
    assert scene.state.pushed["license_change", "first"].marked


def _in_doubt(write):
    return lambda _table, updates: [
        RowOutcome(one.key, "no answer", in_doubt=True) for one in updates
    ]


def test_a_mark_in_doubt_is_settled_by_the_row():
    for landed in (True, False):
        scene = Scene()
        write = scene.source.write

        def unheard(table, updates, write=write, landed=landed):
            if landed:
                write(table, updates)
            return _in_doubt(write)(table, updates)

        scene.source.write = unheard
        scene.apply(scene.plan())
        del scene.source.write
        if not landed:
            scene.wait(301)
            assert scene.resume().complete
        assert scene.picture() == settled().picture()


def test_a_write_that_lands_while_it_is_looked_for_is_not_sent_again():
    """The reading began before the time was over: what it did not see may have come since."""
    scene = disturbed(Fault("late", "ContractServiceAdjustments"))
    scene.apply(scene.plan())
    scene.wait(300.5)
    read = scene.target.read

    def slow(entity, where, fields):
        found = read(entity, where, fields)
        scene.target.land()
        scene.wait(1)
        return found

    scene.target.read = slow
    scene.resume()
    del scene.target.read
    assert scene.resume().complete
    assert len(scene.target.adjustments()) == len(scene.target.effects)
    assert scene.picture() == settled().picture()


@pytest.mark.parametrize("ended", [{"in_doubt": True}, {"untried": True}])
@pytest.mark.parametrize("landed", ["third", "fourth"])
def test_two_logs_of_which_one_was_marked_when_the_source_ended_are_both_marked_in_the_end(
    landed, ended
):
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), 3), log("fourth", day(11, 25), -3))
    write = scene.source.write

    def half(table, updates):
        return [
            write(table, [one])[0]
            if one.key == landed
            else RowOutcome(one.key, "no answer", **ended)
            for one in updates
        ]

    scene.source.write = half
    assert {one.status for one in scene.apply(scene.plan()).changes} == {"in doubt"}
    del scene.source.write
    assert scene.row("license_change", landed)["status"] == "Archived"
    scene.wait(301)
    assert scene.resume().complete
    assert {scene.row("license_change", key)["status"] for key in ("third", "fourth")} == {
        "Archived"
    }
    assert actions(scene.plan()) == []


def test_marks_that_were_not_tried_at_all_have_failed():
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), 3), log("fourth", day(11, 25), -3))
    scene.source.write = lambda _, updates: [
        RowOutcome(one.key, "no answer", untried=True) for one in updates
    ]
    assert {one.status for one in scene.apply(scene.plan()).changes} == {"failed"}
    del scene.source.write
    assert actions(scene.sync()) == [("write back", "license_change")]


def test_what_is_not_in_doubt_cannot_be_settled():
    scene, _ = held_open()
    with pytest.raises(StateError, match="no open run has a change service:pro in doubt"):
        say(scene, "service:pro", landed=True)


def test_a_run_with_a_change_in_doubt_cannot_be_closed():
    scene, change = held_open()
    run = scene.state.runs()[-1].id
    lease = scene.state.acquire("me")
    with pytest.raises(StateError, match="is in doubt: settle it first"):
        close(scene.state, lease, run, scene.clock.now(), "enough")
    scene.state.release(lease)
    scene.wait(301)
    say(scene, change, landed=False)
    lease = scene.state.acquire("me")
    close(scene.state, lease, run, scene.clock.now(), "enough")
    scene.state.release(lease)
    assert not scene.state.load().open_runs
    assert {
        str(entry.data.get("text")) for entry in scene.state.journal(run) if entry.step == "skipped"
    } == {"given up: enough"}
    assert adjusts(scene.sync()) == [(("first",), day(10, 5), 10), (("second",), day(11, 20), 2)]


def test_a_run_that_is_not_open_cannot_be_closed():
    scene = settled()
    with pytest.raises(StateError, match="is not open"):
        close(scene.state, scene.state.acquire("me"), "nothing", scene.clock.now(), "enough")
