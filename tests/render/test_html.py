"""A plan as an HTML page: parsed as a browser would, with its amounts added up again."""

import re
from decimal import Decimal

import pytest
from msgspec.structs import replace
from trueup.model.change import RowRef
from trueup.model.finding import Finding, Severity
from trueup.model.finding_codes import OPEN_RUN
from trueup.model.plan import LedgerClass
from trueup.render.overview import overview, verdict, waiting
from trueup.render.plan_html import plan_html
from trueup.render.report import MANY
from trueup.render.view import Arrangement, GroupBy, Sort
from trueup.stages.ledger_totals import totals
from trueup.stages.summary import Counts, summarize

from tests.render.conftest import five_thousand, ledger
from tests.support.pages import classes, parsed, rows, section, text_of

LOADS = ("src", "href", "srcset", "action", "data", "poster", "background", "ping", "style")


def page_of(plan, **options):
    return parsed(plan_html(plan, **options))


def answers(root):
    """The figures at the head, each with what stands below it."""
    found = {}
    for one in root.find(".//dl[@class='answers']"):
        note = one.find("dd/p")
        figure = text_of(one.find("dd/strong"))
        found[text_of(one.find("dt"))] = (figure, "" if note is None else text_of(note))
    return found


def groups(root):
    """The lines of the groups, by name."""
    lines = [one for one in root.iter() if "group" in classes(one)]
    return {
        text_of(line[0]): line
        for one in lines
        for line in [one.find("summary") if one.tag == "details" else one]
    }


def named(plan, name):
    """The plan with that name in every place that holds one."""
    customer = RowRef("customer", "c1", name)
    findings = [replace(one, name=name, text=name, remedy=name) for one in plan.findings]
    return replace(
        plan,
        source=name,
        changes=tuple(
            replace(
                one,
                name=name,
                entity=name,
                under=(customer,),
                notes=(name,),
                fields=tuple(
                    replace(field, field=name, shown_before=name, shown_after=name)
                    for field in one.fields
                ),
            )
            for one in plan.changes
        ),
        blocked=tuple(
            replace(one, name=name, because=(customer,), findings=tuple(findings))
            for one in plan.blocked
        ),
        findings=tuple(findings),
        ledger=tuple(
            replace(one, name=name, text=name, customer=name, customer_row=customer)
            for one in plan.ledger
        ),
        left_out=tuple(replace(one, reason=name) for one in plan.left_out),
        exceeded=tuple(replace(one, text=name, limit=name) for one in plan.exceeded),
        selection=name,
    )


@pytest.mark.parametrize("verbose", [False, True])
def test_the_page_needs_nothing_else_and_runs_nothing(a_plan, verbose):
    hostile = named(a_plan, "<script src=//x>alert(1)</script><img src=//x onerror=alert(1)>")
    root = page_of(hostile, verbose=verbose)

    tags = {element.tag for element in root.iter()}
    assert not tags & {"script", "img", "link", "iframe", "object", "base", "a", "form", "svg"}
    names = {name for element in root.iter() for name in element.keys()}  # noqa: SIM118 -- ElementTree's
    assert not [name for name in names if name.startswith("on") or name in LOADS]
    css = text_of(root.find(".//style"))
    assert not re.search(r"@import|url\(|expression|//", css)
    policy = root.find(".//meta[@http-equiv='Content-Security-Policy']")
    assert policy.get("content").startswith("default-src 'none'; style-src 'unsafe-inline';")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ('"><b x="', '"><b x="'),
        ("{{ 7 * 7 }}{% raw %}", "{{ 7 * 7 }}{% raw %}"),
        ("&lt;b&gt; & Co", "&lt;b&gt; & Co"),
        ("a\u202eb\u2066c\x00", "a\\u202eb\\u2066c\\x00"),
        ("</style></title>", "</style></title>"),
    ],
)
def test_a_name_shows_what_it_is(a_plan, name, shown):
    usual = [element.tag for element in page_of(named(a_plan, "Name")).iter()]
    root = page_of(named(a_plan, name))

    assert [element.tag for element in root.iter()] == usual
    assert shown in text_of(section(root, "What matters most"))
    assert shown in text_of(section(root, "Needs a person"))
    assert shown in text_of(section(root, "By customer"))


def test_a_value_with_backticks_is_no_command(a_plan):
    value = "`a` from 2026-11-15"
    elm = next(one for one in a_plan.changes if one.id == "u2")
    one = replace(elm, fields=(replace(elm.fields[0], shown_after=value),))
    root = page_of(replace(a_plan, changes=(one,), ledger=(), blocked=()))

    cell = next(cell for cell in root.iter("td") if "how" in classes(cell))
    assert text_of(cell) == f"companyName: Elm and Oak → {value}"


def test_a_name_without_end_is_cut(a_plan):
    page = plan_html(named(a_plan, "x" * 10_000), verbose=True)

    assert max(map(len, re.findall("x+", page))) < 500


def test_the_head_answers_what_the_head_of_a_plan_answers(a_plan):
    shown, seen = answers(page_of(a_plan)), overview(a_plan)

    assert [*shown] == [
        "This invoice run", "A month", "A year", "Needs a person", "Can be signed",
    ]  # fmt: skip
    assert shown["A month"] == ("+£16.80", "+£50.40 and -£33.60, price unknown")
    assert shown["A year"] == ("+£201.60", "+£604.80 and -£403.20, price unknown")
    many, note = shown["Needs a person"]
    assert (many, note.casefold()) == (
        str(len({item.row for item in seen.items})),
        waiting(seen).casefold(),
    )
    assert shown["Can be signed"] == ("No", "Over 1 limit")
    assert "12 creates in Companies, 10 allowed --over creates" in plain(page_of(a_plan))


def plain(root):
    return text_of(root.find("body"))


@pytest.mark.parametrize(
    "plan_with",
    [
        {"exceeded": ()},
        {"exceeded": (), "ledger": (), "changes": ()},
        {"findings": (Finding(OPEN_RUN, Severity.WARNING, "run 7 is open"),)},
    ],
)
def test_whether_it_can_be_signed_is_what_the_other_outputs_say(a_plan, plan_with):
    plan = replace(a_plan, **plan_with)

    figure, note = answers(page_of(plan))["Can be signed"]

    sentence = verdict(overview(plan)).casefold()
    assert figure in {"Yes", "No", "Nothing to sign"}
    assert figure.casefold() in sentence
    assert note.casefold() in sentence


def test_a_plan_that_leaves_no_doubt_can_be_signed(a_plan):
    lines = (ledger(LedgerClass.UNDER_BILLED, "Premium", (15, 12, 3), Decimal("16.80")),)
    changes = tuple(one for one in a_plan.changes if one.id == "a1")
    summary = summarize(Counts(1, 1, 1, 1, 1), changes, (), totals(lines))
    none = {"blocked": (), "findings": (), "exceeded": ()}
    plan = replace(a_plan, changes=changes, ledger=lines, summary=summary, **none)

    shown = answers(page_of(plan))

    assert shown["Can be signed"] == ("Yes", "")
    assert shown["Needs a person"] == ("Nothing", "")


def test_an_open_run_is_first(a_plan):
    run = Finding(OPEN_RUN, Severity.WARNING, "run 7 is open", "settle it: `trueup apply --resume`")
    root = page_of(replace(a_plan, findings=(run,)))

    alert = next(one for one in root.iter() if "alert" in classes(one))
    assert text_of(alert) == "Run 7 is open Settle it: trueup apply --resume"
    assert text_of(alert.find(".//code")) == "trueup apply --resume"


def test_what_needs_a_person_has_its_reason_and_its_way_out(a_plan):
    row = next(
        row
        for row in section(page_of(a_plan), "Needs a person").iter("tr")
        if "Cedar & Vine" in text_of(row)
    )

    assert [text_of(one) for one in row.iter("p")] == [
        "Cedar & Vine Catering blocked",
        '"n/a" is not a phone number in GB',
        "Enter a main phone on the account in Work 365",
        "Holds back 1 contact, 1 contract, 3 subscriptions, 4 license changes",
    ]
    assert [text_of(cell) for cell in row[1:]] == ["+4", "+£9.33"]


def test_changes_are_sorted_by_customer_in_blocks_that_are_closed(a_plan):
    root = page_of(a_plan)
    blocks = list(section(root, "By customer").iter("details"))
    elm = next(one for one in blocks if "Elm & Oak" in text_of(one.find("summary")))

    assert all(one.get("open") is None for one in blocks)
    assert [text_of(part) for part in elm.find("summary")][:2] == [
        "Elm & Oak",
        "1 changed, 2 adjusted",
    ]
    unpriced, first, updated = rows(elm.find("table"))
    assert unpriced["a month"] == "price unknown"
    assert first["what"] == "adjust Elm & Oak, Premium ContractServiceAdjustments, new"
    assert first["change"] == "9 → 7 units from 2026-11-15 £4.34 of credit is owed for earlier days"
    assert (first["why"], first["a month"]) == ("changed in Work 365", "-£33.60")
    assert updated["change"] == "companyName: Elm and Oak → Elm & Oak"
    assert updated["why"] == "edited in Autotask, put back"


def test_marks_in_the_source_and_the_ledger_are_shown_on_demand(a_plan):
    brief, verbose = page_of(a_plan), page_of(a_plan, verbose=True)

    assert section(brief, "Ledger") is None
    assert "of something" not in plain(brief)
    assert "+1 of something" in plain(verbose)
    shown = rows(section(verbose, "Ledger").find("table"))
    assert len(shown) == len(a_plan.ledger)
    assert shown[0]["row"].startswith("missing in Autotask Dunmore Surveyors, Defender")
    assert shown[0]["a month"] == "+£9.33"


def test_lists_refer_to_headings_that_are_there(a_plan):
    root = page_of(a_plan, verbose=True)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    named_by = {element.get("aria-labelledby") for element in root.iter()} - {None}

    assert len(ids) == len({*ids})
    assert named_by <= {*ids}
    assert root.get("lang") == "en"
    assert text_of(root.find("head/title")) == "Plan of 2026-11-15"
    assert not [one for one in root.iter("th") if not text_of(one) or not one.get("scope")]


def test_each_cell_of_a_folded_row_has_its_heading(a_plan):
    root = page_of(a_plan, verbose=True)
    tables = [one for one in root.iter("table") if "stack" in classes(one)]

    assert len(tables) > 5
    for table in tables:
        heads = [text_of(cell) for cell in table.find("thead/tr")]
        for row in [row for part in table for row in part if part.tag != "thead"]:
            labels = [cell.get("data-label") for cell in row]
            assert [label or head for label, head in zip(labels, heads, strict=True)] == heads


def test_two_systems_that_agree_need_no_head(nothing):
    root = page_of(nothing)

    assert root.find(".//dl[@class='answers']") is None
    assert plain(root) == (
        "Plan of 2026-11-15 No changes. Work 365 and Autotask agree. "
        "Work 365 examples/work365, 1,084 rows Autotask sandbox, 214 records As of 2026-11-15"
    )


def test_what_was_not_read_in_full_is_named(in_part):
    plan, text = in_part
    assert f"In part {text} As of" in plain(page_of(plan))


def test_a_part_and_an_undo_are_named(nothing):
    part = replace(nothing, selection="only customer 7")
    undo = replace(nothing, selection="undoes run r7", undo_of="r7")

    assert "A part only customer 7" in plain(page_of(part))
    assert "Undoes run r7" in plain(page_of(undo))


def test_blocked_rows_alone_are_shown_with_their_money(a_plan):
    summary = summarize(Counts(1, 1, 1, 1, 1), (), a_plan.blocked, a_plan.summary.ledger)
    root = page_of(replace(a_plan, changes=(), waves=(), exceeded=(), summary=summary))

    assert section(root, "Money") is None
    assert section(root, "What matters most") is None
    assert answers(root)["Can be signed"] == ("Nothing to sign", "")
    assert rows(section(root, "Needs a person").find("table"))[-1]["a month"] == (
        "+£9.33, price unknown"
    )


def test_a_plan_of_5000_changes_has_a_row_for_each(a_plan):
    changes = five_thousand()
    root = page_of(replace(a_plan, changes=changes))

    lines = groups(root)
    shown = [row for one in root.iter("details") for row in one.findall("table/tbody/tr")]
    assert len([row for row in shown if "Licence" in text_of(row)]) == 5000
    assert "a month +£1,785,357.14" in text_of(lines["all"])
    assert len(lines) == 503  # the customers, one of the ledger, one that is blocked, all


def test_many_rows_that_need_a_person_are_folded_away_but_counted(a_plan):
    price = Decimal("1.005")
    lines = tuple(
        replace(
            ledger(LedgerClass.UNDER_BILLED, f"Row {n}", (n, 0, 0), price, f"reason {n}"),
        )
        for n in range(1, MANY + 12)
    )
    plan = replace(a_plan, ledger=lines, blocked=(), findings=())
    needs = section(page_of(plan), "Needs a person")

    shown, folded = (rows(table) for table in needs.iter("table"))
    amounts = [Decimal(row["a month"].strip("+£").replace(",", "")) for row in shown]
    assert len(folded) == 11
    assert len(shown) == MANY + 2
    assert sum(amounts[:-1]) == amounts[-1]
    assert sum(Decimal(row["a month"].strip("+£")) for row in folded) == amounts[-2]
    assert text_of(needs.find("details/summary")) == (
        f"11 more that need a person; a month: +£{amounts[-2]}"
    )


def test_rows_with_the_same_reason_are_one_entry_that_lists_them(a_plan):
    lines = tuple(
        ledger(LedgerClass.UNDER_BILLED, f"Row {n}", (n, 0, 0), Decimal(2), "nothing explains it")
        for n in range(1, 5)
    )
    plan = replace(a_plan, ledger=lines, blocked=(), findings=())
    needs = section(page_of(plan), "Needs a person")

    entry, whole = rows(needs.find("table"))
    assert entry["a month"] == whole["a month"] == "+£20.00"
    assert [text_of(one) for one in needs.iter("li")] == [
        f"Row {n}, +{n} units, +£{2 * n}.00 a month" for n in (4, 3, 2, 1)
    ]


@pytest.mark.parametrize("group", GroupBy)
@pytest.mark.parametrize("sort", Sort)
def test_order_and_groups_are_as_requested(a_plan, group, sort):
    root = page_of(a_plan, arrangement=Arrangement(sort, Decimal(0), group))
    title = {"customer": "By customer", "tab": "By tab", "service": "By service"}[group]

    names = [name for name in groups(root) if name not in {"all", "(no customer)", "(no service)"}]
    assert section(root, title) is not None
    if sort is Sort.NAME and group is not GroupBy.TAB:
        assert names == sorted(names, key=str.casefold)


def test_small_amounts_are_counted_and_not_listed(a_plan):
    root = page_of(a_plan, arrangement=Arrangement(min_amount=Decimal(45)))
    lines = groups(root)

    assert {"Elm & Oak", "Alpine Dental AG", "Brightwater Logistics Ltd", "all"} < {*lines}
    assert "Customer 1" not in lines
    assert [name for name in lines if name.endswith("with less money")] == ["10 with less money"]
    needs = rows(section(root, "Needs a person").find("table"))
    assert needs[-2]["row and reason"].endswith("with less money")


def test_the_currency_is_the_plans_own(a_plan):
    shown = answers(page_of(replace(a_plan, currency="CHF")))

    assert shown["A month"] == ("+CHF 16.80", "+CHF 50.40 and -CHF 33.60, price unknown")
