"""A refusal of a create is believed only if it proves that nothing was written."""

import pytest

from tests.support.scene import Fault, actions, settled, statuses
from tests.support.starting_points import disturbed, steps

CREATES = ["Companies", "Services", "Contracts", "ContractServices", "ContractServiceAdjustments"]
WORDS = "Object reference not set to an instance of an object."


@pytest.mark.parametrize("entity", CREATES)
def test_a_create_that_landed_and_was_refused_is_settled_by_reading(entity):
    scene = disturbed(Fault("refused after it landed", entity))

    assert scene.apply(scene.plan()).complete
    assert scene.picture() == settled().picture()
    assert actions(scene.plan()) == []


@pytest.mark.parametrize("entity", CREATES)
def test_a_refused_create_without_a_trace_fails_once_no_request_can_be_running(entity):
    scene = disturbed(Fault("refused, unproven", entity))

    outcome = scene.apply(scene.plan())
    (doubt,) = [one for one in outcome.changes if one.status == "in doubt"]
    assert WORDS in doubt.text
    assert (doubt.until - doubt.sent).total_seconds() == 300

    scene.wait(301)
    settled_later = {one.change: one for one in scene.resume().changes}[doubt.change]
    assert settled_later.status == "failed"
    assert settled_later.text.endswith(f": {WORDS}")
    assert "plan again" in settled_later.remedy
    assert steps(scene, doubt.change) == ["started", "in doubt", "failed"]

    # It was not sent again by the same run, and a new plan repairs it.
    assert scene.apply(scene.plan()).complete
    assert scene.picture() == settled().picture()


def test_a_refused_create_that_shows_later_is_not_sent_again():
    scene = disturbed(Fault("refused after it landed", "ContractServiceAdjustments"))
    read = scene.target.read
    scene.target.read = lambda entity, where, fields: [
        record
        for record in read(entity, where, fields)
        if entity != "ContractServiceUnits" or scene.clock.now() > start
    ]
    start = scene.clock.now()
    made = scene.plan()

    outcome = scene.apply(made)
    assert "in doubt" in statuses(outcome).values()

    scene.wait(60)
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_refused_update_fails_at_once_because_it_may_be_repeated():
    scene = settled()
    scene.row("account")["phone"] = "2"
    disturbed(Fault("refused, unproven", "Companies"), scene)

    assert statuses(scene.apply(scene.plan())) == {"customer:acc": "failed"}
    assert scene.sync()
    assert scene.target.only("Companies")["phone"] == "2"
