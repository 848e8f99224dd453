"""The head of a plan: what it comes to, whether it can be signed, and what comes first."""

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace
from trueup.model.change import Action, FieldChange, InvoiceEffect, Reason, RowRef
from trueup.model.finding import Finding, Severity
from trueup.model.plan import LedgerClass, LeftOut
from trueup.planning.comparison import compare
from trueup.planning.explaining.totals import explain_total
from trueup.render.comparison import comparison_text
from trueup.render.markdown import plan_markdown
from trueup.render.overview import money_lines, overview, signing, view_of
from trueup.render.plan_html import plan_html
from trueup.render.report import money_rows
from trueup.render.text import plan_text
from trueup.render.view import Arrangement, GroupBy, Sort
from trueup.stages.summary import Counts, summarize

from tests.render.conftest import ALPINE, ELM, change, ledger
from tests.render.test_text import section

OPEN_RUN = Finding(
    "run-open",
    Severity.WARNING,
    "run r7, begun 2026-11-14 08:00 UTC by anna, is not finished: 3 of 9 changes were tried",
    "`trueup apply --resume` finishes it",
)


NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))


def of_changes(plan, *changes, **more):
    """The plan with these changes alone, and its figures."""
    summary = summarize(Counts(1, 1, 1, 1, len(changes)), changes)
    empty = {"blocked": (), "findings": (), "left_out": (), "ledger": (), "exceeded": ()}
    return replace(plan, changes=changes, summary=summary, **(empty | more))


def adjusted(id_, before, after, month, **more):
    """An adjustment of units of Alpine Dental."""
    return change(
        id_,
        Action.ADJUST,
        "license_change",
        more.pop("name", f"Alpine, {id_}"),
        units=(before, after),
        monthly=None if month is None else Decimal(month),
        under=more.pop("under", (ALPINE,)),
        **more,
    )


def verdict(plan):
    text = section(plan_text(plan), "Can be signed")
    return " ".join(text.splitlines()[0].split()[3:])


def test_an_open_run_is_shown_before_anything_else(a_plan):
    plan = replace(a_plan, findings=(*a_plan.findings, OPEN_RUN))
    text = plan_text(plan)
    assert text.startswith(
        "! run r7, begun 2026-11-14 08:00 UTC by anna, is not finished: 3 of 9 changes were tried\n"
        "    → `trueup apply --resume` finishes it\n\n"
        "Plan: "
    )
    assert text.count("run r7") == 1
    assert plan_markdown(plan).startswith("**run r7, begun 2026-11-14 08:00 UTC by anna")


def test_the_summary_is_first_and_last(a_plan, nothing):
    lines = plan_text(a_plan).splitlines()
    assert lines[:2] == lines[-2:]
    assert lines[0].startswith("Plan: 1 to link, 2 to add,")
    assert plan_text(nothing).count("No changes.") == 1


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({}, "Yes."),
        ({"findings": (OPEN_RUN,)}, "No: 1 run open."),
    ],
)
def test_a_plan_can_be_signed_unless_a_run_is_open(nothing, more, sentence):
    assert verdict(of_changes(nothing, adjusted("a", 1, 2, 5), **more)) == sentence


def test_a_plan_over_a_limit_cannot_be_signed_as_it_is(a_plan):
    assert verdict(a_plan) == "No: over 1 limit."


def test_doubts_are_named_beside_the_yes(nothing):
    changes = (
        adjusted("a", 1, 2, 0),
        adjusted("b", 1, 2, None, price_unknown=True),
        adjusted("c", 1, 2, 3, lost=Decimal("7.74")),
        adjusted("d", 2, 1, -3, lost=Decimal("-2.50")),
    )
    sentence = " ".join(section(plan_text(of_changes(nothing, *changes)), "Can be signed").split())
    assert sentence.startswith(
        "Can be signed Yes, after a look at 1 price unknown, 1 price of zero, "
        "£7.74 lost for earlier days, £2.50 of credit owed for earlier days."
    )


@pytest.mark.parametrize(
    ("price", "cost"),
    [(Decimal(2), "-£2.00 a month"), (None, "£0.00 a month and 1 line without a price")],
)
def test_a_doubt_about_the_ledger_names_what_its_money_lacks(nothing, price, cost):
    line = ledger(LedgerClass.OVER_BILLED, "Premium", (0, 1, 0), price)
    plan = of_changes(nothing, adjusted("a", 1, 2, 5), ledger=(line,))

    assert signing(overview(plan)) == (True, f"after a look at {cost} that nothing explains")


def test_lost_money_has_a_row_of_its_own(nothing):
    changes = (
        adjusted("c", 1, 2, 3, lost=Decimal("7.74")),
        adjusted("d", 2, 1, -3, lost=Decimal("-2.50")),
    )
    rows = section(plan_text(of_changes(nothing, *changes)), "Money").splitlines()
    assert [" ".join(row.split()) for row in rows[-2:]] == [
        "Earlier days, billed to nobody +£7.74",
        "Earlier days, credit owed -£2.50",
    ]


def test_ten_lines_matter_most_and_the_rest_is_summed_up(nothing):
    plan = of_changes(nothing, *(adjusted(f"a{n:02}", 0, 1, 10 + n) for n in range(15)))
    rows = section(plan_text(plan), "What matters most").splitlines()[1:]
    assert [row.split()[2] for row in rows[:10]] == [f"a{n:02}" for n in range(14, 4, -1)]
    assert rows[10].split() == [
        "and",
        "5",
        "lines",
        "more",
        "(-v",
        "shows",
        "them)",
        "£0.00",
        "+£60.00",
    ]
    assert len(section(plan_text(plan, verbose=True), "What matters most").splitlines()) == 17


@pytest.fixture
def unpriced(nothing):
    """Changes of one customer each; the first 13 have a price, the last 14 have none."""
    customers = [RowRef("customer", f"u{n}", f"Customer {n:02}") for n in range(27)]
    return of_changes(
        nothing,
        *(adjusted(f"a{n:02}", 0, 1, 10 + n, under=(customers[n],)) for n in range(13)),
        *(
            adjusted(f"b{n:02}", 0, 1, None, price_unknown=True, under=(customers[n],))
            for n in range(13, 27)
        ),
    )


def test_changes_without_a_price_come_first_and_those_that_are_only_counted_have_a_mark(unpriced):
    text = plan_text(unpriced)

    top = [" ".join(row.split()) for row in section(text, "What matters most").splitlines()]
    assert top[1:11] == [f"± Alpine, b{n} 0 → 1 ? ?" for n in range(13, 23)]
    assert top[11] == "and 17 lines more (-v shows them) ? +£208.00 ?"
    page = plan_markdown(unpriced)
    assert "| and 17 more |  | ? | +£208.00 ? |" in page
    assert "| Customer 13 | 1 adjusted | ? | ? |" in page
    assert "| and 19 more | 19 adjusted | ? | +£208.00 ? |" in page
    assert "| **all** | 27 adjusted | ? | +£208.00 ? |" in page


@pytest.mark.parametrize("lacks", [True, False])
def test_sums_that_lack_a_change_without_a_price_have_a_mark(unpriced, lacks):
    plan = unpriced if lacks else of_changes(unpriced, *unpriced.changes[:13])
    mark, words = (" ?", ", price unknown") if lacks else ("", "")

    rows = [" ".join(row.split()) for row in section(plan_text(plan), "Money").splitlines()]
    assert rows[1:] == [
        f"This invoice run £0.00 £0.00 £0.00{mark}",
        f"A month +£208.00 £0.00 +£208.00{mark}",
        f"A year +£2,496.00 £0.00 +£2,496.00{mark}",
    ]
    assert f"| A month | +£208.00 | £0.00 | +£208.00{mark} |" in plan_markdown(plan)
    seen = overview(plan)
    assert money_rows(seen, view_of(seen))[1].cells[2] == f"+£208.00{words}"
    answers = plan_html(plan).partition('<dl class="answers">')[2].partition("</dl>")[0]
    assert answers.count("<p>price unknown</p>") == 3 * lacks


@pytest.mark.parametrize("lacks", [True, False])
def test_a_comparison_marks_sums_that_lack_a_change_without_a_price(nothing, lacks):
    billed = InvoiceEffect(*NOVEMBER, Decimal("4.50"))
    line = ledger(LedgerClass.OVER_BILLED, "Premium", (0, 1, 0), None if lacks else Decimal(2))
    before = of_changes(nothing, adjusted("a", 0, 1, 10, invoice=billed))
    after = of_changes(nothing, adjusted("a", 0, 1, None, price_unknown=lacks), ledger=(line,))
    mark = " ?" if lacks else ""

    text = comparison_text(compare(before, after, "main"))
    rows = [" ".join(row.split()) for row in text.splitlines()]
    for row in (
        f"This invoice run +£4.50 £0.00{mark} -£4.50{mark}",
        f"A month +£10.00 £0.00{mark} -£10.00{mark}",
        f"Alpine Dental AG, from 2026-11-01 +£4.50 £0.00{mark} -£4.50{mark}",
        f"2026-11 +£4.50 £0.00{mark} -£4.50{mark}",
        "Billed too much, a month £0.00 £0.00 ? ?"
        if lacks
        else "Billed too much, a month £0.00 £2.00 +£2.00",
    ):
        assert row in rows
    assert text.endswith(f"-£10.00{mark} a month.\n")


def test_a_total_lists_the_changes_that_it_lacks(unpriced):
    total = explain_total(unpriced, "A month")

    assert len(total.parts) == 27
    assert sum(part.unpriced for part in total.parts) == 14
    assert total.amount == Decimal(208)


def test_a_minimum_amount_leaves_out_no_change_without_a_price(unpriced):
    text = plan_text(unpriced, arrangement=Arrangement(min_amount=Decimal(20)))

    assert [line for line in text.splitlines() if line in {"Customer 13", "Customer 00"}] == [
        "Customer 13"
    ]
    assert "\n10 with less money, 10 adjusted, +£145.00 a month\n" in text


def test_what_needs_a_person_without_a_price_comes_first(nothing):
    lines = [
        ledger(LedgerClass.OVER_BILLED, f"Row {n}", (0, 1, 0), price, f"reason {n}")
        for n, price in enumerate([*[Decimal(2)] * 6, *[None] * 7])
    ]
    plan = of_changes(nothing, ledger=tuple(lines))

    table = plan_text(plan).partition("\nNeeds a person ")[2].partition("\n\n")[2]
    shown = [" ".join(row.split()) for row in section(table, "Needs a person").splitlines()]
    assert [row for row in shown if row.startswith("! ")] == [
        f"! Row {n}: Reason {n} differs -1 ?" for n in (10, 11, 12, 6, 7)
    ]
    assert "and 8 more -8 -£12.00 ?" in shown


def test_changes_that_are_sent_together_are_one_line(nothing):
    more = adjusted("more", 0, 12, 120, name="Premium (new term)", together=("less",))
    less = adjusted("less", 10, 0, -100, name="Premium", together=("more",))
    other = adjusted("other", 1, 2, 5)
    plan = of_changes(nothing, less, more, other)
    lines = money_lines(overview(plan))
    assert [(line.name, line.month) for line in lines] == [
        ("Premium (new term), in place of Premium", Decimal(20)),
        ("Alpine, other", Decimal(5)),
    ]
    text = section(plan_text(plan), "What matters most")
    assert "± Premium (new term), in place of Premium   0 → 12, 10 → 0" in text


def test_small_lines_are_counted_and_not_shown(nothing):
    changes = (
        adjusted("a", 0, 1, 10, invoice=InvoiceEffect(*NOVEMBER, Decimal("4.50"))),
        adjusted("b", 0, 1, 70, under=(ELM,)),
        adjusted("c", 2, 1, -70, under=(ELM,)),
    )
    few = Arrangement(min_amount=Decimal(50))
    text = plan_text(of_changes(nothing, *changes), arrangement=few)
    rows = [" ".join(row.split()) for row in section(text, "What matters most").splitlines()]
    assert rows[1:4] == [
        "± Alpine, b 0 → 1 £0.00 +£70.00",
        "± Alpine, c 2 → 1 £0.00 -£70.00",
        "and 1 line more (-v shows them) +£4.50 +£10.00",
    ]
    assert "\n1 with less money, 1 adjusted, +£4.50 this invoice, +£10.00 a month\n" in text
    assert "\nAlpine Dental AG\n" not in text


@pytest.mark.parametrize(
    ("group", "titles"),
    [
        (GroupBy.CUSTOMER, ["Elm & Oak", "Alpine Dental AG"]),
        (GroupBy.SERVICE, ["Exchange", "Premium"]),
        (GroupBy.TAB, ["Changes"]),
    ],
)
def test_changes_are_under_what_they_are_grouped_by(nothing, group, titles):
    premium, exchange = RowRef("service", "p1", "Premium"), RowRef("service", "p2", "Exchange")
    plan = of_changes(
        nothing,
        adjusted("a", 0, 1, 10, under=(premium, ALPINE)),
        adjusted("b", 0, 1, 70, under=(exchange, ELM)),
    )
    text = plan_text(plan, arrangement=Arrangement(group=group))
    found = [
        line
        for line in text.splitlines()
        if line in {"Elm & Oak", "Alpine Dental AG", "Premium", "Exchange", "Changes"}
    ]
    assert found == titles


def test_groups_are_sorted_by_name_where_it_is_requested(nothing):
    plan = of_changes(
        nothing,
        adjusted("a", 0, 1, 10, under=(ALPINE,)),
        adjusted("b", 0, 1, 70, under=(ELM,)),
    )
    by_name = plan_text(plan, arrangement=Arrangement(sort=Sort.NAME))
    assert by_name.index("\nAlpine Dental AG\n") < by_name.index("\nElm & Oak\n")
    by_money = plan_text(plan)
    assert by_money.index("\nAlpine Dental AG\n") > by_money.index("\nElm & Oak\n")


def test_a_customer_is_a_reference_and_never_a_part_of_a_name(nothing):
    comma = RowRef("customer", "c1", "Dunmore, Surveyors & Sons")
    same = RowRef("customer", "c2", "Dunmore, Surveyors & Sons")
    plan = of_changes(
        nothing,
        adjusted("a", 0, 1, 10, name="Dunmore, Surveyors & Sons, Premium", under=(comma,)),
        adjusted("b", 0, 1, 20, name="Dunmore, Surveyors & Sons, Premium", under=(same,)),
    )
    assert plan_text(plan).count("\nDunmore, Surveyors & Sons\n") == 2


def test_many_changes_are_summed_up_by_customer_and_by_kind(nothing, a_plan):
    link = a_plan.changes[0]
    links = [
        replace(link, id=f"l{n}", name=f"Service {n}", how="match" if n % 2 else "identity")
        for n in range(40)
    ]
    customers = [RowRef("customer", f"u{n}", f"Customer {n}") for n in range(80)]
    fields = a_plan.changes[1].fields
    updates = [
        change(f"u{n}", Action.UPDATE, "customer", one.name, fields=fields, under=(one,))
        for n, one in enumerate(customers)
    ]
    adjusting = [adjusted(f"a{n}", 0, 1, n, under=(one,)) for n, one in enumerate(customers)]
    text = plan_text(of_changes(nothing, *links, *updates, *adjusting))
    kinds = [" ".join(line.split()) for line in section(text, "What changes").splitlines()]
    assert kinds == [
        "What changes",
        "Products services 40 links (20 found by its identity, 20 found by match)",
        (
            "Customers customers 80 changed; edited in Autotask, put back: companyNumber 80; "
            "changed in Work 365: phone"
        ),
        "80",
        "Changes license changes 80 adjusted",
    ]
    groups = [" ".join(line.split()) for line in section(text, "By customer").splitlines()]
    assert groups[1] == "Customer 79 1 changed, 1 adjusted +£79.00"
    assert groups[-2] == "and 73 more 40 links, 72 changed, 72 adjusted +£2,556.00"
    assert groups[-1] == "all 40 links, 80 changed, 80 adjusted +£3,160.00"
    assert len(text.splitlines()) < 60


def test_what_is_the_same_on_every_line_is_shown_once(a_plan):
    text, verbose = plan_text(a_plan), plan_text(a_plan, verbose=True)
    assert (text.count("stays in Autotask"), verbose.count("stays in Autotask")) == (1, 4)
    assert (text.count("← "), verbose.count("← ")) == (0, 3)
    assert "3 to mark in Work 365" in text
    assert ("rules/customer.yaml" in text, "rules/customer.yaml:4:5" in verbose) == (False, True)
    assert "trueup.yaml:31:3" in text


def test_links_that_are_shown_together_include_their_updates(nothing, a_plan):
    customers = [RowRef("customer", f"c{n}", f"Customer {n}") for n in range(12)]
    fills = FieldChange("externalID", None, "7", Reason.FIRST, "", "7")
    rows = [
        (
            change(one.key, Action.LINK, "customer", one.name, how="match", under=(one,)),
            change(
                f"{one.key}~", Action.UPDATE, "customer", one.name, fields=(fills,), under=(one,)
            ),
        )
        for one in customers
    ]
    pairs = [(link, replace(update, keys=link.keys)) for link, update in rows]
    text = plan_text(of_changes(nothing, *(one for pair in pairs for one in pair)))
    assert section(text, "Several customers").splitlines() == [
        "Several customers",
        "  → 12 customers   Companies   found by match, fills externalID",
        "      Customer 0; Customer 1; Customer 10; Customer 11 and 8 more",
    ]
    assert "Customer 5" not in text


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        (["is-billable", "is-no-trial"], "2 subscriptions, 4 license changes, for 4 reasons"),
        (["succeeded", "succeeded"], "2 subscriptions, 4 license changes, for 2 reasons"),
    ],
)
def test_rows_that_refer_to_rows_left_out_have_the_reasons_of_these(nothing, codes, text):
    rows = [
        LeftOut("subscription", f"by: {n}", (f"Row {n}",), code) for n, code in enumerate(codes)
    ]
    changes = [
        LeftOut("license_change", f"{of}, {n}", ("L",), "refers-to-left-out", cause=code)
        for of in ("its subscription", "its contract")
        for n, code in enumerate(codes)
    ]

    found = section(plan_text(replace(nothing, left_out=(*rows, *changes))), "Left out")

    assert found == f"Left out\n  {text} (-v shows them)"


def test_many_reasons_to_leave_rows_out_are_counted(nothing):
    groups = tuple(
        LeftOut("subscription", f"reason {n}", (f"Row {n}",), f"code-{n}") for n in range(4)
    )
    assert section(plan_text(replace(nothing, left_out=groups)), "Left out") == (
        "Left out\n  4 subscriptions, for 4 reasons (-v shows them)"
    )
    succeeded = tuple(replace(group, code="succeeded") for group in groups)
    assert section(plan_text(replace(nothing, left_out=succeeded)), "Left out") == (
        "Left out\n  4 subscriptions, for 1 reason (-v shows them)"
    )
    few = section(plan_text(replace(nothing, left_out=groups[:3])), "Left out")
    assert few.count("Reason") == 3
    verbose = section(plan_text(replace(nothing, left_out=groups), verbose=True), "Left out")
    assert verbose.count("Row") == 4
