"""Everything in the plan of the demo can be explained, and what is shown adds up."""

import json
import re
import shutil
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from trueup import wiring
from trueup.model.catalogue import UNNAMED
from trueup.model.change import Action
from trueup.model.document import dumps
from trueup.model.explanation import Explanation, FieldStatus
from trueup.model.money import exact
from trueup.model.plan import LedgerClass
from trueup.operations.plan import planned_in
from trueup.operations.project import load_project
from trueup.pipeline import PlanOptions
from trueup.planning.explaining.ledger import explain_line
from trueup.planning.explaining.money import explain_change
from trueup.planning.explaining.rows import explain_row
from trueup.planning.explaining.subjects import find_subject
from trueup.planning.explaining.totals import explain_total, labels
from trueup.render.attention import billing
from trueup.render.explanation import explanation_json, explanation_text
from trueup.render.markdown import plan_markdown
from trueup.render.overview import balance, figures, overview
from trueup.render.plan_html import plan_html
from trueup.render.text import plan_text

from tests.support.pages import parsed, text_of
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The plan of the demo with what it was made from."""
    folder = tmp_path_factory.mktemp("demo")
    for name in ("mappings", "rules", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "trueup.yaml", folder)
    project = load_project(folder)
    with wiring.open_world(project) as world:
        yield planned_in(world, project, PlanOptions(explained=True))


def in_words(amount: Decimal) -> str:
    """The figures of an amount, as every output has them."""
    return f"{abs(amount):,.2f}"


def shown(plan, **parts):
    explanation = Explanation("", plan.as_of, plan.currency, UNNAMED, **parts)
    assert explanation_json(explanation)
    return explanation_text(explanation, verbose=True)


def test_every_row_is_explained_with_the_values_that_the_plan_sends(demo):
    plan, context = demo.plan, demo.context
    for name, state in context.states.items():
        for key in {*state.rows, *state.record_ids}:
            row = explain_row(context, plan, name, key)
            assert key in shown(plan, rows=(row,))

            wanted = {field.name: field.wanted for field in row.fields}
            for change in plan.changes:
                if change.mapping == name and key in change.keys[:1]:
                    for field in change.fields if change.action is not Action.WRITE_BACK else ():
                        assert wanted[field.field] == field.shown_after


def test_a_field_is_equal_only_if_both_sides_show_the_same(demo):
    for name, state in demo.context.states.items():
        for key in state.record_ids:
            row = explain_row(demo.context, demo.plan, name, key)
            for field in row.fields:
                if field.status is FieldStatus.EQUAL:
                    assert (field.name, field.wanted) == (field.name, field.actual)


def test_the_periods_of_a_change_add_up_to_its_effect_on_the_invoice(demo):
    with_money = [change for change in demo.plan.changes if change.adjustment and change.invoice]
    assert with_money
    for change in with_money:
        explained = explain_change(demo.context, demo.plan, change)
        total = sum((period.amount for period in explained.periods), Decimal(0))

        assert abs(total - change.invoice.amount) < Decimal("0.000001")
        assert explained.moved == ()
        for period in explained.periods:
            share = Decimal(period.days) / period.of_days
            assert abs(
                exact(change.unit_change * explained.terms.price * share) - period.amount
            ) <= Decimal("0.0000001")


def test_every_line_of_the_ledger_is_explained_by_its_quantity_policy_and_pending_changes(demo):
    for line in demo.plan.ledger:
        explained = explain_line(demo.context, demo.plan, line)

        assert str(line.day) in shown(demo.plan, ledger=(explained,))
        assert sum((one.units for one in explained.pending), Decimal(0)) == line.pending
        if explained.quantity and not explained.counts_as_zero:
            assert explained.quantity.result == line.quantity
        for one in explained.pending:
            assert bool(one.change) or bool(one.held) or line.class_ is LedgerClass.UNKNOWN


def test_every_change_is_found_by_its_id_and_every_line_by_its_key(demo):
    for change in demo.plan.changes:
        subject = find_subject(demo.context, demo.plan, change.id)
        assert subject == change or f"{subject.mapping}:{subject.key}" == change.id
    for line in demo.plan.ledger:
        what = f"ledger:{line.mapping}:{line.key or line.record}"
        assert find_subject(demo.context, demo.plan, what) == line


def test_every_total_at_the_head_of_a_plan_adds_up_from_its_parts(demo):
    plan = demo.plan
    seen = overview(plan)
    rows: list[Any] = [*figures(seen), *balance(seen)]
    heads = [row.label.strip() for row in rows]
    assert heads

    for label in {*heads, *labels(plan)}:
        total = explain_total(plan, label)
        units = [part.units for part in total.parts if part.units is not None]
        amounts = [part.amount for part in total.parts if part.amount is not None]
        assert shown(plan, total=total)
        if total.units is not None:
            assert (label, sum(units)) == (label, total.units)
        if total.amount is not None:
            assert (label, sum(amounts)) == (label, total.amount)


def test_every_total_is_the_same_to_the_penny_wherever_it_is_shown(demo):
    """-62.46666667 is shown as -62.46: the sums of the ledger add up in pennies, everywhere."""
    plan = demo.plan
    seen = overview(plan)
    expected = {row.label.strip(): row.net for row in figures(seen)}
    expected |= {row.label.strip(): row.money for row in balance(seen) if row.money is not None}
    assert expected["explained by nothing"] == Decimal("-62.46")
    pages = [plan_text(plan), plan_markdown(plan), text_of(parsed(plan_html(plan)))]

    for label, amount in expected.items():
        explained = shown(plan, total=explain_total(plan, label)).splitlines()
        head = next(line for line in explained if label.casefold() in line.casefold())
        assert in_words(amount) in head
        for page in pages:
            assert in_words(amount) in page


def test_totals_by_reason_add_up_to_what_is_held(demo):
    plan, sums = demo.plan, Decimal(0)
    for one in plan.summary.ledger.held_by_reason:
        head, *_ = shown(plan, total=explain_total(plan, one.code)).splitlines()
        [amount] = re.findall(r"-?£[0-9,.]+", head)
        sums += Decimal(re.sub("[£,]", "", amount))

    assert sums == billing(plan).held


def test_the_document_has_the_exact_amounts_of_an_explanation(demo):
    plan = demo.plan
    ledger = json.loads(dumps(plan))["summary"]["ledger"]

    for label, name in (("billed too little", "under"), ("explained by nothing", "unexplained")):
        total = explain_total(plan, label)
        explained = explanation_json(
            Explanation(label, plan.as_of, plan.currency, UNNAMED, total=total)
        )
        assert json.loads(explained)["total"]["amount"] == ledger[name]["monthly"]


def test_totals_of_money_are_those_of_the_summary(demo):
    summary = demo.plan.summary

    amounts = {
        name: explain_total(demo.plan, name).amount
        for name in ("this invoice run", "of it once", "a month", "a year")
    }

    assert amounts == {
        "this invoice run": summary.invoice.net,
        "of it once": summary.one_off.net,
        "a month": summary.run_rate.net,
        "a year": summary.run_rate.net * 12,
    }


def test_totals_of_counts_have_as_many_parts_as_the_summary_counts(demo):
    plan = demo.plan
    words = {"to link": "link", "to add": "create", "to change": "update", "to adjust": "adjust"}
    words["to mark in Work 365"] = "write back"

    for label, action in words.items():
        assert len(explain_total(plan, label).parts) == plan.summary.actions[action]
    assert len(explain_total(plan, "blocked").parts) == plan.summary.blocked
    assert len(explain_total(plan, "held").parts) == plan.summary.held
    assert len(explain_total(plan, "not known").parts) == plan.summary.ledger.unknown
    assert len(explain_total(plan, "prices of zero").parts) == plan.summary.prices_zero
    left_out = sum(len(one.names) for one in plan.left_out)
    assert len(explain_total(plan, "left out").parts) == left_out


def test_what_every_part_of_a_total_names_can_be_explained(demo):
    plan = replace(demo.plan)
    for label in ("blocked", "held", "not known", "billed too little", "held or blocked", "to add"):
        for part in explain_total(plan, label).parts:
            assert find_subject(demo.context, plan, part.what)


def test_an_unknown_total_is_none(demo):
    assert explain_total(demo.plan, "billed too late") is None
