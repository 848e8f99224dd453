"""Workbooks and HTML pages show the plan's totals, and in each the parts add up to the whole.

The right values are computed from the plan's changes and lines, as in `test_totals`.
"""

import pytest
from hypothesis import given, settings
from trueup.render.plan_html import plan_html
from trueup.render.plan_xlsx import plan_xlsx
from trueup.render.text import plan_text

from tests.render.test_totals import (
    MONEY,
    amount_of,
    check_figures,
    large_plan,
    plans,
    right,
    shown_ledger,
    summed,
    tables_of_text,
)
from tests.support.pages import classes, parsed, rows, text_of
from tests.support.workbooks import Book


@pytest.fixture
def many():
    """A plan of 150 changes and 40 lines that differ."""
    return large_plan()


def check_workbook(plan):
    """Each formula is computed again from the cells, and each total is the plan's own."""
    book, expected = Book(plan_xlsx(plan)), right(plan)
    head, five = book.head(), shown_ledger(plan, tables_of_text(plan_text(plan)))
    if plan.changes:
        assert book.totals("Changes") == expected
    names = {"This invoice run": "this invoice", "A month": "run rate", "A year": "annual"}
    for label, name in (names | {"of it once": "of it once"}).items():
        assert head[label] == [*sides(plan, label), expected[name]]
    lost = head["Earlier days, billed to nobody"] + head["Earlier days, credit owed"]
    assert sum(lost) == expected["lost"]
    shown = {"held or blocked": "held", "explained by nothing": "left", "this plan moves": "moved"}
    shown |= {"Billed too little": "under", "Billed too much": "over"}
    assert {of: head[label][1] for label, of in shown.items()} == five
    assert book.sum("Ledger", "monthly") == five["under"] - five["over"]


def sides(plan, label):
    """Increases and decreases as the page shows them; nothing where no change has money."""
    rows = dict(tables_of_text(plan_text(plan)).get("Money", ()))
    return [rows[label][side] if label in rows else 0 for side in ("more", "less")]


def tables_of_html(page):
    """The same of HTML; the lines of the groups are rows as well."""
    found = {}
    for part in parsed(page).iter("section"):
        heading = part.find("h2")
        title = "" if heading is None else text_of(heading)
        if title.startswith("By "):
            found[title] = [group_of(line) for line in part if "group" in classes(line)]
        elif part.find("table") is not None:
            found[title] = [named_amounts(row) for row in rows(part.find("table"))]
    return found


def named_amounts(row):
    """A row's name and its amounts by heading."""
    name, *cells = row.items()
    return name[1], {head: amount_of(cell) for head, cell in cells if MONEY.fullmatch(cell)}


def group_of(line):
    """The name and amounts of a group; its own rows must add up to them."""
    spans = line.find("summary") if line.tag == "details" else line
    shown = [(text_of(one.find("small")), one) for one in spans if one.find("small") is not None]
    amounts = {label: amount_of(MONEY.search(text_of(one))[0]) for label, one in shown}
    if line.tag == "details":
        inside = [named_amounts(row) for row in rows(line.find("table"))]
        for head in ("this invoice", "a month"):
            assert summed(inside, head) == amounts.get(head, 0)
    return text_of(spans[0]), amounts


def check_page(plan):
    """What HTML shows adds up, down to each change and each row that needs a person."""
    shown, expected = tables_of_html(plan_html(plan)), right(plan)
    five = shown_ledger(plan, shown)
    if "Money" in shown:
        check_figures(plan, shown)
    lines = shown.get("By customer", [])
    whole = [lines.pop()[1]] if lines and lines[-1][0] == "all" else []
    names = {"this invoice": expected["this invoice"], "a month": expected["run rate"]}
    for head, total in (names | {"waits": five["held"]}).items():
        assert summed(lines, head) == total
        assert all(one.get(head, 0) == total for one in whole)
    *needs, whole = shown.get("Needs a person", [("all", {})])
    assert summed(needs, "a month") == whole[1].get("a month", 0) == five["held"] + five["left"]


def test_the_formulas_of_a_workbook_come_to_the_plans_totals(many):
    check_workbook(many)


def test_each_change_and_each_row_of_a_page_adds_up(many):
    check_page(many)


def test_the_tables_of_a_page_show_the_totals(many):
    shown, expected = tables_of_html(plan_html(many)), right(many)
    top, groups = shown["What matters most"], shown["By customer"]

    assert len(top) == 11
    assert groups[-1] == (
        "all",
        {
            "this invoice": expected["this invoice"],
            "a month": expected["run rate"],
            "waits": shown_ledger(many, shown)["held"],
        },
    )
    assert summed(top, "this invoice") == expected["this invoice"]
    assert summed(top, "a month") == expected["run rate"]


@settings(max_examples=settings().max_examples)
@given(plans())
def test_parts_add_up_whatever_the_amounts(plan):
    check_workbook(plan)
    check_page(plan)
