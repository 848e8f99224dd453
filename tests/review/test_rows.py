"""The rows of a plan: nothing is left out, nothing stands twice, and the money is the plan's."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest
from trueup.render.attention import items
from trueup.render.overview import overview
from trueup.review.rows import RowKey, ledger_rows, rows_of, tabs_of

from tests.render.conftest import five_thousand, full_plan


def project_of(plan, **tabs):
    """A project that names the tabs of the plan's mappings, and of others."""
    found = {change.mapping: change.tab for change in plan.changes}
    found |= {row.mapping: row.tab for row in plan.blocked}
    found.setdefault("subscription", "Agreements")
    found |= tabs
    mappings = {name: SimpleNamespace(tab=tab) for name, tab in found.items()}
    return SimpleNamespace(mappings=mappings)


@pytest.fixture(scope="module")
def a_plan():
    return full_plan()


@pytest.fixture(scope="module")
def large():
    return replace(full_plan(), changes=five_thousand())


def test_each_change_and_each_item_stands_in_one_row(a_plan):
    seen = overview(a_plan)
    rows = rows_of(project_of(a_plan), seen)

    assert sorted(one.id for row in rows for one in row.changes) == sorted(
        one.id for one in a_plan.changes
    )
    assert sum(len(row.items) for row in rows) == len(items(a_plan))
    keys = [RowKey(row.ref.mapping, key) for row in rows for key in row.keys]
    assert len(keys) == len(set(keys))


def test_changes_of_rows_that_were_merged_stand_together_whatever_the_order(a_plan):
    first = a_plan.changes[0]
    merged = replace(first, id="merged", keys=("a", "b"))
    alone = [replace(first, id=f"of {key}", keys=(key,)) for key in ("a", "b", "c")]
    for changes in ((*alone, merged), (merged, *alone)):
        plan = replace(a_plan, changes=changes, blocked=(), findings=(), ledger=())
        rows = rows_of(project_of(plan), overview(plan))

        assert sorted(sorted(one.id for one in row.changes) for row in rows) == [
            ["merged", "of a", "of b"], ["of c"],
        ]  # fmt: skip


def test_the_tabs_add_up_to_the_plan(large):
    seen = overview(large)
    rows = rows_of(project_of(large), seen)
    tabs = tabs_of(project_of(large), seen, rows)

    assert sum((tab.month for tab in tabs), Decimal(0)) == seen.money.month.net
    assert sum((tab.invoice for tab in tabs), Decimal(0)) == seen.money.invoice.net
    assert sum(tab.rows for tab in tabs) == len(rows)


def test_a_new_tab_appears_by_itself_behind_the_four(a_plan):
    seen = overview(a_plan)
    project = project_of(a_plan, asset="Assets", product="Products")
    tabs = tabs_of(project, seen, rows_of(project, seen))

    names = [tab.name for tab in tabs]
    assert names[-1] == "Assets"
    assert names[0] == "Products"


def test_the_ledger_has_each_line_and_its_money(a_plan):
    rows = ledger_rows(a_plan)
    seen = overview(a_plan)

    assert len(rows) == len(a_plan.ledger)
    known = [row.amount for row in rows if row.amount is not None]
    assert sum(known, Decimal(0)) == seen.billing.under - seen.billing.over
