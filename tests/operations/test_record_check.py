"""A record whose id a user gives is looked up before the id is relied on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from trueup import wiring
from trueup.errors import (
    ConfigError,
    EngineError,
    SourceError,
    StateError,
    TargetUnavailable,
)
from trueup.model.finding import Finding, Place, Severity
from trueup.model.project import Project
from trueup.operations.decide import link
from trueup.operations.state import preview_settlement, settle_change
from trueup.ports.source import RowOutcome, Rows, RowUpdate
from trueup.render.doubt import settlement_lines

from tests.support.scene import Fault, Scene, settled
from tests.support.starting_points import disturbed

IDENTITY = "udf.Work 365 Id"
FILE = "mappings/decisions.yaml"
NO_SECRET = Finding(
    "environment",
    Severity.ERROR,
    "the environment variable AUTOTASK_SECRET is not set",
    "export AUTOTASK_SECRET=…",
    Place("trueup.yaml", 9, 3),
)

Open = Callable[[Scene], Project]


class Connections:
    """Connects operations to a scene in memory."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.refusal: EngineError | None = None  # of opening the target
        self.source_refusal: EngineError | None = None  # of opening the source

    def source(self) -> object:
        if self.source_refusal:
            raise self.source_refusal
        return self.scene.source

    def target(self) -> object:
        if self.refusal:
            raise self.refusal
        return self.scene.target

    def state(self) -> object:
        return self.scene.state

    def shared_clock(self) -> object:
        return self.scene.clock


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    """A customer is linked to company 1000; company 7 is inactive."""
    opened = Connections(settled())
    companies = opened.scene.target.records["Companies"]
    companies[7] = {"id": 7, "companyName": "Bright Ltd", "isActive": False}

    @contextmanager
    def connect(_project: Project, **_options: object) -> Iterator[Connections]:
        yield opened

    monkeypatch.setattr(wiring, "connections", connect)
    return opened


@pytest.fixture
def project(connections: Connections, tmp_path: Path) -> Project:
    (tmp_path / "mappings").mkdir()
    return replace(connections.scene.project, root=str(tmp_path))


def written(project: Project) -> bool:
    return (Path(project.root) / FILE).exists()


def test_a_link_to_a_record_that_does_not_exist_is_refused(project: Project):
    with pytest.raises(EngineError, match="has no Companies 999999 that the API user may see"):
        link(project, "customer", "acc", 999999)

    assert not written(project)


def test_a_link_to_an_active_record_is_written_without_a_note(project: Project):
    assert link(project, "customer", "acc", 1000).notes == ()
    assert written(project)


def test_a_link_to_an_inactive_record_has_a_note(project: Project):
    result = link(project, "customer", "acc", 7)

    assert result.notes == (
        (
            "Companies 7 is inactive (isActive: no): the next plan holds the row, "
            "and names the ways out"
        ),
    )


def test_an_inactive_record_of_a_mapping_that_switches_it_on_is_not_held(
    connections: Connections, project: Project
):
    customer = replace(project.mappings["customer"], deactivate={})
    project = replace(project, mappings={**project.mappings, "customer": customer})

    assert link(project, "customer", "acc", 7).notes == ("Companies 7 is inactive (isActive: no)",)


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [
        (ConfigError([NO_SECRET]), " ".join(NO_SECRET.line().split())),
        (TargetUnavailable("no connection"), "no connection"),
        (TargetUnavailable("too many requests..."), "too many requests"),
    ],
)
def test_a_link_is_written_with_a_note_if_the_target_cannot_be_read(
    connections: Connections, project: Project, refusal: EngineError, cause: str
):
    connections.refusal = refusal

    result = link(project, "customer", "acc", 999999)

    system = project.catalogue.systems.target
    assert result.notes == (f"Companies 999999 was not looked up in {system}: {cause}",)
    assert written(project)


def test_the_look_up_is_not_repeated(connections: Connections, project: Project):
    link(project, "customer", "acc", 1000)

    assert connections.scene.target.stopped


def test_a_link_to_the_record_of_another_row_has_a_note(connections: Connections, project: Project):
    connections.scene.add("account", {**connections.scene.row("account"), "id": "acc-2"})

    result = link(project, "customer", "acc-2", 1000)

    assert result.notes == (
        (
            "Companies 1000 is the record of another row already "
            "(`trueup state show customer acc`): while that row is there, the next plan blocks both"
        ),
    )


def in_doubt(
    connections: Connections, kind: str = "lost", entity: str = "Companies"
) -> tuple[Scene, str]:
    """A run whose create of a company is in doubt, or of another entity; and the change."""
    scene = connections.scene = disturbed(Fault(kind, entity, "create"))
    scene.apply(scene.plan())
    ((_, entry),) = scene.state.in_doubt()
    return scene, entry.change


def mark_in_doubt(connections: Connections) -> tuple[Scene, str]:
    """A run whose marks in Work 365 took effect after its end; and one of these changes."""
    scene = connections.scene = Scene()
    write, late = scene.source.write, list[tuple[str, Sequence[RowUpdate]]]()

    def unheard(table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        late.append((table, updates))
        return [RowOutcome(one.key, "no answer", in_doubt=True) for one in updates]

    scene.source.write = unheard
    scene.apply(scene.plan())
    scene.source.write = write
    for table, updates in late:
        write(table, updates)
    return scene, "license_change:first:mark"


def settle(project: Project, change: str, record: int | None) -> str:
    landed = record is not None
    return settle_change(project, "ben", change, landed=landed, record=record, reason="seen")


def company(id_: int, **values: object) -> dict[str, object]:
    """A company of Autotask."""
    return {"id": id_, "companyName": "Alpine Dental AG", "isActive": True, **values}


def test_a_create_is_not_settled_with_a_record_that_does_not_exist(
    connections: Connections, project: Project
):
    scene, change = in_doubt(connections)

    with pytest.raises(EngineError, match="has no Companies 999999 that the API user may see"):
        settle(project, change, 999999)
    assert len(scene.state.in_doubt()) == 1

    scene.target.records["Companies"][5] = company(5, **{IDENTITY: "acc"})
    assert settle(project, change, 5) == ""
    assert scene.state.in_doubt() == []


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({IDENTITY: "other"}, f"its {IDENTITY} is 'other' and not 'acc'; if it is, set"),
        ({"companyName": "Bright Ltd"}, "it has neither the identity of the row nor"),
    ],
)
def test_a_create_is_not_settled_with_another_record(
    connections: Connections, project: Project, values: dict[str, object], why: str
):
    scene, change = in_doubt(connections)
    scene.target.records["Companies"][5] = company(5, **values)

    with pytest.raises(StateError, match=rf"^Companies 5 \(.*\) is not the record .*: {why}"):
        settle(project, change, 5)
    assert len(scene.state.in_doubt()) == 1


def test_a_create_that_reading_finds_is_not_settled_with_another_record(
    connections: Connections, project: Project
):
    scene, change = in_doubt(connections)
    scene.target.records["Companies"][5] = company(5)
    scene.target.records["Companies"][7] = company(7, **{IDENTITY: "acc"})

    with pytest.raises(StateError, match="reading finds Companies 7; give that id"):
        settle(project, change, 5)
    assert settle(project, change, 7) == ""


def test_a_record_whose_identity_was_not_written_is_told_by_its_match_key(
    connections: Connections, project: Project
):
    scene, change = in_doubt(connections)
    scene.target.records["Companies"][5] = company(5, companyNumber="A-1")

    ready, note = preview_settlement(project, change, landed=True, record=5, reason="seen")

    assert (ready.record_name, note) == ("Alpine Dental AG", "")
    assert (
        settlement_lines(ready)[1] == "customer acc is Companies 5 (Alpine Dental AG) from now on."
    )


def test_a_settlement_is_recorded_with_a_note_if_its_system_cannot_be_read(
    connections: Connections, project: Project
):
    scene, change = in_doubt(connections)
    connections.refusal = TargetUnavailable("no connection.")
    scene.wait(301)

    assert settle(project, change, None) == "nothing was read: no connection"
    assert scene.state.in_doubt() == []


def test_an_adjustment_is_compared_with_its_units_although_work_365_is_away(
    connections: Connections, project: Project
):
    scene, change = in_doubt(connections, "late", "ContractServiceAdjustments")
    scene.target.land()
    connections.source_refusal = SourceError("no connection")
    scene.wait(301)

    with pytest.raises(StateError, match="reading shows that it took effect"):
        settle(project, change, None)


def test_a_mark_is_compared_with_its_row_although_autotask_is_away(
    connections: Connections, project: Project
):
    scene, change = mark_in_doubt(connections)
    connections.refusal = TargetUnavailable("no connection")
    scene.wait(301)

    with pytest.raises(StateError, match="reading shows that it took effect"):
        settle(project, change, None)


def test_only_the_change_that_is_settled_is_looked_for(connections: Connections, project: Project):
    """Another one may be in doubt whose system is away."""
    scene, _ = mark_in_doubt(connections)
    read, tables = scene.source.read, list[str]()

    def listed(table: str, *args: Any) -> Rows:
        tables.append(table)
        return read(table, *args)

    scene.source.read = listed
    changes = {entry.change for _, entry in scene.state.in_doubt()}
    settle_change(project, "ben", "license_change:first:mark", landed=True, reason="seen")

    assert len(changes) > 1
    assert tables == ["license_change"]


@pytest.mark.parametrize("system", ["Autotask", "Work 365"])
def test_a_change_without_a_trace_has_not_landed_in_the_system_that_it_writes_to(
    connections: Connections, project: Project, system: str
):
    if system == "Work 365":
        scene, change = mark_in_doubt(connections)
        scene.row("license_change", "first")["status"] = "Active"
    else:
        scene, change = in_doubt(connections, entity="ContractServiceAdjustments")

    with pytest.raises(StateError, match=f"no trace of it in {system}; "):
        settle_change(project, "ben", change, landed=True, reason="seen")


@pytest.mark.parametrize("record", [None, 5])
def test_what_a_settlement_reads_is_repeated_as_usual(
    connections: Connections, project: Project, record: int | None
):
    """A single fault must not leave a statement unchecked."""
    scene, change = in_doubt(connections)
    scene.target.records["Companies"][5] = company(5, companyNumber="A-1")
    scene.wait(301)

    settle(project, change, record)

    assert not scene.target.stopped
