"""Listing, showing and editing the state, over the port alone."""

import gzip
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from trueup.applying.manual_settlement import Settlement
from trueup.errors import EngineError, StateLocked
from trueup.model.audit import (
    ChangesSettled,
    LinkForgotten,
    RunClosed,
    SettledChange,
    SystemsAdopted,
)
from trueup.model.doubt import ChangeInDoubt
from trueup.model.run import Effects, Entry, Link, Pushed, Run, RunStatus, Step
from trueup.model.state_overview import RowState, StateOverview
from trueup.operations.open_state import (
    adopt_systems,
    close_run,
    forget_link,
    list_links,
    settle_change,
    show_row,
)
from trueup.state.sqlite.store import SqliteState

from tests.support.fakes import FakeClock, FakeState
from tests.support.paths import ROOT
from tests.support.scene import Fault, settled
from tests.support.starting_points import disturbed

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD = ROOT / "tests" / "state" / "before_1_0"
PROJECT: Any = SimpleNamespace(mappings={"service": None, "customer": None})
ALPINE = Link("customer", "acc-alpine", "Companies", 1, "match")
BRIGHT = Link("customer", "acc-bright", "Companies", 2, "created")
SERVICE = Link("service", "p1", "Services", 3, "identity")
PUSHED = Pushed("license_change", "c1", 51, NOON.date(), 3, "license_change:c1", "r1")


def plan(*changes: tuple[str, str, list[str], str]) -> str:
    """As much of a plan document as holds the names of its rows."""
    names = ("id", "mapping", "keys", "name")
    return json.dumps({"changes": [dict(zip(names, change, strict=True)) for change in changes]})


@pytest.fixture
def state() -> FakeState:
    """Three links, a pushed change, two runs that name them, the second open; the lock is free."""
    state = FakeState(FakeClock(NOON))
    lease = state.acquire("apply (ann)")
    first = plan(
        ("customer:acc-alpine", "customer", ["acc-alpine"], "Alpine"),
        ("license_change:c1", "license_change", ["c1", "c2"], "Alpine, Exchange"),
    )
    state.begin(Run("r1", "d", first, "ann", "host-1", NOON), lease)
    effects = Effects(
        links=(SERVICE, BRIGHT, ALPINE),
        applied={("customer", "acc-alpine"): {"phone": "1"}},
        pushed=(PUSHED,),
    )
    state.record(lease, "r1", [Entry("license_change:c1", Step.DONE, NOON)], effects)
    state.finish(lease, "r1", RunStatus.DONE, NOON)
    second = plan(("customer:acc-alpine", "customer", ["acc-alpine"], "Alpine Dental AG"))
    state.begin(Run("r2", "d", second, "ann", "host-1", NOON), lease)
    state.record(lease, "r2", [Entry("customer:acc-alpine", Step.STARTED, NOON)])
    state.release(lease)
    return state


def test_links_are_listed_by_mapping_and_key_with_the_latest_names(state):
    assert list_links(PROJECT, state) == StateOverview(
        links=[SERVICE, ALPINE, BRIGHT],
        names={("customer", "acc-alpine"): "Alpine Dental AG"},
        holder=None,
        open_runs=(state.run("r2"),),
        in_doubt=[ChangeInDoubt("r2", "customer:acc-alpine", "Alpine Dental AG", NOON)],
        audit=[],
    )


def test_the_links_of_one_mapping_are_listed(state):
    assert list_links(PROJECT, state, "service").links == [SERVICE]


def test_an_unknown_mapping_is_refused(state):
    with pytest.raises(EngineError, match="no mapping 'nope': the project has service, customer"):
        list_links(PROJECT, state, "nope")


def test_the_holder_of_the_lock_is_listed(state):
    lease = state.acquire("apply (ben)")

    assert list_links(PROJECT, state).holder == lease


def test_a_row_is_shown_by_a_unique_prefix_of_its_key(state):
    row = RowState("Alpine Dental AG", ALPINE, {"phone": "1"}, audit=[])
    change = RowState("Alpine, Exchange", pushed=PUSHED, audit=[])

    assert show_row(state, "customer", "acc-al") == row
    assert show_row(state, "license_change", "c1") == change


@pytest.mark.parametrize(
    ("mapping", "key", "text"),
    [
        ("customer", "acc-", "2 keys of customer start with 'acc-'|may be any of 2 rows"),
        ("customer", "p1", "state knows no row 'p1' of customer"),
        ("nope", "acc-alpine", "state knows no row 'acc-alpine' of nope"),
    ],
)
def test_a_row_that_is_not_one_row_is_refused(state, mapping, key, text):
    with pytest.raises(EngineError, match=text):
        show_row(state, mapping, key)


def test_a_link_is_forgotten_with_its_applied_values_and_the_lock_is_free_again(state):
    forgotten = forget_link(state, "ben", "customer", "acc-al", "keyed twice")

    assert forgotten == LinkForgotten("customer", "acc-alpine", "Alpine Dental AG")
    assert set(state.links) == {("service", "p1"), ("customer", "acc-bright")}
    assert state.applied == {}
    assert [(entry.who, entry.event, entry.reason) for entry in state.audit()] == [
        ("ben", forgotten, "keyed twice")
    ]
    assert state.holder() is None


def test_a_row_without_a_link_cannot_be_forgotten(state):
    with pytest.raises(EngineError, match="license_change c1 is not linked"):
        forget_link(state, "ben", "license_change", "c1", "…")


def test_a_link_is_not_forgotten_while_another_process_holds_the_lock(state):
    state.acquire("apply (ann)")

    with pytest.raises(StateLocked, match="ann"):
        forget_link(state, "ben", "customer", "acc-alpine", "…")
    assert ("customer", "acc-alpine") in state.links


@pytest.mark.parametrize("key", ["A, B-7", "A"])
def test_a_forgotten_row_is_found_by_its_whole_key(state, key):
    """Also where the key contains the comma that separates key and name when it is shown."""
    lease = state.acquire("ann")
    link = replace(ALPINE, key=key)
    state.edit(lease, LinkForgotten("customer", "other"), Effects(links=(link,)))
    state.release(lease)
    forgotten = forget_link(state, "ben", "customer", key, "keyed twice")

    row = show_row(state, "customer", key)

    assert row == RowState(audit=[state.audit()[-1]])
    assert row.audit[0].event == forgotten == LinkForgotten("customer", key)


def test_the_forgotten_row_of_an_old_journal_is_found_by_its_whole_key(tmp_path):
    path = tmp_path / "state.sqlite"
    path.write_bytes(gzip.decompress((OLD / "edited.sqlite.gz").read_bytes()))
    with SqliteState(path, clock=FakeClock()) as state:
        row = show_row(state, "customer", "A, B-7")

    assert (row.name, row.link) == ("Alpine Dental AG", None)
    assert [entry.event for entry in row.audit] == [
        ChangesSettled((SettledChange("customer:A, B-7", landed=True),)),
        LinkForgotten("customer", "A, B-7", "Alpine Dental AG"),
    ]


def test_a_settled_change_is_shown_with_each_of_its_rows(state):
    lease = state.acquire("ann")
    settled = [Entry("license_change:c1", Step.DONE, NOON)]
    pushed = replace(PUSHED, key="c2")
    state.settle(lease, "r1", settled, Effects(pushed=(pushed,)), reason="seen in Autotask")

    for key in ("c1", "c2"):
        (entry,) = show_row(state, "license_change", key).audit
        assert entry.event == ChangesSettled((SettledChange("license_change:c1", landed=True),))
    assert show_row(state, "customer", "acc-alpine").audit == []


def test_a_change_in_doubt_is_settled_under_the_lock():
    scene = disturbed(Fault("lost", "ContractServiceAdjustments"))
    scene.apply(scene.plan())
    ((run, entry),) = scene.state.in_doubt()
    scene.wait(301)

    settlement = Settlement(
        change=entry.change, landed=False, record=None, reason="looked", at=scene.clock.now()
    )
    settle_change(scene.project, scene.state, "ben", settlement)

    assert scene.state.in_doubt() == []
    (audited,) = scene.state.audit()
    assert (audited.who, audited.run) == ("ben", run)
    assert audited.event == ChangesSettled((SettledChange(entry.change, landed=False),))
    assert scene.state.holder() is None

    close_run(scene.state, "ben", run, scene.clock.now(), "planned again")
    assert scene.state.audit()[-1].event == RunClosed()
    assert not scene.state.load().open_runs


def test_the_configured_systems_are_adopted_once():
    scene = settled()
    scene.target.name = "tenant-b"

    assert adopt_systems(scene.world, "ben", "renamed") == {
        "source": "org-a",
        "target": "tenant-b",
    }

    assert scene.state.load().systems == {"source": "org-a", "target": "tenant-b"}
    assert [(entry.event, entry.reason) for entry in scene.state.audit()] == [
        (SystemsAdopted({"source": "org-a", "target": "tenant-b"}), "renamed")
    ]
    with pytest.raises(EngineError, match="this state is about org-a, tenant-b already"):
        adopt_systems(scene.world, "ben", "renamed")
    assert scene.state.holder() is None
