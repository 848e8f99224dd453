"""Plans for other people: `show` writes them to a file, a pipe, or says why it does not."""

import io
import sys
import zipfile
from decimal import Decimal

import pytest
from trueup.cli.exit_codes import Exit
from trueup.cli.main import run
from trueup.model import document
from trueup.model.change import Action
from trueup.render.formatting import money

from tests.support.pages import parsed, rows, section, text_of
from tests.support.workbooks import Book


def test_the_workbook_of_the_first_day_comes_to_what_the_document_holds(trueup, saved, tmp_path):
    file = tmp_path / "plan.xlsx"
    assert trueup("show", saved, "--format", "xlsx", "--out", file) == (Exit.DONE, "", "")

    book, plan = Book(file.read_bytes()), document.loads(saved.read_text())
    cents = Decimal("0.01")
    totals = book.totals("Changes")
    assert len(book.rows("Changes")) == len(plan.changes)
    assert totals["run rate"] == plan.summary.run_rate.net.quantize(cents)
    assert totals["this invoice"] == plan.summary.invoice.net.quantize(cents)
    assert book.head()["held or blocked"][1] == plan.summary.ledger.held.monthly.quantize(cents)
    assert len(book.rows("Blocked")) == plan.summary.blocked
    assert len(book.rows("Ledger")) == len(plan.ledger)


def test_the_page_of_the_first_day_has_each_customer_and_each_change(trueup, saved):
    code, page, err = trueup("show", saved, "--format", "html")
    assert (code, err) == (Exit.DONE, "")

    plan, root = document.loads(saved.read_text()), parsed(page)
    written = [one for one in plan.changes if one.action is not Action.WRITE_BACK]
    groups = section(root, "By customer")
    shown = [row for table in groups.iter("table") for row in rows(table)]
    assert len(shown) == len(written)
    customers = {one.under[-1].name for one in written if one.action is Action.ADJUST}
    titles = {text_of(one.find("summary")[0]) for one in groups.iter("details")}
    assert customers <= titles
    total = money(plan.summary.invoice.net, plan.currency, signed=True)
    assert f"this invoice {total}" in text_of([*groups][-1])
    assert len(page) < 400_000


def test_order_and_size_are_options_of_a_page_too(trueup, saved):
    page = trueup("show", saved, "--format", "html", "--group", "service", "--min-amount", "100")[1]

    groups = section(parsed(page), "By service")
    assert "with less money" in text_of(groups)
    assert "Ledger" in trueup("show", saved, "--format", "html", "-v")[1]


def test_a_workbook_goes_to_a_pipe_as_it_is(saved, tmp_path, capfdbinary):
    file = tmp_path / "plan.xlsx"
    assert run(["show", str(saved), "--format", "xlsx", "--out", str(file)]) == Exit.DONE

    assert run(["show", str(saved), "--format", "xlsx"]) == Exit.DONE

    shown, err = capfdbinary.readouterr()
    assert err == b""
    assert shown == file.read_bytes()
    assert zipfile.is_zipfile(io.BytesIO(shown))


def test_a_terminal_gets_no_workbook(trueup, saved, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    code, shown, err = trueup("show", saved, "--format", "xlsx")

    assert (code, shown) == (Exit.USAGE, "")
    assert "a terminal cannot show it: name a file with --out FILE" in err


def test_a_workbook_without_the_extra_is_an_error_that_names_it(trueup, saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)

    code, shown, err = trueup("show", saved, "--format", "xlsx")

    assert (code, shown) == (Exit.ERROR, "")
    assert err == "error: writing an Excel workbook needs `pip install 'trueup[excel]'`\n"


@pytest.mark.parametrize("format_", ["text", "json", "markdown", "html", "csv"])
def test_each_format_goes_to_a_file_as_it_goes_to_a_pipe(trueup, saved, tmp_path, format_):
    file = tmp_path / "plan"
    shown = trueup("show", saved, "--format", format_)[1]

    assert trueup("show", saved, "--format", format_, "--out", file) == (Exit.DONE, "", "")

    assert file.read_text("utf-8") == shown


def test_a_file_gets_no_colours_and_no_width_of_the_terminal(trueup, saved, tmp_path, monkeypatch):
    file = tmp_path / "plan.txt"
    shown = trueup("show", saved)[1]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert trueup("show", saved, "--out", file)[0] == Exit.DONE

    assert file.read_text("utf-8") == shown


def test_a_folder_that_is_not_there_is_an_error(trueup, saved, tmp_path):
    folder = tmp_path / "gone"

    code, _, err = trueup("show", saved, "--format", "xlsx", "--out", folder / "plan.xlsx")

    assert (code, err) == (Exit.ERROR, f"error: {folder}: there is no such folder\n")


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["show", "plan.json", "--out"], "plan.json"),
        (["show", "plan.json", "--format", "html", "--out"], "mappings/customer.yaml"),
        (["plan", "--out"], "trueup.yaml"),
        (["state", "export", "--out"], ".trueup/autotask.sqlite"),
        (["history", "export", "--out"], "rules/customer.yaml"),
        (["test", "--only", "phone", "--junit"], "tests/customer.yaml"),
    ],
)
def test_no_output_replaces_what_is_read(trueup, saved, work, arguments, file):
    assert saved.exists()
    before = (work / file).read_bytes()
    code, out, err = trueup(*arguments, file)
    assert (code, out) == (Exit.USAGE, "")
    assert "another" in err
    assert (work / file).read_bytes() == before
