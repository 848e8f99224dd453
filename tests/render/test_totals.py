"""Text, Markdown, CSV and JSON show the same totals, and in each the parts add up to the whole.

The right values are computed here from the plan's changes and lines, with Decimal and nothing else.
"""

import csv
import io
import json
import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup.model import document
from trueup.model.change import Action, InvoiceEffect, RowRef
from trueup.model.plan import HeldUnits, LedgerClass
from trueup.render.ledger import figures, priced
from trueup.render.markdown import plan_markdown
from trueup.render.pennies import share, spread
from trueup.render.plan_csv import plan_csv
from trueup.render.plan_tables import TableKind
from trueup.render.text import plan_text
from trueup.render.view import Arrangement, GroupBy, Sort
from trueup.stages.ledger_totals import totals
from trueup.stages.summary import Counts, summarize

from tests.render.conftest import change, full_plan, ledger

NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))
MONEY = re.compile(r"[+-]?£[\d,]+\.\d\d")
AMOUNTS = st.decimals(-5000, 5000, places=8)


def penny(amount):
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def amount_of(text):
    return Decimal(text.replace("£", "").replace(",", "") or 0)


def adjustment(n, month, invoice, lost=None):
    """A change of units with money, of one of seven customers."""
    customer = RowRef("customer", f"c{n % 7}", f"Customer {n % 7}")
    return change(
        f"a{n}",
        Action.ADJUST,
        "license_change",
        f"Customer {n % 7}, licence {n}",
        units=(10, 11),
        monthly=month,
        invoice=InvoiceEffect(*NOVEMBER, invoice, invoice / 4),
        one_off=invoice / 4,
        lost=lost,
        under=(RowRef("service", f"p{n % 3}", f"Service {n % 3}"), customer),
    )


def fee(n, amount):
    """A new contract with a fee."""
    return change(f"k{n}", Action.CREATE, "contract", f"Contract {n}", one_off=amount)


def line(n, chance):
    """A line of the ledger that is moved, held in two pieces, and differs for no reason."""
    price = Decimal(chance.randrange(1, 90_000)) / Decimal(1200)
    moved, left = chance.randrange(-3, 4), chance.randrange(-2, 3)
    pieces = [Decimal(chance.randrange(-6, 7)) / 2 for _ in range(2)]
    held = tuple(
        HeldUnits(units, "posted", "it is posted", (f"{n}-{m}",), row)
        for m, units in enumerate(pieces)
        for row in [RowRef("license_change", f"{n}-{m}", f"Change {n}-{m}")]
        if units
    )
    gap = moved + left + sum(pieces)
    class_ = LedgerClass.UNDER_BILLED if gap > 0 else LedgerClass.OVER_BILLED
    made = ledger(class_, f"Row {n}", (0, 40, moved + sum(pieces)), price, "", held)
    return replace(
        made,
        quantity=40 + gap,
        unexplained=Decimal(left),
        moved=moved,
        monthly=kept(price * gap),
    )


def plan_of(changes, lines):
    summary = summarize(Counts(1, 1, 1, 1, 1), changes, (), totals(lines))
    empty = {"blocked": (), "findings": (), "left_out": (), "exceeded": (), "waves": ()}
    return replace(
        full_plan(), changes=tuple(changes), ledger=tuple(lines), summary=summary, **empty
    )


@pytest.fixture
def large():
    """A plan that no page holds."""
    return large_plan()


def large_plan():
    """150 changes, 40 lines that differ, amounts of eight places."""
    chance = Random(20261115)

    def amount():
        return Decimal(chance.randrange(-900_000_000, 1_500_000_000)) / Decimal(100000000) * 7

    changes = [adjustment(n, amount(), amount(), amount() / 9) for n in range(150)]
    changes += [fee(n, abs(amount())) for n in range(3)]
    return plan_of(changes, [line(n, chance) for n in range(40)])


def right(plan):
    """The plan's totals, computed from its parts alone."""
    known = {
        "run rate": [one.monthly for one in plan.changes if one.monthly is not None],
        "of it once": [one.one_off for one in plan.changes if one.one_off is not None],
        "lost": [one.lost for one in plan.changes if one.lost is not None],
    }
    known["annual"] = [12 * amount for amount in known["run rate"]]
    known["this invoice"] = [
        one.invoice.amount if one.invoice else one.one_off or Decimal(0) for one in plan.changes
    ]
    return {name: penny(sum(amounts, Decimal(0))) for name, amounts in known.items()}


def kept(amount):
    """The amount with the eight places that plans keep."""
    return amount.quantize(Decimal("1e-8"), ROUND_HALF_UP)


def right_ledger(plan):
    """The five sums of the ledger, exact."""
    sums = dict.fromkeys(("under", "over", "moved", "held", "left"), Decimal(0))
    for one in plan.ledger:
        gap = one.quantity - one.units
        held = sum((piece.units for piece in one.held), Decimal(0))
        assert gap == one.moved + held + one.unexplained
        sums["under" if gap > 0 else "over"] += kept(abs(gap) * one.price)
        sums["moved"] += kept(one.moved * one.price)
        sums["held"] += kept(held * one.price)
        sums["left"] += kept(one.unexplained * one.price)
    return sums


def shown_ledger(plan, shown):
    """The five sums as they are shown: they add up, and each is right to the penny."""
    names = {
        "Billed too little": "under",
        "Billed too much": "over",
        "this plan moves": "moved",
        "held or blocked": "held",
        "explained by nothing": "left",
    }
    rows = [(name, amounts) for name, amounts in shown.get("Billed now", ()) if amounts]
    five = {names[name]: amounts["a month"] for name, amounts in rows}
    exact = right_ledger(plan)
    if not any(exact.values()):  # a table of zeros is not shown
        return dict.fromkeys(names.values(), Decimal(0))
    assert five["under"] - five["over"] == five["moved"] + five["held"] + five["left"]
    # Plans keep eight places, so half a penny may fall to either side.
    least = Decimal("1e-7")
    off = [
        name
        for name in exact
        if five[name] not in {penny(exact[name] - least), penny(exact[name] + least)}
    ]
    assert len(off) <= 1
    assert all(abs(five[name] - exact[name]) < Decimal("0.02") for name in off)
    return five


def column(text, name):
    rows = csv.DictReader(io.StringIO(text))
    cells = [row[name] for row in rows if row[name] != ""]
    assert all(re.fullmatch(r"-?\d+\.\d\d", cell) for cell in cells)
    return sum(map(Decimal, cells), Decimal(0))


def check_csv(plan):
    changes = plan_csv(plan)
    assert changes.count("\n") == len(plan.changes) + 1
    for name, total in right(plan).items():
        assert column(changes, name) == total
    five = shown_ledger(plan, tables_of_text(plan_text(plan)))
    waiting = plan_csv(plan, TableKind.WAITING)
    assert column(waiting, "held a month") == five["held"]
    assert column(waiting, "unexplained a month") == five["left"]
    lines_ = plan_csv(plan, TableKind.LEDGER)
    for name in ("moved", "held", "unexplained"):
        cells = [Decimal(row[name] or 0) for row in csv.DictReader(io.StringIO(lines_))]
        assert sum(cells) == getattr(plan.summary.ledger, name).units
    assert column(lines_, "monthly") == five["under"] - five["over"]


def test_each_column_of_csv_adds_up_to_the_plans_total(large):
    check_csv(large)


def test_a_line_that_is_not_known_is_in_no_sum_of_the_ledgers_table():
    held = HeldUnits(Decimal(14), "waits", "it waits", ("9",), RowRef("license_change", "9", ""))
    known = ledger(LedgerClass.UNDER_BILLED, "Visio", (8, 3, 4), Decimal(2))
    unknown = ledger(LedgerClass.UNKNOWN, "Power BI", (None, 5, 17), Decimal(2), held=(held,))
    plan = plan_of((), [known, unknown])

    rows = [*csv.DictReader(io.StringIO(plan_csv(plan, TableKind.LEDGER)))]

    columns = ("moved", "held", "unexplained", "monthly")
    assert [[row[name] for name in columns] for row in rows] == [
        ["4", "0", "1", "10.00"],
        ["", "", "", ""],
    ]
    assert (plan.summary.ledger.moved.units, plan.summary.ledger.held.units) == (4, 0)
    assert [figures(line, amount, "GBP") for line, amount in priced(plan)] == [
        ["8", "3", "+4", "", "+1", "+£10.00"],
        ["?", "5", "", "", "?", ""],
    ]


@st.composite
def plans(draw):
    """Plans of any amounts, with up to five lines that differ."""
    amounts = draw(st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), max_size=12))
    fees = draw(st.lists(st.decimals(0, 900, places=3), max_size=2))
    seed = draw(st.integers(0, 2**32))
    changes = [adjustment(n, *three) for n, three in enumerate(amounts)]
    changes += [fee(n, amount) for n, amount in enumerate(fees)]
    chance = Random(seed)
    return plan_of(changes, [line(n, chance) for n in range(seed % 5)])


@settings(max_examples=settings().max_examples * 2)
@given(plans())
def test_columns_add_up_whatever_the_amounts(plan):
    check_csv(plan)
    shown = tables_of_text(plan_text(plan))
    if shown.get("Money"):
        check_figures(plan, shown)


def tables_of_text(page):
    """The tables of a page by title: rows of a name, and amounts by the heading above them."""
    found, title, ends = {}, "", {}
    for row in page.splitlines():
        if row and not row.startswith(" "):
            title = re.split(r" {2,}", row)[0]
            heads = re.finditer(r"(?<= {2})\S+( \S+)*", row)
            ends = {head.end(): head[0] for head in heads}
        elif row and ends:
            amounts = {ends.get(one.end()): amount_of(one[0]) for one in MONEY.finditer(row)}
            name = re.split(r" {3,}", row.strip())[0]
            if None not in amounts and amounts:
                found.setdefault(title, []).append((name, amounts))
    return found


def tables_of_markdown(page):
    """The same of Markdown."""
    found, title, heads = {}, "", []
    for row in page.splitlines():
        cells = [cell.strip() for cell in row[1:-1].split("|")]
        if row.startswith("### "):
            title = row[4:]
        elif row.startswith("|") and not heads:
            heads, title = cells, cells[0] if cells[0] in {"Money", "Billed now"} else title
        elif not row.startswith("|"):
            heads = []
        elif "---" not in row:
            pairs = zip(heads[1:], cells[1:], strict=True)
            amounts = {head: amount_of(cell) for head, cell in pairs if MONEY.fullmatch(cell)}
            found.setdefault(title, []).append((cells[0].strip("* "), amounts))
    return found


def summed(rows, head):
    """A column of a table; what is not there counts nothing."""
    return sum((amounts.get(head, Decimal(0)) for _, amounts in rows), Decimal(0))


def check_figures(plan, shown):
    """The tables of the head, against sums that are computed here."""
    expected, money = right(plan), dict(shown["Money"])
    names = {"This invoice run": "this invoice", "A month": "run rate", "A year": "annual"}
    if any(one.one_off is not None for one in plan.changes):
        names["of it once"] = "of it once"
    for name, of in names.items():
        assert money[name]["more"] + money[name]["less"] == money[name]["net"] == expected[of]
    whats = ("Earlier days, billed to nobody", "Earlier days, credit owed")
    assert sum(money[what]["net"] for what in whats if what in money) == expected["lost"]


@pytest.mark.parametrize(
    ("show", "tables"),
    [(plan_text, tables_of_text), (plan_markdown, tables_of_markdown)],
)
def test_a_page_shows_the_totals_and_its_parts_add_up(large, show, tables):
    shown = tables(show(large))
    expected, five = right(large), shown_ledger(large, shown)
    check_figures(large, shown)
    top, groups = shown["What matters most"], shown["By customer"]
    assert len(top) == 11
    assert groups.pop() == (
        "all",
        {
            "this invoice": expected["this invoice"],
            "a month": expected["run rate"],
            "waits": five["held"],
        },
    )
    for rows in (top, groups):
        assert summed(rows, "this invoice") == expected["this invoice"]
        assert summed(rows, "a month") == expected["run rate"]
    assert summed(groups, "waits") == five["held"]


@pytest.mark.parametrize("verbose", [False, True])
def test_what_needs_a_person_adds_up_to_what_is_held_and_what_is_left(large, verbose):
    page = plan_text(large, verbose=verbose)
    five = shown_ledger(large, tables_of_text(page))
    # The sentence of the head has the same title; the table has its own line for it.
    table = page[page.index("\nNeeds a person    ", page.index("Can be signed") + 200) :]
    rows = tables_of_text(table)["Needs a person"]
    assert summed(rows, "a month") == five["held"] + five["left"]


@pytest.mark.parametrize("group", GroupBy)
@pytest.mark.parametrize("sort", Sort)
def test_what_is_not_shown_is_counted(large, group, sort):
    few = Arrangement(sort, Decimal(60), group)
    shown, expected = tables_of_text(plan_text(large, arrangement=few)), right(large)
    rows = shown[{"customer": "By customer", "tab": "By tab", "service": "By service"}[group]]
    whole = rows.pop()[1]
    assert whole["this invoice"] == expected["this invoice"]
    for table in (shown["What matters most"], rows):
        assert summed(table, "this invoice") == expected["this invoice"]
        assert summed(table, "a month") == expected["run rate"]


def test_json_holds_the_same_totals(large):
    made = json.loads(document.dumps(large), parse_float=Decimal, parse_int=Decimal)
    expected = right(large)
    summary, changes = made["summary"], made["changes"]
    net = {
        name: Decimal(summary[name]["more"]) + Decimal(summary[name]["less"])
        for name in ("run_rate", "invoice")
    }
    assert penny(Decimal(net["run_rate"])) == penny(Decimal(summary["monthly"]))
    assert penny(Decimal(net["run_rate"])) == expected["run rate"]
    assert penny(Decimal(net["invoice"])) == expected["this invoice"]
    assert penny(Decimal(summary["lost"]) - Decimal(summary["credit"])) == expected["lost"]
    assert sum(Decimal(one["monthly"] or 0) for one in changes) == net["run_rate"]
    five, sums = right_ledger(large), summary["ledger"]
    for name in ("under", "over", "moved", "held"):
        assert abs(Decimal(sums[name]["monthly"]) - five[name]) <= Decimal("0.01")


@given(st.lists(AMOUNTS, max_size=30))
def test_parts_are_rounded_by_themselves_but_for_what_the_whole_needs(parts):
    whole = penny(sum(parts, Decimal(0)))
    shared = share(whole, parts)
    assert sum(shared, Decimal(0)) == whole or not parts
    assert all(
        abs(shown - exact) <= Decimal("0.01") for shown, exact in zip(shared, parts, strict=True)
    )


HALVES = st.integers(-2000, 2000).map(lambda n: Decimal(n) / 200)


@given(st.sets(HALVES, max_size=12).flatmap(lambda one: st.tuples(*[st.permutations([*one])] * 2)))
def test_an_amount_is_rounded_in_the_same_way_whatever_the_order(orders):
    first, second = ({str(part): part for part in order} for order in orders)

    assert spread(first) == spread(second)


@given(st.dictionaries(st.text(max_size=3), AMOUNTS, max_size=30))
def test_increases_and_decreases_add_up_to_the_net(amounts):
    made = spread(amounts)
    assert made.net == penny(sum(amounts.values(), Decimal(0)))
    assert sum(made.parts.values(), Decimal(0)) == made.net
    assert made.more >= 0 >= made.less or len(amounts) < 2 or abs(made.less) <= Decimal("0.01")
