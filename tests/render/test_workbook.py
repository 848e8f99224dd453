"""A plan as an Excel workbook: read back, with its formulas computed again from the cells."""

import io
import re
import sys
import zipfile
from datetime import date, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace
from trueup.errors import EngineError
from trueup.model.finding import Finding, Severity
from trueup.render.csv_ import LONGEST
from trueup.render.overview import balance, figures, overview
from trueup.render.plan_csv import plan_csv
from trueup.render.plan_tables import TableKind, rows_of
from trueup.render.plan_xlsx import plan_xlsx
from trueup.render.workbook import Look, Workbook, cell_text, column_name
from trueup.stages.summary import Counts, summarize

from tests.render.conftest import five_thousand
from tests.support.workbooks import Book

SHEETS = [
    "Summary", "Changes", "Fields", "Blocked", "Held", "Differences", "Ledger", "Findings",
]  # fmt: skip
NUMBER = re.compile(r"<c r=\"[A-Z]+\d+\"(?: s=\"\d+\")?>(?:<f>[^<]*</f>)?<v>([^<]*)</v>")
SHORT = re.compile(r"-?\d+(\.\d{1,4})?")


def with_names(plan, *names):
    """The plan with one change for each name."""
    link = plan.changes[0]
    changes = tuple(replace(link, id=f"l{n}", name=name) for n, name in enumerate(names))
    return replace(plan, changes=changes, ledger=())


def cell_of(content):
    """The first cell of a sheet."""
    return Book(content)._formulas["One"]["A1"]


def one_cell(content, look=Look.TEXT, currency="GBP"):
    """A workbook with one cell."""
    book = Workbook("Plan", date(2026, 11, 15), currency)
    book.add("One").put(0, 0, content, look)
    return book.finished()


def test_a_plan_with_one_of_everything_has_a_row_for_each_thing(a_plan):
    book = Book(plan_xlsx(a_plan))

    assert book.titles == SHEETS
    for title, table in (
        ("Changes", TableKind.CHANGES),
        ("Fields", TableKind.FIELDS),
        ("Ledger", TableKind.LEDGER),
        ("Findings", TableKind.FINDINGS),
    ):
        assert len(book.rows(title)) == len(rows_of(a_plan, table))
        assert [*book.rows(title)[0]] == [*table.columns]
    assert book.column("Blocked", "name") == ["Cedar & Vine Catering", "Cedar main"]
    assert book.column("Held", "name") == ["Dunmore Surveyors, Exchange Online P1"]
    assert book.column("Differences", "state") == ["differs", "differs", "not known"]


def test_a_change_has_its_customer_tab_reason_and_money(a_plan):
    book = Book(plan_xlsx(a_plan))

    row = next(row for row in book.rows("Changes") if row["key"].value == "a1")
    names = ("customer", "tab", "reason", "day", "this invoice", "run rate", "annual", "currency")
    assert [row[name].value for name in names] == [
        "Alpine Dental AG",
        "Changes",
        "changed in Work 365",
        datetime(2026, 11, 15),  # noqa: DTZ001 -- what openpyxl reads of a day
        48.21,
        50.4,
        604.8,
        "GBP",
    ]
    assert row["this invoice"].number_format == '+"£"#,##0.00;-"£"#,##0.00;"£"0.00'
    assert row["day"].number_format == "yyyy-mm-dd"


def test_the_head_shows_what_the_head_of_a_plan_shows(a_plan):
    seen, head = overview(a_plan), Book(plan_xlsx(a_plan)).head()

    shown = {figure.label.strip(): figure for figure in figures(seen)}
    for label in ("This invoice run", "of it once", "A month", "A year"):
        assert head[label] == [shown[label].more, shown[label].less, shown[label].net]
    assert head["Earlier days, billed to nobody"] == [0]
    assert head["Earlier days, credit owed"] == [shown["Earlier days, credit owed"].net]
    for row in balance(seen):
        if row.money is not None:
            assert head[row.label.strip()][:2] == [row.units, row.money]
    assert head["this plan moves"][2:] == [1, 0]
    assert head["explained by nothing"][2:] == [2, 1]
    assert head["not known, in no sum"] == [1]


def test_totals_are_formulas_over_the_rows_above(a_plan):
    book = Book(plan_xlsx(a_plan))

    assert book.totals("Changes") == {
        name: book.sum("Changes", name)
        for name in ("this invoice", "of it once", "run rate", "annual", "lost")
    }
    for title, *names in (
        ("Blocked", "held a month"),
        ("Held", "held a month"),
        ("Differences", "unexplained a month"),
        ("Ledger", "repriced", "monthly"),
    ):
        assert book.totals(title) == {name: book.sum(title, name) for name in names}


def test_units_of_the_ledger_add_up_to_the_head(a_plan):
    *known, unknown = a_plan.ledger
    waits = next(line.held for line in known if line.held)
    book = Book(plan_xlsx(replace(a_plan, ledger=(*known, replace(unknown, held=waits)))))

    for name, total in (
        ("moved", a_plan.summary.ledger.moved),
        ("held", a_plan.summary.ledger.held),
    ):
        cells = [cell for cell in book.column("Ledger", name) if cell is not None]
        assert (len(cells), sum(cells)) == (len(known), total.units)


def test_numbers_are_decimals_without_the_noise_of_binary_fractions():
    for amount in ("9.95", "8.41", "0.57", "-1.15", "1234567890123.45"):
        with zipfile.ZipFile(io.BytesIO(one_cell(Decimal(amount), Look.EFFECT))) as file:
            sheet = file.read("xl/worksheets/sheet1.xml").decode()
        assert NUMBER.findall(sheet) == [amount]


def test_no_number_of_a_plan_has_more_places_than_are_shown(a_plan):
    with zipfile.ZipFile(io.BytesIO(plan_xlsx(a_plan))) as file:
        sheets = [file.read(name).decode() for name in file.namelist() if "worksheets/" in name]
    numbers = [number for sheet in sheets for number in NUMBER.findall(sheet)]

    assert len(numbers) > 100
    assert [number for number in numbers if not SHORT.fullmatch(number)] == []


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "|cmd", "\uff1d1", '=HYPERLINK("http://x")', "{=1}", "007"],
)
def test_text_stays_text_even_when_it_is_edited(a_plan, name):
    row = Book(plan_xlsx(with_names(a_plan, name))).rows("Changes")[0]

    assert (row["name"].value, row["name"].data_type) == (name, "s")
    assert row["name"].quotePrefix is (name[0] not in "{0")
    assert row["name"].hyperlink is None


def test_a_name_shows_what_it_is(a_plan):
    names = (
        "<img src=x onerror=alert(1)>",
        "a\u202eb\x00\x1b",
        "_x0041_",
        "x" * 10_000,
        "株\ud800",
    )
    book = Book(plan_xlsx(with_names(a_plan, *names)))

    assert book.column("Changes", "name") == [
        "<img src=x onerror=alert(1)>",
        "a\\u202eb\\x00\\x1b",
        "_x0041_",
        "x" * 10_000,
        "株\\ud800",
    ]


@pytest.mark.parametrize("letter", ["x", "\N{GRINNING FACE}", "\u202e"])
def test_no_text_is_longer_than_a_cell_can_hold(letter):
    shown = cell_text(letter * 2 * LONGEST)

    assert len(shown.encode("utf-16-le")) <= 2 * 32_767
    assert cell_of(one_cell(letter * 2 * LONGEST)).value == shown


def test_a_long_number_keeps_its_digits_and_an_early_day_is_text():
    assert cell_of(one_cell(12345678901234567)).value == "12345678901234567"
    assert cell_of(one_cell(123456789012345)).value == 123456789012345
    assert cell_of(one_cell(date(1899, 12, 31))).value == "1899-12-31"


@pytest.mark.parametrize(
    ("currency", "shown"),
    [
        ("GBP", '"£"#,##0.00'),
        ("CHF", '"CHF "#,##0.00'),
        ("", "#,##0.00"),
        ('X"[Red]0;', '"XRed0 "#,##0.00'),
    ],
)
def test_amounts_have_their_currency(currency, shown):
    assert cell_of(one_cell(Decimal(1), Look.AMOUNT, currency)).number_format == shown


def test_a_plan_without_changes_has_every_sheet_and_comes_to_zero(nothing):
    book = Book(plan_xlsx(nothing))

    assert book.titles == SHEETS
    assert [book.rows(title) for title in SHEETS[1:]] == [[]] * 7
    assert {tuple(amounts) for label, amounts in book.head().items() if "year" in label} == {
        (0, 0, 0)
    }


def test_an_undo_says_nothing_of_what_is_billed_wrong(a_plan):
    plan = replace(a_plan, undo_of="r7", ledger=(), blocked=(), findings=())
    head = Book(plan_xlsx(plan)).head()

    assert "A month" in head
    assert not {"Billed too little", "explained by nothing", "not known, in no sum"} & {*head}


def test_what_was_not_read_in_full_is_named(in_part):
    plan, text = in_part
    rows = Book(plan_xlsx(plan))._formulas["Summary"].iter_rows(values_only=True)

    assert {name: value for name, value, *_ in rows}["In part"] == text


def test_a_plan_of_blocked_rows_alone_shows_what_they_hold_back(a_plan):
    summary = summarize(Counts(1, 1, 1, 1, 1), (), a_plan.blocked, a_plan.summary.ledger)
    plan = replace(a_plan, changes=(), waves=(), summary=summary)
    book = Book(plan_xlsx(plan))

    assert book.rows("Changes") == []
    assert book.totals("Blocked") == {"held a month": Decimal("9.33")}
    assert book.head()["held or blocked"] == [6, Decimal("15.73"), 2, 0]


def test_a_plan_of_5000_changes_has_5000_rows_that_add_up(a_plan):
    changes = five_thousand()
    book = Book(plan_xlsx(replace(a_plan, changes=changes)))

    assert len(book.rows("Changes")) == 5000
    assert book.totals("Changes")["run rate"] == Decimal("1785357.14")
    assert book.head()["A month"][2] == Decimal("1785357.14")


def test_the_same_plan_gives_the_same_bytes(a_plan):
    content = plan_xlsx(a_plan)

    assert plan_xlsx(a_plan) == content
    made = Book(content)._formulas.properties.created
    assert made == datetime(2026, 11, 15)  # noqa: DTZ001 -- openpyxl leaves the zone out


def test_findings_have_their_place(a_plan):
    limit = Finding("x", Severity.INFO, "=1", "=2", key="c4", mapping="customer", name="Dunmore")
    book = Book(plan_xlsx(replace(a_plan, findings=(limit, *a_plan.findings))))

    assert book.column("Findings", "place")[-1] == "trueup.yaml:31:3"
    first = book.rows("Findings")[0]
    assert [first[name].value for name in ("customer", "text", "remedy")] == ["Dunmore", "=1", "=2"]


def test_columns_are_named_as_spreadsheets_name_them():
    assert [column_name(n) for n in (0, 25, 26, 51, 52, 701, 702)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip


def test_what_is_missing_is_named_with_the_command_that_installs_it(a_plan, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)

    with pytest.raises(EngineError) as raised:
        plan_xlsx(a_plan)

    assert str(raised.value) == "writing an Excel workbook needs `pip install 'trueup[excel]'`"
    assert plan_csv(a_plan)
