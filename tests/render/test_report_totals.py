"""Workbooks show the plan's totals, and the parts add up to the whole.

The right values are computed from the plan's changes and lines, as in `test_totals`.
"""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trueup.render.plan_xlsx import plan_xlsx
from trueup.render.text import plan_text

from tests.render.test_totals import (
    AMOUNTS,
    adjustment,
    fee,
    large_plan,
    line,
    plan_of,
    right,
    shown_ledger,
    tables_of_text,
)
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
    lost = head["Posted days, billed to nobody"] + head["Posted days, credit owed"]
    assert sum(lost) == expected["lost"]
    shown = {"held or blocked": "held", "explained by nothing": "left", "this plan moves": "moved"}
    shown |= {"Billed too little": "under", "Billed too much": "over"}
    assert {of: head[label][1] for label, of in shown.items()} == five
    assert book.sum("Ledger", "monthly") == five["under"] - five["over"]


def sides(plan, label):
    """Increases and decreases as the page shows them; nothing where no change has money."""
    rows = dict(tables_of_text(plan_text(plan)).get("Money", ()))
    return [rows[label][side] if label in rows else 0 for side in ("more", "less")]


def test_the_formulas_of_a_workbook_come_to_the_plans_totals(many):
    check_workbook(many)


@settings(max_examples=60)
@given(
    amounts=st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), max_size=12),
    fees=st.lists(st.decimals(0, 900, places=3), max_size=2),
    seed=st.integers(0, 2**32),
)
def test_parts_add_up_whatever_the_amounts(amounts, fees, seed):
    changes = [adjustment(n, *three) for n, three in enumerate(amounts)]
    changes += [fee(n, amount) for n, amount in enumerate(fees)]
    chance = Random(seed)
    plan = plan_of(changes, [line(n, chance) for n in range(seed % 5)])

    check_workbook(plan)
