"""Writing decisions from Python: they are valid, and `correct` names the difference it is about."""

# The arguments are wrong on purpose.
# mypy: disable-error-code="arg-type"

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from trueup import wiring
from trueup.errors import EngineError
from trueup.model.project import Project
from trueup.operations.decide import WrittenDecision, decide, link, succeed

from tests.support.scene import Scene, adjusts, codes, day, line_of, log, settled
from tests.support.starting_points import by_hand

FILE = "mappings/decisions.yaml"
NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)


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

    def project(self) -> Project:
        return replace(self.scene.project, root=str(self.folder))

    def correct(self) -> WrittenDecision:
        """Decides to correct the subscription, and takes the file over into the project."""
        written = decide(self.project(), "subscription", "sub", "correct", "counted")
        self.scene.files({FILE: self.text()})
        return written

    def decide(self, key: str, verdict: str) -> WrittenDecision:
        """Decides about a license change."""
        project = replace(self.scene.project, root=str(self.folder))
        return decide(project, "license_change", key, verdict, "agreed")

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


def test_a_change_that_a_run_pushed_is_not_decided_to_be_pushed(desk: Desk):
    run = desk.scene.state.runs()[-1].id

    with pytest.raises(EngineError) as caught:
        desk.decide("first", "push")

    assert str(caught.value) == (
        f"license_change first was pushed by run {run}, and is never sent again: the decision "
        "would have no effect; `trueup decide subscription KEY correct --reason …` adjusts what is "
        f"billed wrongly, `trueup plan --undo {run}` plans the reverse of that run"
    )
    assert not (desk.folder / FILE).exists()


def test_a_change_that_was_taken_back_may_be_pushed_again(desk: Desk):
    scene = desk.scene
    scene.row("subscription")["quantity"] = Decimal(12)
    assert scene.apply(scene.plan(undo=scene.state.runs()[-1].id)).complete

    assert desk.decide("first", "push").notes == ()


def test_archiving_a_change_that_is_archived_is_noted(desk: Desk):
    run = desk.scene.state.runs()[-1].id

    (note,) = desk.decide("first", "archive").notes

    assert note == (
        f"license_change first was marked by run {run} already: the decision has an effect only "
        "if the row was edited since"
    )


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


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (partial(decide, key="acc", verdict="frob", reason="x"), "'frob' is no decision: use one"),
        (partial(decide, key="acc", verdict="link", reason="x"), "`record` is the id of the rec"),
        (partial(decide, key="acc", verdict="ignore", reason=5), "reason is 5: give a text"),
        (partial(decide, key=7, verdict="ignore", reason="x"), "key is 7: give a text"),
        (
            partial(decide, key="acc", verdict="ignore", reason="\ud800"),
            "reason has half of",
        ),
        (
            partial(decide, key="acc", verdict="ignore", reason="x", until="2027-01-31"),
            "until is '2027-01-31': give a date without a time",
        ),
        (
            partial(decide, key="acc", verdict="ignore", reason="x", until=NOON),
            f"until is {NOON!r}: give a date without a time",
        ),
        (partial(link, key="acc", record=0), "record is 0: give the id of a record, a whole num"),
        (partial(link, key="acc", record=True), "record is True: give the id of a record"),
        (partial(link, key="acc", record="1000"), "record is '1000': give the id of a record"),
        (partial(link, key="acc", record=2**53), "give the id of a record"),
    ],
)
def test_what_would_make_the_project_invalid_is_not_written(
    desk: Desk, write: Callable[..., WrittenDecision], reason: str
):
    with pytest.raises(EngineError, match=re.escape(reason)):
        write(desk.project(), "customer")

    assert not (desk.folder / FILE).exists()


def test_a_mapping_that_is_no_text_is_refused(desk: Desk):
    with pytest.raises(EngineError, match="mapping is None: give a text"):
        decide(desk.project(), None, "acc", "ignore", "x")


def test_a_succession_names_its_predecessor(desk: Desk):
    with pytest.raises(EngineError, match=r"`of` is the row whose place .* succeed needs it"):
        succeed(desk.project(), "subscription", "sub", "", "renewed")

    assert not (desk.folder / FILE).exists()


def test_a_reason_of_spaces_is_left_out_of_a_link(desk: Desk):
    link(desk.project(), "customer", "acc", 1000, " ")

    assert desk.text() == "decisions:\n- mapping: customer\n  key: acc\n  link: 1000\n"
