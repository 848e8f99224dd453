"""States and plans written before version 1.0 still open, read and verify.

`tests/state/before_1_0/` holds what the last version before the move into one package wrote:

- `finished.sqlite.gz`: two finished runs; `finished.json.gz` is its export.
- `interrupted.sqlite.gz`: one run that was stopped before its end.
- `edited.sqlite.gz`: manual edits and locks taken over; one forgotten row has the key `A, B-7`.
- `plan.json.gz`: a plan document.
"""

import gzip
from pathlib import Path

import pytest
from trueup.model.audit import (
    ChangesSettled,
    LinkForgotten,
    LockTaken,
    RunClosed,
    SettledChange,
    SystemsAdopted,
)
from trueup.model.document import loads
from trueup.model.run import Run, RunStatus

from tests.state.stores import NOON

FOLDER = Path(__file__).parents[1] / "before_1_0"
RUNS = {
    "finished": [("2c50c9f1d69b", RunStatus.DONE), ("8be7ed5aebc9", RunStatus.DONE)],
    "interrupted": [("884c7f6ec964", RunStatus.INTERRUPTED)],
    "edited": [
        ("76b3740630cb", RunStatus.DONE),
        ("fe9c1399e69c", RunStatus.DONE),
        ("923efa4823be", RunStatus.PARTIAL),
    ],
}
HEADS = {
    "finished": (111, "bd0b4383a9e7327a88cc8b84465c385357146fb0ea3d3457355185380c94183a"),
    "interrupted": (48, "a5fdaf4bbe22ffbf3135b209b744917f6bc6a2abb58ce27773d5345361419b29"),
    "edited": (35, "f1ae98b37bc8539b05c2c63bf3c3a4036344207ed1eb95818795fea37c85d5a5"),
}


def content(name: str) -> bytes:
    return gzip.decompress((FOLDER / f"{name}.gz").read_bytes())


@pytest.fixture
def old(opened, path):
    """Opens a copy of an old state."""

    def open_copy(name: str):
        path.write_bytes(content(f"{name}.sqlite"))
        return opened()

    return open_copy


@pytest.mark.parametrize("name", RUNS)
def test_an_old_state_loads_and_verifies_with_unchanged_hashes(old, name):
    state = old(name)
    lines, head = HEADS[name]

    assert state.load().links
    assert state.load().applied
    assert state.head() == (lines, head)
    assert state.verify([head]) == []


@pytest.mark.parametrize("name", RUNS)
def test_an_old_state_lists_its_runs_with_readable_plans_and_journals(old, name):
    state = old(name)

    assert [(run.id, run.status) for run in state.runs()] == RUNS[name]
    for run in state.runs():
        changes = {change.id for change in loads(run.plan).changes}
        assert {entry.change for entry in state.journal(run.id)} <= changes


@pytest.mark.parametrize("name", RUNS)
def test_an_old_state_moves_to_a_new_file_by_export_and_import(old, opened, tmp_path, name):
    state = old(name)
    copy = opened(2, tmp_path / "copy.sqlite")

    copy.import_(state.export())

    assert copy.load() == state.load()
    assert copy.head() == HEADS[name]
    assert copy.verify() == []


@pytest.mark.parametrize("name", RUNS)
def test_an_old_state_accepts_a_new_run(old, name):
    state = old(name)
    lease = state.acquire("apply (ann)")
    run = Run("r1", "d1g3st", "{}", "ann", "host-1", NOON)

    state.begin(run, lease)
    state.finish(lease, "r1", RunStatus.DONE, NOON)

    assert [known.id for known in state.runs()] == [known for known, _ in RUNS[name]] + ["r1"]
    assert state.verify([HEADS[name][1]]) == []


def test_an_old_export_is_read_and_written_in_the_same_format(old, opened, tmp_path):
    text = content("finished.json").decode()
    copy = opened(2, tmp_path / "copy.sqlite")

    copy.import_(text)

    assert copy.export() == text == old("finished").export()


def test_an_old_interrupted_run_can_be_read_for_resume(old):
    state = old("interrupted")

    (run,) = state.load().open_runs

    assert run.status is RunStatus.INTERRUPTED
    plan = loads(run.plan)
    done = {entry.change for entry in state.journal(run.id)}
    assert done
    assert {change.id for change in plan.changes} - done
    assert state.in_doubt() == []


def test_edits_that_hold_only_a_text_are_read_as_data(old):
    """Also where keys and names contain the comma that separates them in the text."""
    dunmore = "a3e4e826-9028-5c71-a0a0-e0f274ce6339"
    sandbox = "sandbox in .trueup/autotask.sqlite"
    ada = "ada@northgate-it.example"

    assert [(entry.run, entry.event, entry.reason) for entry in old("edited").audit()] == [
        (
            "76b3740630cb",
            ChangesSettled((SettledChange("customer:A, B-7", landed=True),)),
            "seen in Autotask",
        ),
        (
            "76b3740630cb",
            ChangesSettled((SettledChange(f"customer:{dunmore}", landed=False),)),
            "not there",
        ),
        (
            "",
            LinkForgotten("customer", "A, B-7", "Alpine Dental AG"),
            "linked to the wrong company",
        ),
        ("", LinkForgotten("customer", dunmore, "Dunmore, Surveyors & Sons"), "keyed twice"),
        ("", SystemsAdopted({"target": f"{sandbox} (moved)"}), "the sandbox was moved"),
        ("", SystemsAdopted({"target": sandbox}), "and back"),
        ("", LockTaken("night run", "vm", forced=False), ""),
        ("", LockTaken(ada, "vm", forced=True), "the laptop was stolen"),
        ("923efa4823be", RunClosed(), "planned again"),
    ]


def test_an_old_plan_document_is_the_plan_of_the_run_that_applied_it(old):
    text = content("plan.json").decode()
    run = old("finished").runs()[0]

    assert loads(text).changes == loads(run.plan).changes
