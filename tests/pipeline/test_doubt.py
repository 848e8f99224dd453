"""A write that nobody answered for: settled by reading, never before it must have ended, never by a guess."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.applying.by_hand import Said, close, settle
from engine.errors import StateError
from engine.pipeline import resume
from tests.fakes import FakeTarget
from tests.pipeline.files import decisions
from tests.pipeline.scene import (
    LINE,
    Fault,
    Scene,
    actions,
    adjusts,
    codes,
    day,
    kept,
    line_of,
    log,
    settled,
    statuses,
)
from tests.pipeline.test_ledger import REPEATED, services, twins

CREATES = ["Companies", "Services", "Contracts", "ContractServices"]


def disturbed(fault: Fault, scene: Scene | None = None) -> Scene:
    scene = scene or Scene()
    scene.target.faults = [fault]
    return scene


def steps(scene: Scene, change: str) -> list[str]:
    return [str(entry.step) for entry in scene.state.journal(scene.state.runs()[-1].id) if entry.change == change]


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


def test_a_journal_says_how_a_change_was_settled():
    scene = disturbed(Fault("unheard", "ContractServiceAdjustments"))
    scene.apply(scene.plan())
    assert steps(scene, "license_change:first") == ["started", "in doubt", "done"]
    assert steps(scene, "license_change:second") == ["started", "answered", "done"]
    done = scene.state.journal(scene.state.runs()[-1].id)
    proofs = [entry.data["proof"] for entry in done if entry.change == "license_change:first" and entry.step == "done"]
    assert [row["units"] for row in proofs[0]] == [0, 10]


@pytest.mark.parametrize("entity", [*CREATES, "ContractServiceAdjustments"])
def test_a_write_that_was_lost_is_in_doubt_until_no_request_can_still_be_running(entity):
    scene = disturbed(Fault("lost", entity))
    outcome = scene.apply(scene.plan())
    doubtful = [one.change for one in outcome.changes if one.status == "in doubt"]
    assert len(doubtful) == 1
    assert not outcome.complete
    scene.wait(299)
    assert [one.change for one in scene.resume().changes if one.status == "in doubt"] == doubtful
    scene.wait(1)
    assert scene.resume().complete
    assert scene.picture() == settled().picture()
    assert actions(scene.plan()) == []


def test_an_update_that_was_lost_is_sent_again_after_that_time():
    scene = settled()
    scene.row("account")["phone"] = "2"
    disturbed(Fault("lost", "Companies"), scene)
    assert statuses(scene.apply(scene.plan())) == {"customer:acc": "in doubt"}
    scene.wait(300)
    assert scene.resume().complete
    assert scene.target.only("Companies")["phone"] == "2"
    assert steps(scene, "customer:acc") == ["started", "in doubt", "not landed", "started", "done"]


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
        assert (adjusts(made), line_of(made).class_) == ([], "held")


def _blind(scene):
    """Unit rows stay invisible: answered 200, and not there."""
    read = type(scene.target).read
    return lambda entity, where, fields: (
        [] if entity == "ContractServiceUnits" else read(scene.target, entity, where, fields)
    )


def test_while_a_correction_is_in_doubt_no_other_is_planned():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions("{mapping: subscription, key: sub, do: correct, reason: counted}"))
    disturbed(Fault("lost", "ContractServiceAdjustments"), scene)
    scene.apply(scene.plan())
    assert actions(scene.plan()) == []
    scene.wait(300)
    assert scene.resume().complete
    assert scene.units(day(11, 25)) == 15


def test_while_a_further_service_is_in_doubt_a_plan_holds_its_subscription():
    scene = twins(settled())
    scene.files(REPEATED)
    disturbed(Fault("lost", "ContractServiceAdjustments"), scene)
    scene.apply(scene.plan())
    assert codes(scene.plan()) >= {("twin", "in-doubt"), ("of twin", "in-doubt")}
    assert actions(scene.plan()) == []
    scene.wait(300)
    assert scene.resume().complete
    assert services(scene) == [5, 12]


def test_a_further_service_that_was_made_without_an_answer_is_found_by_who_was_not_there_before():
    scene = twins(settled())
    scene.files(REPEATED)
    disturbed(Fault("unheard", "ContractServiceAdjustments"), scene)
    assert scene.apply(scene.plan()).complete
    assert services(scene) == [5, 12]
    assert actions(scene.plan()) == []


def test_a_further_service_that_somebody_else_made_meanwhile_is_not_taken_for_ours():
    scene = twins(settled())
    scene.files(REPEATED)
    disturbed(Fault("lost", "ContractServiceAdjustments"), scene)
    made = scene.plan()
    contract, service = (scene.target.only("Contracts")["id"], scene.target.only("ContractServices")["serviceID"])
    scene.target.on_write = lambda *_: scene.target.records["ContractServices"].setdefault(
        9999, {"id": 9999, "contractID": contract, "serviceID": service}
    )
    outcome = scene.apply(made)
    assert statuses(outcome)["subscription:twin"] == "in doubt"
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


def test_somebody_elses_adjustment_of_the_same_day_is_for_a_person_to_tell():
    scene = disturbed(Fault("lost", "ContractServiceAdjustments"))
    made = scene.plan()
    scene.target.on_write = lambda _verb, entity, values: (
        entity == "ContractServiceAdjustments" and not scene.target.adjusted
        and scene.target.by_hand_soon(values["contractServiceID"])
    )  # fmt: skip
    scene.target.by_hand_soon = lambda service: scene.target.records["ContractServiceUnits"].update(
        {1: _row(1, service, day(1, 1), day(10, 4), 0), 2: _row(2, service, day(10, 5), day(12, 31, 2028), 3)}
    )
    outcome = scene.apply(made)
    (unclear,) = [one for one in outcome.changes if one.status == "in doubt"]
    assert unclear.text == "reading cannot tell whether it took effect: somebody else wrote there as well"
    assert "trueup state settle license_change:first landed|absent" in unclear.remedy
    scene.wait(1000)
    assert statuses(scene.resume())["license_change:first"] == "in doubt"
    assert steps(scene, "license_change:first").count("unclear") == 1


def _row(id_, service, start, end, units):
    return {"id": id_, "contractServiceID": service, "contractID": 0, "startDate": start, "endDate": end,
            "units": units, "approveAndPostDate": None}  # fmt: skip


def test_a_create_found_twice_by_its_identity_is_for_a_person_to_tell():
    scene = disturbed(Fault("unheard", "Contracts"))
    made = scene.plan()
    scene.target.on_write = lambda _verb, entity, _values: (
        entity == "Contracts"
        and scene.target.records[entity].update({9999: {"id": 9999, "contractNumber": "BC-1", "contractName": "x"}})
    )
    outcome = scene.apply(made)
    (unclear,) = [one for one in outcome.changes if one.status == "in doubt"]
    assert (unclear.change, "reading cannot tell" in unclear.text) == ("contract:con", True)


# By hand


def held_open(kind="lost", entity="ContractServiceAdjustments") -> tuple[Scene, str]:
    """A run with one change in doubt; its id."""
    scene = disturbed(Fault(kind, entity))
    outcome = scene.apply(scene.plan())
    return scene, next(one.change for one in outcome.changes if one.status == "in doubt")


def say(scene, change, *, landed, record=None):
    lease = scene.state.acquire("me")
    try:
        return settle(scene.project, scene.state, lease, Said(change, landed, record, "looked", scene.clock.now()))
    finally:
        scene.state.release(lease)


def test_a_person_says_that_it_did_not_land_and_the_run_goes_on():
    scene, change = held_open()
    assert say(scene, change, landed=False) == scene.state.runs()[-1].id
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_person_says_that_an_adjustment_landed_and_it_is_never_pushed_again():
    scene, change = held_open()
    scene.target.by_hand(scene.target.only("ContractServices")["id"], day(10, 5), 10)
    say(scene, change, landed=True)
    assert ("license_change", "first") in scene.state.pushed
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_person_says_which_record_a_create_gave():
    scene, change = held_open(entity="Contracts")
    with pytest.raises(StateError, match="--record ID"):
        say(scene, change, landed=True)
    made = scene.target._create("Contracts", {
        "contractName": "Alpine CSP", "companyID": scene.target.only("Companies")["id"], "startDate": day(1, 1),
        "endDate": day(12, 31, 2028), "contractNumber": "other", "contractType": 7,
    })  # fmt: skip
    say(scene, change, landed=True, record=made)
    assert scene.state.links["contract", "con"].record == made
    assert scene.resume().complete
    assert scene.units(day(12, 1)) == 12


def test_a_person_says_which_contract_service_a_further_one_is():
    scene = twins(settled())
    scene.files(REPEATED)
    disturbed(Fault("lost", "ContractServiceAdjustments"), scene)
    scene.apply(scene.plan())
    with pytest.raises(StateError, match="--record ID"):
        say(scene, "subscription:twin", landed=True)
    first = scene.target.only("ContractServices")
    scene.target._create("ContractServiceAdjustments", {
        "contractID": first["contractID"], "serviceID": first["serviceID"], "allowRepeatService": True,
        "effectiveDate": day(11, 2), "unitChange": 4,
    })  # fmt: skip
    record = max(scene.target.records["ContractServices"])
    say(scene, "subscription:twin", landed=True, record=record)
    assert scene.state.links["subscription", "twin"].record == record
    assert scene.resume().complete
    assert services(scene) == [5, 12]


def test_a_person_says_that_a_mark_landed_and_state_remembers_it():
    scene = Scene()
    scene.source.write = _in_doubt(scene.source.write)
    outcome = scene.apply(scene.plan())
    del scene.source.write
    assert statuses(outcome)["license_change:first:mark"] == "in doubt"
    say(scene, "license_change:first:mark", landed=True)
    assert scene.state.pushed["license_change", "first"].marked


def _in_doubt(write):
    from engine.ports import RowOutcome  # noqa: PLC0415

    return lambda _table, updates: [RowOutcome(one.key, "no answer", in_doubt=True) for one in updates]


def test_a_mark_in_doubt_is_settled_by_the_row():
    for landed in (True, False):
        scene = Scene()
        write = scene.source.write
        scene.source.write = lambda table, updates, write=write, landed=landed: (
            write(table, updates) if landed else None, _in_doubt(write)(table, updates))[1]  # fmt: skip
        scene.apply(scene.plan())
        del scene.source.write
        if not landed:
            scene.wait(300)
            assert scene.resume().complete
        assert scene.picture() == settled().picture()


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
    say(scene, change, landed=False)
    lease = scene.state.acquire("me")
    close(scene.state, lease, run, scene.clock.now(), "enough")
    scene.state.release(lease)
    assert scene.state.load().open_runs == []
    assert {str(entry.data.get("text")) for entry in scene.state.journal(run) if entry.step == "skipped"} == {
        "given up: enough"
    }
    assert adjusts(scene.sync()) == [(("first",), day(10, 5), 10), (("second",), day(11, 20), 2)]


def test_a_run_that_is_not_open_cannot_be_closed():
    scene = settled()
    with pytest.raises(StateError, match="is not open"):
        close(scene.state, scene.state.acquire("me"), "nothing", scene.clock.now(), "enough")


# Stopping


def test_calls_that_are_used_up_stop_the_run_and_resume_finishes_it():
    scene = disturbed(Fault("used up", "Contracts"))
    outcome = scene.apply(scene.plan())
    assert (outcome.complete, outcome.stopped) == (False, "all calls are used")
    assert outcome.remaining == 7
    assert scene.state.load().open_runs[0].status == "interrupted"
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_read_that_fails_stops_the_run_and_resume_finishes_it():
    from engine.errors import TargetUnavailable  # noqa: PLC0415

    scene = Scene()
    made = scene.plan()
    read = scene.target.read

    def broken(entity, where, fields):
        if entity == "Contracts":
            raise TargetUnavailable("Autotask is away")
        return read(entity, where, fields)

    scene.target.read = broken
    outcome = scene.apply(made)
    assert (outcome.stopped, outcome.remaining) == ("Autotask is away", 7)
    del scene.target.read
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_source_that_cannot_be_read_stops_the_run():
    from engine.errors import SourceError  # noqa: PLC0415

    scene = Scene()
    made = scene.plan()

    def away(_table, _columns):
        raise SourceError("the folder is gone")

    scene.source.read = away
    outcome = scene.apply(made)
    assert (outcome.stopped, scene.target.sent) == ("the folder is gone", [])
    del scene.source.read
    assert scene.resume().complete


def test_a_source_that_cannot_be_written_fails_the_marks_and_nothing_else():
    from engine.errors import SourceError  # noqa: PLC0415

    scene = Scene()
    made = scene.plan()

    def locked(_table, _updates):
        raise SourceError("the file is open elsewhere")

    scene.source.write = locked
    outcome = scene.apply(made)
    assert {one.change for one in outcome.changes if one.status == "failed"} == {
        "subscription:sub:mark", "license_change:first:mark", "license_change:second:mark",
    }  # fmt: skip
    del scene.source.write
    assert set(actions(scene.sync())) == {("write back", "subscription"), ("write back", "license_change")}
    assert scene.picture() == settled().picture()


@pytest.mark.parametrize("after", range(9))
def test_a_stop_hands_out_nothing_more_and_resume_finishes(after):
    from threading import Event  # noqa: PLC0415

    scene, stop = Scene(), Event()
    made = scene.plan()
    scene.target.on_write = lambda *_: len(scene.target.sent) >= after and stop.set()
    outcome = scene.apply(made, stop=stop)
    assert outcome.interrupted or after > 6
    assert scene.state.load().open_runs or outcome.remaining == 0
    assert {one.status for one in outcome.changes} <= {"applied"}
    scene.target.on_write = lambda *_: None
    if scene.state.load().open_runs:
        assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_stop_before_anything_was_sent_sends_nothing():
    from threading import Event  # noqa: PLC0415

    scene, stop = Scene(), Event()
    stop.set()
    outcome = scene.apply(scene.plan(), stop=stop)
    assert (outcome.interrupted, outcome.remaining, scene.target.sent) == (True, 10, [])
    assert resume(scene.project, scene.world).complete


def test_a_lock_that_is_lost_stops_the_run_before_the_next_write():
    from engine.errors import StateLocked  # noqa: PLC0415

    scene = Scene()
    made = scene.plan()
    scene.target.on_write = lambda *_: scene.state.acquire("somebody else", reason="in a hurry")
    with pytest.raises(StateLocked):
        scene.apply(made)
    assert len(scene.target.sent) <= 3
    scene.target.on_write = lambda *_: None
    scene.state.lease = None
    scene.wait(300)
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_lease_that_ran_out_is_renewed_before_the_next_write():
    scene = Scene()
    made = scene.plan()
    scene.target.on_write = lambda *_: setattr(scene.clock, "instant", scene.clock.instant + timedelta(seconds=61))
    assert scene.apply(made).complete


def test_progress_counts_to_the_end():
    from engine.model.document import dumps  # noqa: PLC0415
    from engine.pipeline import apply  # noqa: PLC0415

    scene, seen = Scene(), []
    made = scene.plan()
    apply(scene.project, scene.world, dumps(made), watch=lambda progress: seen.append((progress.done, progress.total)))
    assert seen[-1] == (10, 10)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_log_that_was_added_while_one_is_in_doubt_waits_too():
    scene, _ = held_open()
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
