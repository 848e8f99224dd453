"""The rows of a plan: nothing is left out, nothing stands twice, and the money is the plan's."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from trueup.model.change import RowRef
from trueup.model.finding import Finding, Severity
from trueup.model.finding_codes import DEPENDS
from trueup.model.plan import Blocked, HeldUnits
from trueup.render.attention import items
from trueup.render.overview import overview
from trueup.render.pennies import UNBOUNDED
from trueup.review.current_plan import current_plan_of
from trueup.review.filters import total
from trueup.review.held_back import HeldBack, held_back
from trueup.review.rows import RowKey, ledger_rows, rows_of, tabs_of

from tests.render.conftest import five_thousand, full_plan


def project_of(plan, notes=(), **tabs):
    """A project that names the tabs of the plan's mappings, and of others."""
    found = {change.mapping: change.tab for change in plan.changes}
    found |= {row.mapping: row.tab for row in plan.blocked}
    found.setdefault("subscription", "Agreements")
    found |= tabs
    entities = {"service": "Services", "contract": "Contracts"}
    mappings = {
        name: SimpleNamespace(tab=tab, target=SimpleNamespace(entity=entities.get(name, "")))
        for name, tab in found.items()
    }
    return SimpleNamespace(mappings=mappings, notes=notes)


@pytest.fixture(scope="module")
def a_plan():
    return full_plan()


@pytest.fixture(scope="module")
def large():
    return replace(full_plan(), changes=five_thousand())


def test_each_change_and_each_item_is_in_one_row(a_plan):
    seen = overview(a_plan)
    rows = rows_of(project_of(a_plan), seen)

    assert sorted(one.id for row in rows for one in row.changes) == sorted(
        one.id for one in a_plan.changes
    )
    assert sum(len(row.items) for row in rows) == len(items(a_plan))
    keys = [RowKey(row.ref.mapping, key) for row in rows for key in row.keys]
    assert len(keys) == len(set(keys))


def test_changes_of_rows_that_were_merged_are_together_whatever_the_order(a_plan):
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
    seen = overview(a_plan)
    rows = ledger_rows(project_of(a_plan), seen)

    assert len(rows) == len(a_plan.ledger)
    billing = seen.billing
    assert total(rows) == [
        billing.under - billing.over, billing.moved, billing.held, billing.unexplained,
    ]  # fmt: skip
    assert Decimal(0) not in total(rows)


def test_a_line_that_is_not_known_is_not_among_those_that_are_held(a_plan):
    held = (HeldUnits(Decimal(2), "no-phone", "no phone", ("log-1",), RowRef("customer", "bad")),)
    lines = (*a_plan.ledger, replace(a_plan.ledger[-1], key="other", held=held))
    plan = replace(a_plan, ledger=lines)
    rows = ledger_rows(project_of(plan), overview(plan))

    assert sum("held" in row.classes for row in rows) == overview(plan).ledger.held.lines == 2
    [unknown] = [row for row in rows if row.ref.key == "other"]
    assert unknown.classes == ("not known", "no-phone")
    assert [cell.units for cell in unknown.cells] == ["?", "5", "", "", "", "not known", ""]


def test_rows_and_lines_without_a_price_weigh_more_than_any_amount(a_plan):
    seen, project = overview(a_plan), project_of(a_plan)

    def heavy(rows):
        return {row.name for row in rows if row.weight == UNBOUNDED}

    assert heavy(rows_of(project, seen)) == {"Elm & Oak, Exchange Online P1", "Project P3"}
    assert heavy(ledger_rows(project, seen)) == {"Dunmore Surveyors, Project P3"}


def blocked(mapping, key, tab, code, *because):
    finding = Finding(code, Severity.ERROR, "it is wrong", mapping=mapping, key=key)
    return Blocked(mapping, key, key, tab, (finding,), because)


def test_a_later_tab_shows_what_an_earlier_one_holds_back(a_plan):
    fault, service = RowRef("customer", "bad", "Bad Ltd"), RowRef("service", "off", "Mail")
    line = next(line for line in a_plan.ledger if line.price)
    held = (HeldUnits(Decimal(2), "no-phone", "no phone", ("log-1",), fault),)
    plan = replace(
        a_plan,
        changes=(),
        findings=(),
        ledger=(replace(line, held=held),),
        blocked=(
            blocked("customer", "bad", "Customers", "no-phone"),
            blocked("service", "off", "Products", "no-unit"),
            blocked("subscription", "one", "Agreements", DEPENDS, service, fault),
            blocked("subscription", "two", "Agreements", DEPENDS, fault),
            blocked("subscription", "three", "Agreements", "no-quantity"),
            blocked("customer", "late", "Customers", DEPENDS, RowRef("subscription", "three")),
        ),
    )
    project = project_of(a_plan, customer="Customers", service="Products")
    current = current_plan_of(project, plan, None, {})

    def of(name):
        tab = next(tab for tab in current.tabs if tab.name == name)
        return held_back(current, tab, [row for row in current.rows if row.tab == name])

    assert of("Agreements") == (
        HeldBack("Customers", (RowKey("customer", "bad"),), 2, line.price * 2, price_unknown=False),
    )
    assert of("Customers") == of("Products") == ()

    left = replace(line, mapping="customer", key="bad", held=(), unexplained=Decimal(3))
    more = replace(plan, ledger=(replace(line, held=held, unexplained=Decimal(0)), left))
    current = current_plan_of(project, more, None, {})
    [held_only] = of("Agreements")
    assert (held_only.month, held_only.price_unknown) == (line.price * 2, False)
    assert current.by_row[RowKey("customer", "bad")].needs == line.price * 5

    plan = replace(plan, ledger=(replace(line, held=held, price=None),))
    current = current_plan_of(project, plan, None, {})
    [unpriced] = of("Agreements")
    assert (unpriced.month, unpriced.price_unknown) == (Decimal(0), True)
