"""A write without an answer is settled by reading, never by a guess.

Nor is it settled before the request must have ended.
"""

from collections.abc import Mapping
from datetime import UTC, timedelta
from decimal import Decimal
from threading import Event
from time import sleep
from typing import Any

import pytest
from trueup.applying.doubt_reading import read_doubts
from trueup.applying.run_state import RunState
from trueup.model.outcome import ChangeStatus
from trueup.model.run import Entry, Step

from tests.support.crashing import killed
from tests.support.fakes import ADJUSTMENTS, UNITS, FakeTarget
from tests.support.scene import (
    LINE,
    Fault,
    Scene,
    account,
    actions,
    adjusts,
    codes,
    correct,
    day,
    kept,
    line_of,
    log,
    settled,
    statuses,
)
from tests.support.small_project import decisions, settings
from tests.support.starting_points import REPEATED, disturbed, services, steps, twins

CREATES = ["Companies", "Services", "Contracts", "ContractServices"]


@pytest.mark.parametrize("entity", [*CREATES, "ContractServiceAdjustments"])
def test_a_write_that_landed_without_an_answer_is_settled_at_once(entity):
    scene = disturbed(Fault("unheard", entity))
    assert scene.apply(scene.plan()).complete
    assert scene.picture() == settled().picture()
    assert actions(scene.plan()) == []


def test_an_update_that_landed_without_an_answer_is_settled_at_once():
    scene = settled()
    scene.row("account")["phone"] = "2"
    disturbed(Fault("unheard", "Companies"), scene)
    made = scene.plan()
    assert scene.apply(made).complete
    assert steps(scene, "customer:acc") == ["started", "in doubt", "done"]
    assert actions(scene.plan()) == []


def test_a_journal_has_how_a_change_was_settled():
    scene = disturbed(Fault("unheard", "ContractServiceAdjustments"))
    scene.apply(scene.plan())
    assert steps(scene, "license_change:first") == ["started", "in doubt", "done"]
    assert steps(scene, "license_change:second") == ["started", "answered", "done"]
    done = scene.state.journal(scene.state.runs()[-1].id)
    proofs: list[Any] = [
        entry.data["proof"]
        for entry in done
        if entry.change == "license_change:first" and entry.step == "done"
    ]
    assert [row["units"] for row in proofs[0]] == [0, 10]


@pytest.mark.parametrize("entity", [*CREATES, "ContractServiceAdjustments"])
def test_a_write_that_was_lost_is_in_doubt_until_no_request_can_still_be_running(entity):
    scene = disturbed(Fault("lost", entity))
    outcome = scene.apply(scene.plan())
    doubtful = [one.change for one in outcome.changes if one.status == "in doubt"]
    assert len(doubtful) == 1
    assert not outcome.complete
    scene.wait(300)
    assert [one.change for one in scene.resume().changes if one.status == "in doubt"] == doubtful
    scene.wait(1)
    assert scene.resume().complete
    assert scene.picture() == settled().picture()
    assert actions(scene.plan()) == []


def test_a_change_in_doubt_has_what_is_known_of_it_and_when_reading_can_settle_it():
    scene = disturbed(Fault("lost", "Contracts"))
    sent = scene.clock.instant
    (doubt,) = [one for one in scene.apply(scene.plan()).changes if one.status == "in doubt"]
    assert (doubt.name, doubt.text, doubt.remedy) == ("Alpine CSP", "no answer", "")
    assert (doubt.sent, doubt.until) == (sent, sent + timedelta(seconds=300))
    assert doubt.sent.tzinfo == scene.project.zone
    scene.wait(100)
    assert next(one for one in scene.resume().changes if one.status == "in doubt") == doubt


def test_an_adjustment_that_was_taken_and_shows_no_effect_is_reported():
    scene = Scene()
    made = scene.plan()
    scene.target.on_write = lambda _verb, entity, _values: scene.target.hidden.update(
        (UNITS, id_) for id_ in range(1000, 1100) if entity == ADJUSTMENTS
    )
    (doubt,) = [one for one in scene.apply(made).changes if one.status == "in doubt"]
    assert doubt.text == "Autotask accepted it, and its effect is not visible yet"
    assert doubt.until - doubt.sent == timedelta(seconds=300)


def test_changes_in_flight_of_a_killed_run_have_a_note_that_the_run_ended():
    scene = Scene()
    made = scene.plan()
    book = RunState(made, [Entry("customer:acc", Step.STARTED, scene.clock.now())])
    (doubt,) = book.outcomes(timedelta(seconds=5), UTC)
    assert doubt.text == "it was sent, and the run ended before an answer came"


def test_a_change_that_only_a_person_can_settle_has_no_time():
    scene = disturbed(Fault("lost", "ContractServiceAdjustments"))
    scene.apply(scene.plan())
    scene.target.by_hand(scene.target.only("ContractServices")["id"], day(10, 5), 7)
    (doubt,) = [one for one in scene.resume().changes if one.status == "in doubt"]
    assert "another user wrote there" in doubt.text
    assert "trueup state settle" in doubt.remedy
    assert (doubt.sent is not None, doubt.until) == (True, None)


def test_an_update_that_was_lost_is_sent_again_after_that_time():
    scene = settled()
    scene.row("account")["phone"] = "2"
    disturbed(Fault("lost", "Companies"), scene)
    assert statuses(scene.apply(scene.plan())) == {"customer:acc": "in doubt"}
    scene.wait(301)
    assert scene.resume().complete
    assert scene.target.only("Companies")["phone"] == "2"
    assert steps(scene, "customer:acc") == ["started", "in doubt", "not landed", "started", "done"]


@pytest.mark.parametrize("entity", [*CREATES, "ContractServiceAdjustments"])
def test_the_time_that_a_change_waited_before_it_was_sent_does_not_count(entity):
    scene = disturbed(Fault("late", entity))
    create = scene.target.create

    def queued(name, values):
        scene.wait(400 if name == entity and not scene.target.late else 0)
        return create(name, values)

    made, scene.target.create = scene.plan(), queued
    outcome = scene.apply(made)
    assert [one.status for one in outcome.changes].count(ChangeStatus.IN_DOUBT) == 1
    scene.wait(290)
    assert not scene.resume().complete
    scene.target.land()
    scene.wait(20)
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_write_that_lands_late_is_not_sent_again():
    scene = disturbed(Fault("lost", "ContractServiceAdjustments"))
    scene.apply(scene.plan())
    scene.wait(200)
    scene.target.by_hand(scene.target.only("ContractServices")["id"], day(10, 5), 10)
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_while_a_create_is_in_doubt_a_plan_holds_it_and_what_refers_to_it():
    scene = disturbed(Fault("lost", "Contracts"))
    scene.apply(scene.plan())
    made = scene.plan()
    assert ("con", "in-doubt") in codes(made)
    assert {key for key, _ in codes(made)} == {"con", "sub", "first", "second"}
    assert actions(made) == []


def test_while_an_adjustment_is_in_doubt_a_plan_holds_it_and_the_later_ones():
    for kind in ("lost", "unheard"):
        scene = disturbed(Fault(kind, "ContractServiceAdjustments"))
        if kind == "unheard":
            scene.target.read = _blind(scene)
        scene.apply(scene.plan())
        made = scene.plan()
        assert codes(made) == {("first", "in-doubt"), ("second", "waits-its-turn")}
        line = line_of(made)
        assert (adjusts(made), line.class_) == ([], "under-billed")
        assert (line.units, line.held_units, line.unexplained) == (0, 12, 0)


def _blind(scene):
    """Unit rows stay invisible: answered 200, and not there."""
    read = type(scene.target).read
    return lambda entity, where, fields: (
        [] if entity == "ContractServiceUnits" else read(scene.target, entity, where, fields)
    )


def test_while_a_correction_is_in_doubt_no_other_is_planned():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions(correct(scene.plan())))
    disturbed(Fault("lost", "ContractServiceAdjustments"), scene)
    scene.apply(scene.plan())
    assert actions(scene.plan()) == []
    scene.wait(301)
    assert scene.resume().complete
    assert scene.units(day(11, 25)) == 15


def test_while_a_further_service_is_in_doubt_a_plan_holds_its_subscription():
    scene = twins(settled())
    scene.files(REPEATED)
    disturbed(Fault("lost", "ContractServiceAdjustments"), scene)
    scene.apply(scene.plan())
    assert codes(scene.plan()) >= {("twin", "in-doubt"), ("of twin", "in-doubt")}
    assert actions(scene.plan()) == []
    scene.wait(301)
    assert scene.resume().complete
    assert services(scene) == [5, 12]


def test_a_further_service_that_was_made_without_an_answer_is_found_by_who_was_not_there_before():
    scene = twins(settled())
    scene.files(REPEATED)
    disturbed(Fault("unheard", "ContractServiceAdjustments"), scene)
    assert scene.apply(scene.plan()).complete
    assert services(scene) == [5, 12]
    assert actions(scene.plan()) == []


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("lost", "ContractServices 9999 is new, and has other units than were sent"),
        ("unheard", "2 ContractServices like it are new: 1008, 9999"),
    ],
)
def test_a_further_service_that_another_user_made_meanwhile_is_not_taken_for_ours(fault, why):
    scene = twins(settled())
    scene.files(REPEATED)
    disturbed(Fault(fault, "ContractServiceAdjustments"), scene)
    made = scene.plan()
    contract, service = (
        scene.target.only("Contracts")["id"],
        scene.target.only("ContractServices")["serviceID"],
    )
    scene.target.on_write = lambda *_: scene.target.records["ContractServices"].setdefault(
        9999, {"id": 9999, "contractID": contract, "serviceID": service}
    )
    outcome = scene.apply(made)
    assert {one.change: one.text for one in outcome.changes if one.status == "in doubt"} == {
        "subscription:twin": f"reading cannot show whether it took effect: {why}"
    }
    assert ("subscription", "twin") not in scene.state.links


def test_what_is_answered_and_not_visible_is_in_doubt():
    scene = Scene()
    made = scene.plan()
    scene.target.read = _blind(scene)
    outcome = scene.apply(made)
    assert steps(scene, "license_change:first") == ["started", "answered"]
    assert statuses(outcome)["license_change:first"] == "in doubt"
    assert scene.row("license_change", "first")["status"] == "Active"
    del scene.target.read
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_create_that_is_answered_without_an_id_is_found_by_its_identity():
    scene = Scene()
    create = scene.target.create
    scene.target.create = lambda entity, values: (create(entity, values), None)[1]
    assert scene.apply(scene.plan()).complete
    del scene.target.create
    assert scene.picture() == settled().picture()


def test_somebody_elses_adjustment_of_the_same_day_is_for_a_person_to_settle():
    scene = disturbed(Fault("lost", "ContractServiceAdjustments"))
    made = scene.plan()

    def adjusted_by_another(_verb: str, entity: str, values: Mapping[str, Any]) -> None:
        if entity == "ContractServiceAdjustments" and not scene.target.adjusted:
            service = values["contractServiceID"]
            scene.target.records["ContractServiceUnits"] |= {
                1: _row(1, service, day(1, 1), day(10, 4), 0),
                2: _row(2, service, day(10, 5), day(12, 31, 2028), 3),
            }

    scene.target.on_write = adjusted_by_another
    outcome = scene.apply(made)
    (unclear,) = [one for one in outcome.changes if one.status == "in doubt"]
    assert (
        unclear.text
        == "reading cannot show whether it took effect: another user wrote there as well"
    )
    assert "trueup state settle license_change:first landed|absent" in unclear.remedy
    scene.wait(1000)
    assert statuses(scene.resume())["license_change:first"] == "in doubt"
    assert steps(scene, "license_change:first").count("unclear") == 1


def _row(id_, service, start, end, units):
    return {
        "id": id_,
        "contractServiceID": service,
        "contractID": 0,
        "startDate": start,
        "endDate": end,
        "units": units,
        "approveAndPostDate": None,
    }


def test_a_create_found_twice_by_its_identity_is_for_a_person_to_settle():
    scene = disturbed(Fault("unheard", "Contracts"))
    made = scene.plan()
    scene.target.on_write = lambda _verb, entity, _values: (
        entity == "Contracts"
        and scene.target.records[entity].update(
            {9999: {"id": 9999, "contractNumber": "BC-1", "contractName": "x"}}
        )
    )
    outcome = scene.apply(made)
    (unclear,) = [one for one in outcome.changes if one.status == "in doubt"]
    assert (unclear.change, unclear.text) == (
        "contract:con",
        "reading cannot show whether it took effect: 2 Contracts carry its identity: 1003, 9999",
    )
    [doubt] = read_doubts(scene.project, scene.world)
    assert doubt.unclear == unclear.text
    (remedy,) = [one.remedy for one in scene.plan().findings if one.code == "run-open"]
    assert remedy == (
        "reading could not settle what is in doubt (contract:con): look at it with "
        "`trueup state doubt`, then `trueup state settle contract:con landed|absent --reason …`; "
        "then `trueup apply --resume` finishes it, or "
        f"`trueup state settle {outcome.run} closed --reason …` gives up the rest of it"
    )


def test_an_update_of_a_record_that_is_gone_is_for_a_person_to_settle():
    scene = settled()
    scene.row("account")["phone"] = "2"
    disturbed(Fault("lost", "Companies"), scene)
    made, company = scene.plan(), scene.target.only("Companies")["id"]
    scene.target.on_write = lambda *_: scene.target.hidden.add(("Companies", company))

    outcome = scene.apply(made)

    (unclear,) = [one for one in outcome.changes if one.status == "in doubt"]
    assert unclear.text == (
        "reading cannot show whether it took effect: "
        f"Autotask no longer returns Companies {company}"
    )


def test_a_log_that_was_added_while_one_is_in_doubt_waits_too():
    scene = disturbed(Fault("lost", "ContractServiceAdjustments"))
    scene.apply(scene.plan())
    scene.add("license_change", log("third", day(11, 25), 1))
    scene.row("subscription")["quantity"] = Decimal(13)
    assert codes(scene.plan()) == {
        ("first", "in-doubt"), ("second", "waits-its-turn"), ("third", "waits-its-turn"),
    }  # fmt: skip


def test_units_by_hand_on_another_day_do_not_confuse_what_is_in_doubt():
    scene = kept()
    scene.target.by_hand(LINE, day(1, 1), 1)
    scene.row("subscription")["quantity"] = Decimal(13)
    disturbed(Fault("unheard", "ContractServiceAdjustments"), scene)
    made = scene.plan()
    scene.target.on_write = lambda _verb, entity, _values: (
        entity == "ContractServiceAdjustments"
        and (LINE, day(10, 20)) not in scene.target.adjusted
        and (scene.target.adjusted.add((LINE, day(10, 20))), FakeTarget._adjust(scene.target, {
            "contractServiceID": LINE, "effectiveDate": day(10, 20), "unitChange": -10,
        }))
    )  # fmt: skip
    outcome = scene.apply(made)
    assert statuses(outcome)["license_change:first"] == "applied"
    assert statuses(outcome)["license_change:second"] == "held"


def test_while_a_correction_is_in_doubt_new_changes_of_its_service_wait():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions(correct(scene.plan())))
    disturbed(Fault("lost", "ContractServiceAdjustments"), scene)
    scene.apply(scene.plan())
    scene.add("license_change", log("third", day(11, 25), 1))
    made = scene.plan()
    assert (codes(made), actions(made)) == ({("third", "in-doubt")}, [])


def test_a_run_that_was_killed_before_it_sent_anything_leaves_nothing_in_doubt():
    scene = Scene()
    made = scene.plan()
    assert killed(scene, lambda: scene.apply(made), nth=1, after=True)
    assert scene.state.load().open_runs
    assert codes(scene.plan()) == set()


def test_a_change_in_flight_is_not_settled_although_the_batch_before_it_has_ended():
    """It would be found without a trace, and be tried a second time."""
    scene = settled()
    for number in range(1, 4):
        scene.add("account", account(f"b{number}", name=f"Brook {number}", number=f"B-{number}"))
    scene.sync()
    scene.files({"trueup.yaml": settings()["trueup.yaml"].replace("batch: 50", "batch: 2")})
    for row in scene.source.tables["account"].values():
        row["phone"] = "22"
    made = scene.plan()
    first, *_, last = (change.record for change in made.changes)
    patch, record = scene.target.patch, scene.state.record
    is_last_sent, is_first_done = Event(), Event()

    def update(entity, number, values):
        if number == first:
            assert is_last_sent.wait(30), "the second batch waits for the first one"
            scene.wait(400)
        if number == last:
            is_last_sent.set()
            assert is_first_done.wait(30)
            sleep(0.2)  # for the second batch, which must not be settled meanwhile
        patch(entity, number, values)

    def recorded(lease, run, entries, *effects):
        record(lease, run, entries, *effects)
        if any(one.change == made.changes[0].id and one.step is Step.DONE for one in entries):
            is_first_done.set()

    scene.target.patch, scene.state.record = update, recorded

    assert scene.apply(made).complete
    assert steps(scene, made.changes[-1].id) == ["started", "done"]
