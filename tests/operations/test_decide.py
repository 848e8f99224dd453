"""Writing the decision to correct a difference: it names the difference that was seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from trueup import wiring
from trueup.errors import EngineError
from trueup.model.project import Project
from trueup.operations.decide import WrittenDecision, decide

from tests.support.scene import Scene, adjusts, codes, day, line_of, log, settled
from tests.support.starting_points import by_hand

FILE = "mappings/decisions.yaml"


class Desk:
    """A scene whose project has a folder, so that decisions are written into a file."""

    def __init__(self, scene: Scene, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.scene, self.folder = scene, folder
        (folder / "mappings").mkdir()

        @contextmanager
        def connections(_project: Project, **_options: object) -> Iterator["Desk"]:
            yield self

        patch.setattr(wiring, "connections", connections)

    def source(self) -> object:
        return self.scene.source

    def target(self) -> object:
        return self.scene.target

    def state(self) -> object:
        return self.scene.state

    def shared_clock(self) -> object:
        return self.scene.clock

    def correct(self) -> WrittenDecision:
        """Decides to correct the subscription, and takes the file over into the project."""
        project = replace(self.scene.project, root=str(self.folder))
        written = decide(project, "subscription", "sub", "correct", "counted")
        self.scene.files({FILE: self.text()})
        return written

    def text(self) -> str:
        return (self.folder / FILE).read_text(encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Twelve seats are billed, and fifteen should be."""
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    return Desk(scene, tmp_path, monkeypatch)


def test_the_difference_is_written_with_its_day_and_the_next_run_corrects_it(desk: Desk):
    written = desk.correct()
    assert (str(written.place), written.replaced) == ("mappings/decisions.yaml:2:3", False)
    assert written.line is not None
    assert (written.line.difference, written.line.day) == (3, day(11, 20))
    (decision,) = desk.scene.project.decisions
    assert decision.seen is not None
    assert (decision.seen.units, decision.seen.quantity, decision.seen.day) == (
        12,
        15,
        day(11, 20),
    )
    assert adjusts(desk.scene.sync()) == [(("sub",), day(11, 21), 3)]
    assert line_of(desk.scene.plan()).class_ == "match"


def test_units_that_are_pending_count_as_seen(desk: Desk):
    desk.scene.add("license_change", log("third", day(11, 25), 1))
    desk.correct()
    assert "units: 13" in desk.text()
    made = desk.scene.sync()
    assert [units for _, _, units in adjusts(made)] == [3]
    assert made.changes[0].adjustment is not None
    assert made.changes[0].adjustment.correction == 2


def test_the_same_difference_after_a_correction_is_not_the_corrected_one(
    desk: Desk,
):
    desk.correct()
    desk.scene.sync()
    desk.scene.target.by_hand(desk.scene.target.only("ContractServices")["id"], day(11, 14), -3)
    assert adjusts(desk.scene.plan()) == []  # the decision is used up
    assert desk.correct().replaced
    assert adjusts(desk.scene.sync()) == [(("sub",), day(11, 22), 3)]
    assert desk.scene.units(day(12, 1)) == 15


def test_where_nothing_differs_nothing_is_written(desk: Desk):
    desk.scene.row("subscription")["quantity"] = Decimal(12)
    with pytest.raises(EngineError, match="subscription sub has no difference to correct"):
        desk.correct()
    assert not (desk.folder / FILE).exists()


def test_a_difference_that_is_not_known_is_not_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    desk = Desk(by_hand(), tmp_path, monkeypatch)  # the service has no unit rows at all
    made = desk.scene.plan()
    assert ("first", "ledger-unknown") in codes(made)
    assert line_of(made).units is None
    with pytest.raises(EngineError, match="cannot be corrected: not known: no unit row covers"):
        desk.correct()
