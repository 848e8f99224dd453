"""A day that trueup.yaml fixes, on a target that bills customers."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from trueup.errors import EngineError
from trueup.model.project import Connection
from trueup.operations.fixed_day import STALE_DAY
from trueup.operations.plan import plan_in
from trueup.pipeline import PlanOptions
from trueup.ports.world import World

from tests.support.fakes import FakeClock
from tests.support.scene import Scene, day, settled


@pytest.fixture
def scene():
    """Its project fixes 2026-11-15, as the demo does."""
    scene = settled()
    place = scene.project.target.place
    scene.project = replace(scene.project, target=Connection("autotask", {}, place))
    return scene


def warnings(scene: Scene, today: datetime, options: PlanOptions | None = None) -> list[str]:
    world = World(scene.source, scene.target, scene.state, FakeClock(today))
    made = plan_in(world, scene.project, options)
    return [f"{one.place}: {one.text}" for one in made.findings if one.code == STALE_DAY]


def at(month, number):
    return datetime(2026, month, number, 12, tzinfo=UTC)


def test_a_plan_for_another_day_than_today_is_named_with_its_place(scene):
    assert warnings(scene, at(11, 29)) == [
        "trueup.yaml:4:1: as_of makes every plan one for 2026-11-15, which is not today"
    ]


def test_today_is_no_reason_to_warn(scene):
    assert warnings(scene, at(11, 15)) == []


def test_a_day_on_the_command_line_is_meant(scene):
    assert warnings(scene, at(11, 29), PlanOptions(as_of=day(11, 20))) == []


def test_a_sandbox_may_stay_on_its_day(scene):
    scene.project = replace(
        scene.project, target=replace(scene.project.target, connector="sandbox")
    )

    assert warnings(scene, at(11, 29)) == []


@pytest.mark.parametrize("day", [at(11, 15), "2026-11-15"])
def test_the_day_of_a_plan_is_a_date_without_a_time(day):
    with pytest.raises(EngineError, match="give a date without a time"):
        PlanOptions(as_of=day)
