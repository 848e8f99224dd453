"""What `plan` and `show` print of the shipped example: it fits a page, and its sums agree."""

import csv
import io
import json
import re
from decimal import ROUND_HALF_UP, Decimal

import pytest
from trueup.cli.exit_codes import Exit
from trueup.render.sanitize import width


@pytest.fixture(scope="module")
def saved(tmp_path_factory, _made):
    """A saved plan of the first day, and what `plan` printed."""
    return {"folder": _made, "file": tmp_path_factory.mktemp("plan") / "plan.json"}


@pytest.fixture
def shown(trueup, saved, whole):
    """Runs `show` with some options on the plan; what it prints."""
    if not saved["file"].exists():
        code, saved["text"], _ = trueup("plan", "--out", saved["file"])
        assert code == Exit.DONE

    def show(*options):
        code, text, err = trueup("show", saved["file"], *options)
        assert (code, err) == (Exit.DONE, "")
        return text

    return show


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def total(rows, column):
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))


def penny(amount):
    return Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_the_first_days_plan_fits_a_page(shown):
    lines = shown().splitlines()
    assert len(lines) < 100
    assert max(map(width, lines)) <= 120
    links = [line for line in lines if re.search(r"\blinks?\b", line) and "found by" in line]
    assert 1 <= len(links) <= 6  # one for each mapping
    assert not [line for line in lines if "stays in Autotask" in line][1:]
    assert "rules/" not in "\n".join(lines)


def test_plan_prints_what_show_prints(shown, saved):
    text = shown()
    assert saved["text"].startswith(text)


@pytest.mark.parametrize("columns", [40, 80])
def test_lines_fit_a_narrow_terminal(shown, monkeypatch, columns):
    piped = shown()
    monkeypatch.setenv("COLUMNS", str(columns))
    assert shown() == piped  # it says nothing about a pipe
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert max(map(width, shown("--no-color").splitlines())) <= columns
    assert max(map(width, shown("--no-color", "-v").splitlines())) <= columns


def test_csv_has_a_row_for_each_change_and_adds_up_to_the_document(shown):
    plan = json.loads(shown("--json"), parse_float=Decimal)
    rows, summary = rows_of(shown("--format", "csv")), plan["summary"]
    assert len(rows) == len(plan["changes"])
    assert total(rows, "run rate") == penny(summary["monthly"])
    invoice = summary["invoice"]
    assert total(rows, "this invoice") == penny(invoice["more"] + invoice["less"])
    once = summary["one_off"]
    assert total(rows, "of it once") == penny(once["more"] + once["less"])
    assert total(rows, "annual") == penny(12 * summary["monthly"])
    waiting = rows_of(shown("--format", "csv", "--table", "waiting"))
    assert total(waiting, "held a month") == penny(summary["ledger"]["held"]["monthly"])
    assert len([row for row in waiting if row["state"] in {"blocked", "held"}]) == (
        summary["blocked"] + summary["held"]
    )
    fields = rows_of(shown("--format", "csv", "--table", "fields"))
    assert len(fields) == sum(len(change["fields"]) for change in plan["changes"])
    ledger = rows_of(shown("--format", "csv", "--table", "ledger"))
    assert len(ledger) == len(plan["ledger"])


def test_each_change_in_csv_has_its_customer_and_its_reason(shown):
    rows = rows_of(shown("--format", "csv"))
    adjusted = [row for row in rows if row["action"] == "adjust"]
    assert adjusted
    assert all(row["customer"] and row["service"] and row["day"] for row in adjusted)
    assert all(row["reason"] for row in rows)


def test_order_and_groups_are_options(shown):
    by_name = shown("--sort", "name").split("By customer")[1].splitlines()[1:9]
    names = [re.split(r" {2,}", line.strip())[0] for line in by_name]
    assert names == sorted(names, key=str.casefold)
    assert "\nBy service" in shown("--group", "service")
    assert "\nBy tab" in shown("--group", "tab")
    few = shown("--min-amount", "250").split("What matters most")[1].split("\n\n")[0]
    assert few.count("±") == len(re.findall(r"^  ±", few, re.MULTILINE)) >= 5
    assert "lines more" in few


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--min-amount", ""], "--min-amount is empty: give it a value, or leave it out."),
        (["--min-amount", "few"], "'few' is no amount: give a number such as 50"),
        (["--min-amount", "-1"], "'-1' is no amount: give a number such as 50"),
        (["--min-amount", "1_000"], "'1_000' is no amount: give a number such as 50"),
        (["--min-amount", "٥٠"], "'٥٠' is no amount"),
        (["--min-amount", "NaN"], "'NaN' is no amount"),
        (["--sort", "size"], "'size' is not one of 'money', 'name'"),
        (["--group", "row"], "'row' is not one of 'customer', 'tab', 'service'"),
        (["--table", "waiting"], "--table is a table of CSV: it needs --format csv."),
        (["--json", "--format", "csv", "--table", "fields"], "it needs --format csv."),
    ],
)
def test_options_that_mean_nothing_are_wrong_usage(trueup, saved, options, message):
    code, _, err = trueup("show", saved["file"], *options)
    assert code == Exit.USAGE
    assert message in err
