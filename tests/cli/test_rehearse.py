"""A rehearsal happens on copies: of the source, of Autotask, of the state."""

import json
from hashlib import sha256
from typing import Any

import pytest
from trueup.errors import SourceError
from trueup.model import document
from trueup.model.catalogue import Column, Table, Type
from trueup.model.change import Action
from trueup.model.outcome import ChangeOutcome, ChangeStatus, Outcome
from trueup.ports.source import Rows, RowUpdate
from trueup.render.rehearsal import rehearsal_text
from trueup.source.overlay import SourceOverlay


def prints(folder):
    """What every file of the folder holds."""
    return {
        str(path): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("autotask.sqlite")  # it counts its calls
    }


def test_a_plan_is_rehearsed_and_nothing_is_written(trueup, work, saved):
    before = prints(work)
    code, out, err = trueup("rehearse", "plan.json")
    assert (code, err) == (0, "")
    assert out.startswith("Rehearsed on a copy; nothing was written.\n\nRun ")
    assert out.endswith("\n\nA second plan is empty.\n")
    assert prints(work) == before
    assert trueup("plan", "--json")[1] == saved.read_text()
    assert trueup("apply", "plan.json")[0] == 0


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("part", [("--target", "product"), ("--exclude", "license_change"), "one"])
def test_of_a_part_of_a_plan_the_same_part_is_planned_again(trueup, saved, part):
    changes = json.loads(saved.read_text(encoding="utf-8"))["changes"]
    name = next(one["keys"][0] for one in changes if one["mapping"] == "customer")
    part = ("--customer", name) if part == "one" else part
    assert trueup("plan", *part, "--as-of", "2026-11-20", "--out", "part.json")[0] == 0

    code, out, err = trueup("rehearse", "part.json", "--json")

    second = json.loads(out)["second_plan"]
    assert (code, err, second["changes"]) == (0, "", [])
    assert second["as_of"] == {"day": "2026-11-20"}


@pytest.mark.usefixtures("applied")
def test_an_undo_has_no_second_plan(trueup):
    run = json.loads(trueup("history", "--json")[1])["runs"][0]["run"]
    assert trueup("plan", "--undo", run, "--out", "undo.json")[0] == 0

    code, out, _ = trueup("rehearse", "undo.json")

    assert code == 0
    assert out.endswith(
        "\n\nNo second plan was made: an undo, or a plan without changes, has none.\n"
    )


@pytest.mark.usefixtures("applied")
def test_a_rehearsal_uses_the_state_as_it_is(trueup):
    code, out, _ = trueup("rehearse", "--json")
    assert code == 0
    rehearsed = json.loads(out)
    assert rehearsed["outcome"]["changes"] == []
    assert rehearsed["second_plan"]["changes"] == []


def test_what_would_be_refused_is_shown_with_what_is_left(trueup, few_companies):
    seed = json.loads(few_companies.read_text())
    seed["records"]["Companies"] = [
        one for one in seed["records"]["Companies"] if one["id"] != 29620
    ]
    trueup("plan", "--out", "plan.json")
    few_companies.write_text(json.dumps(seed))
    trueup("sandbox", "reset")
    code, out, _ = trueup("rehearse", "plan.json")
    assert code == 1
    assert "\nFailed\n  ✗ " in out
    assert out.endswith("\n\nA second plan is empty.\n")


def test_what_a_second_plan_still_wants_is_shown(a_plan_that_flaps):
    outcome, again = a_plan_that_flaps
    text = rehearsal_text(outcome, again)
    assert "\nA second plan is not empty, so the plan or a mapping does not reach " in text
    assert "what it wants:\n\nPlan: " in text
    assert "fields" not in text.split("wants:")[0]


@pytest.fixture
def a_plan_that_flaps(saved):
    again = document.loads(saved.read_text())
    done = ChangeOutcome("1", "Alpine", ChangeStatus.APPLIED, "customer", Action.CREATE)
    return Outcome("r1", (done,)), again


def test_a_copy_of_autotask_gives_the_same_plan(trueup, work, saved):
    wanted = document.loads(saved.read_text())
    code, out, _ = trueup("sandbox", "clone", "--database", "copy.sqlite")
    assert code == 0
    assert out.endswith(" records copied into copy.sqlite.\n")
    assert trueup("sandbox", "clone", "--database", "copy.sqlite")[0] == 1
    project = work / "trueup.yaml"
    project.write_text(project.read_text().replace(".trueup/autotask.sqlite", "copy.sqlite"))
    found = document.loads(trueup("plan", "--json")[1])
    assert found.changes == wanted.changes
    assert found.ledger == wanted.ledger
    assert found.blocked == wanted.blocked


TABLES = {
    "log": Table(
        "log",
        "logs",
        "logs",
        "Log",
        "id",
        "name",
        {name: Column(name, Type.TEXT, name) for name in ("id", "name", "status")},
    )
}


class Beneath:
    """One table with two rows."""

    def describe(self):
        return "beneath"

    def read(self, table, columns, keys=None):
        assert table == "log"
        rows = [
            {"id": "1", "name": "a", "status": "Active"},
            {"id": "2", "name": "b", "status": "Active"},
        ]
        found = Rows([{name: row[name] for name in {"id", *columns}} for row in rows])
        return found if keys is None else found.only(keys, "id")


def test_what_is_written_back_is_read_and_goes_no_further():
    beneath: Any = Beneath()
    source = SourceOverlay(beneath, TABLES)
    archive = [RowUpdate(key, {"status": "Archived"}, {"status": "Active"}) for key in ("1", "3")]
    outcomes = source.write("log", archive)
    assert [outcome.error for outcome in outcomes] == ["", "there is no row 3 in log"]
    assert [row["status"] for row in source.read("log", ["status"]).rows] == ["Archived", "Active"]
    assert [set(row) for row in source.read("log", ["name"]).rows] == [{"id", "name"}] * 2
    again = source.write("log", archive[:1])
    assert again[0].error == "status is 'Archived', and 'Active' was expected"
    assert source.describe() == "beneath"
    with pytest.raises(SourceError, match="there is no table nope"):
        source.write("nope", [])
