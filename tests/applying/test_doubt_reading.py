"""What is known of a change in doubt: read as a run that is resumed reads it, never recorded."""

import pytest
from trueup.applying.doubt_reading import read_doubts, recorded_doubts
from trueup.applying.manual_settlement import Settlement, prepare
from trueup.errors import StalePlan
from trueup.model.doubt import Trace

from tests.support.scene import Fault, day
from tests.support.starting_points import disturbed


def in_doubt(kind, entity="ContractServiceAdjustments"):
    scene = disturbed(Fault(kind, entity))
    scene.apply(scene.plan())
    return scene


@pytest.mark.parametrize(
    ("kind", "trace"),
    [("lost", Trace.ABSENT), ("late", Trace.ABSENT), ("lost, and another's", Trace.UNCLEAR)],
)
def test_reading_finds_what_is_known_of_a_write_and_records_nothing(kind, trace):
    scene = in_doubt(kind.partition(",")[0])
    before = scene.state.journal(scene.state.runs()[-1].id)
    if "another" in kind:
        scene.target.by_hand(scene.target.only("ContractServices")["id"], day(10, 5), 7)

    [doubt] = read_doubts(scene.project, scene.world)

    assert doubt.trace is trace
    assert doubt.until - doubt.sent == scene.project.settle_after
    assert scene.state.journal(scene.state.runs()[-1].id) == before


def test_a_write_that_landed_is_found_with_its_proof():
    scene = in_doubt("late")
    scene.target.land()

    [doubt] = read_doubts(scene.project, scene.world)

    assert doubt.trace is Trace.LANDED
    assert doubt.found["proof"]
    assert len(scene.state.in_doubt()) == 1


def test_the_journal_alone_shows_what_was_sent_and_since_when():
    scene = in_doubt("lost", "Contracts")

    [doubt] = recorded_doubts(scene.project, scene.state)

    assert (doubt.trace, doubt.creates, doubt.text) == (None, "Contracts", "no answer")
    assert doubt.sent.tzinfo is scene.project.zone


def test_doubts_of_another_tenant_are_not_read():
    scene = in_doubt("lost")
    scene.target.name = "tenant-b"
    with pytest.raises(StalePlan, match="was made for"):
        read_doubts(scene.project, scene.world)


def test_a_settlement_is_prepared_and_not_recorded():
    scene = in_doubt("lost")
    ((_, entry),) = scene.state.in_doubt()
    settlement = Settlement(
        entry.change, landed=True, record=None, reason="seen", at=scene.clock.now()
    )

    ready = prepare(scene.project, scene.state, settlement)

    assert [(one.key, one.units) for one in ready.effects.pushed] == [("first", 10)]
    assert len(scene.state.in_doubt()) == 1
    assert scene.state.audit() == []
