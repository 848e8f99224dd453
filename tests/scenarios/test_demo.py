"""The demo that ships: what its plan says of money, held against its two systems."""

import shutil
from decimal import Decimal

import pytest
from trueup import pipeline, wiring
from trueup.model import document
from trueup.operations.plan import plan_in
from trueup.operations.project import load_project
from trueup.sandbox.autotask.dump import dump_database

from tests.scenarios.expected import Line, adjusting, assert_sums, pounds
from tests.scenarios.invoices import all_billed
from tests.support.paths import ROOT

AS_OF = "2026-11-15"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The project with its plan, and what Autotask has before and after it is applied."""
    folder = tmp_path_factory.mktemp("demo")
    for name in ("mappings", "rules", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    text = (ROOT / "trueup.yaml").read_text(encoding="utf-8")
    (folder / "trueup.yaml").write_text(text, encoding="utf-8")
    project = load_project(folder)
    database, entities = folder / ".trueup" / "autotask.sqlite", project.catalogue.entities
    with wiring.open_world(project) as world:
        plan = plan_in(world, project)
        before = dump_database(database, entities)["records"]
        outcome = pipeline.apply(project, world, document.dumps(plan))
        after = dump_database(database, entities)["records"]
        again = plan_in(world, project)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    return plan, before, after, again


def units_on(records, service, day):
    return sum(
        row["units"]
        for row in records["ContractServiceUnits"]
        if row["contractServiceID"] == service
        and row["startDate"][:10] <= str(day) <= row["endDate"][:10]
    )


def test_each_line_has_the_units_that_autotask_bills(demo):
    plan, before, _, _ = demo
    present = {row["id"]: row for row in before["ContractServices"]}
    own = {
        row["internalDescription"]: row["id"]
        for row in present.values()
        if row.get("internalDescription")
    }
    known = [line for line in plan.ledger if line.record in present and line.units is not None]
    assert len(known) > 100
    for line in known:
        assert line.units == units_on(before, line.record, line.day), line
    missing = [line for line in plan.ledger if line.class_ == "missing"]
    assert missing
    assert [line.name for line in missing if f"W365 {line.key}" in own] == []


def test_what_is_billed_already_is_not_billed_too_little(demo):
    plan, _, _, _ = demo
    assert_sums(plan)
    totals = plan.summary.ledger
    shown = {
        name: pounds(getattr(totals, name).monthly)
        for name in ("under", "over", "moved", "held", "unexplained")
    }
    assert shown == {
        "under": "3327.95",
        "over": "498.88",
        "moved": "1764.88",
        "held": "1126.65",
        "unexplained": "-62.47",
    }
    assert totals.unknown == len([line for line in plan.ledger if line.class_ == "unknown"]) == 7


def test_seats_that_fit_several_rows_are_in_no_total(demo):
    plan, _, _, _ = demo
    lines = [
        Line.of(line)
        for line in plan.ledger
        if "Granby" in line.name and "Business Standard" in line.name
    ]
    assert sorted(lines, key=str) == sorted(
        [
            Line("unknown", 6, None, left=None),
            Line("unknown", 2, None, held=2, left=None),
            Line("unknown", None, 6, left=None),
        ],
        key=str,
    )


def test_the_invoices_of_the_plan_are_the_difference_of_the_unit_rows(demo):
    plan, before, after, again = demo
    was, becomes = all_billed(before, AS_OF), all_billed(after, AS_OF)
    assert pounds(becomes.invoice - was.invoice) == pounds(plan.summary.invoice.net)
    assert pounds(becomes.run_rate - was.run_rate) == pounds(plan.summary.run_rate.net)
    assert plan.summary.run_rate.net == sum(
        (change.monthly or Decimal(0)) for change in adjusting(plan)
    )
    assert again.changes == ()


def test_after_apply_nothing_is_left_but_what_was_held_or_unexplained(demo):
    plan, _, _, again = demo
    totals, later = plan.summary.ledger, again.summary.ledger
    assert later.moved.units == 0
    assert later.held.monthly == totals.held.monthly
    assert later.unexplained.monthly == totals.unexplained.monthly
