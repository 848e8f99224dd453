"""A world that is read once gives a second plan the same answers, without asking again."""

from dataclasses import replace

from trueup.model.document import dumps
from trueup.operations.remembered import remembered
from trueup.pipeline import plan
from trueup.ports import World

from tests.support.scene import Scene, settled


def of(scene: Scene) -> World:
    return World(scene.source, scene.target, scene.state, scene.clock)


def test_a_second_plan_is_the_same_and_reads_nothing():
    scene = settled()
    scene.row("subscription")["quantity"] = 15
    world = remembered(of(scene))
    first = plan(scene.project, world)
    calls = scene.target.calls

    scene.row("subscription")["quantity"] = 99
    second = plan(scene.project, world)

    assert scene.target.calls == calls
    read_calls = first.summary.read_calls
    assert dumps(replace(second, summary=replace(second.summary, read_calls=read_calls))) == dumps(
        first
    )
    assert plan(scene.project, of(scene)).ledger != first.ledger
