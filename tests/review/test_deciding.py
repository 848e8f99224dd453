"""Decisions in the desk: previewed, then written byte for byte as the command line writes them."""

import shutil
from http import HTTPStatus

import pytest
from trueup.cli.main import run
from trueup.review import bulk

from tests.support.browser import Serving

FILE = "mappings/decisions.yaml"
ROWS = {
    "link": ("service", "pro-new"),
    "create": ("service", "pro-new"),
    "ignore": ("subscription", "new"),
    "correct": ("subscription", "two"),
    "succeed": ("subscription", "new"),
    "archive": ("license_change", "log-held"),
    "push": ("license_change", "log-held"),
}
"""A row of the project for each decision."""

MORE = {
    "link": {"record": "600"},
    "ignore": {"until": "2027-01-31"},
    "succeed": {"of": "two"},
    "push": {"on": "2026-11-20"},
}
REASON = "billed elsewhere: £20 & “more”\u00a0– Ünïcode, 'quoted'"


def command(verdict):
    """The command line that writes the same decision."""
    mapping, key = ROWS[verdict]
    more = MORE.get(verdict, {})
    if verdict == "link":
        return ["link", mapping, key, more["record"], "--reason", REASON]
    options = [part for name, value in more.items() for part in (f"--{name}", value)]
    return ["decide", mapping, key, verdict, "--reason", REASON, *options]


def preview(browser, verdict, /, **changes):
    """The page that shows what follows from a decision about that row."""
    mapping, key = ROWS[verdict]
    search = {"search": "Mail"} if verdict == "link" else {}
    page = browser.get("/row", mapping=mapping, key=key, **search)
    fields = dict(page.form("/decide", verdict=verdict))
    return browser.post(
        "/decide", ({**fields, "reason": REASON, **MORE.get(verdict, {}), **changes}).items()
    )


@pytest.fixture
def unpriced(work):
    """The project without a price for what Autotask does not bill yet: subscription new."""
    file = work / "mappings" / "subscription.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(", service.unitPrice]", "]"), encoding="utf-8")
    return work


def write(browser, page):
    return browser.post("/decision", page.form("/decision"))


def decisions(folder):
    return (folder / FILE).read_bytes()


def test_each_decision_is_written_as_the_command_line_writes_it(work, tmp_path):
    other = shutil.copytree(work, tmp_path / "other")
    with Serving(work) as serving:
        browser = serving.browser()
        for verdict in ROWS:
            before = decisions(work)
            shown = preview(browser, verdict)
            assert "It will be written to mappings/decisions.yaml" in shown.text
            assert decisions(work) == before
            written = browser.hold("/decision", shown.form("/decision"))
            assert written.status == HTTPStatus.SEE_OTHER
            assert run([*command(verdict), "--yes", "--project", str(other)]) == 0
            assert decisions(work) == decisions(other) != before

    assert serving.faults == []


def test_confirming_a_match_writes_what_the_link_command_writes(work, tmp_path):
    other = shutil.copytree(work, tmp_path / "other")
    with Serving(work) as serving:
        browser = serving.browser()
        page = browser.get("/row", mapping="customer", key="acc")
        shown = browser.post("/decide", page.form("/decide", verdict="link"))
        written = write(browser, shown)
    assert run(["link", "customer", "acc", "101", "--yes", "--project", str(other)]) == 0

    assert decisions(work) == decisions(other)
    assert b"link: 101" in decisions(work)
    assert "Next: linked" in written.text


@pytest.mark.parametrize(
    ("tab", "rows", "fields", "words"),
    [
        ("Agreements", [("subscription", "two"), ("subscription", "sub")],
         {"verdict": "ignore", "until": "2027-01-31"}, ["ignore", "--until", "2027-01-31"]),
        ("Changes", [("license_change", "log-held"), ("license_change", "log-sub")],
         {"verdict": "push", "on": "2026-11-20"}, ["push", "--on", "2026-11-20"]),
        ("Changes", [("license_change", "log-sub")], {"verdict": "archive"}, ["archive"]),
        ("Agreements", [("subscription", "two")], {"verdict": "correct"}, ["correct"]),
    ],
)  # fmt: skip
def test_ticked_rows_are_decided_as_the_command_line_decides_many(
    work, tmp_path, tab, rows, fields, words
):
    other = shutil.copytree(work, tmp_path / "other")
    with Serving(work) as serving:
        browser = serving.browser()
        form = dict(browser.get("/rows", tab=tab).form("/preview"))
        ticks = [("row", f"{mapping}:{key}") for mapping, key in rows]
        given = {**form, "what": "ticked", "reason": REASON, **fields}
        shown = browser.post("/decide", [*given.items(), *ticks])
        before = decisions(work)
        write(browser, shown)
    mapping, keys = rows[0][0], [key for _, key in rows]
    command = ["decide", mapping, *keys, words[0], "--reason", REASON, *words[1:]]
    assert run([*command, "--yes", "--project", str(other)]) == 0

    assert before != decisions(work) == decisions(other)
    assert decisions(work).count(b"\n- mapping:") == len(rows)


def test_all_that_a_filter_shows_are_confirmed_at_once_as_the_link_command_does(work, tmp_path):
    other = shutil.copytree(work, tmp_path / "other")
    with Serving(work) as serving:
        browser = serving.browser()
        form = dict(browser.get("/rows", tab="Products", text="Mail").form("/preview"))
        given = {**form, "what": "filter", "verdict": "confirm", "reason": ""}
        shown = browser.post("/decide", given.items())
        written = write(browser, shown)
        after = browser.get("/row", mapping="service", key="pro-two")
    for key, record in [("pro-held", 603), ("pro-sub", 600), ("pro-two", 601)]:
        assert run(["link", "service", key, str(record), "--yes", "--project", str(other)]) == 0

    assert "3 rows: link, to what was found by match" in shown.text
    assert len(shown.tables()["What follows"]) == 3
    assert decisions(work) == decisions(other)
    assert written.address == "/rows?tab=Products&text=Mail"
    assert "Next: linked" in after.text


def test_a_decision_about_a_whole_list_is_made_where_it_can_be(work):
    with Serving(work) as serving:
        browser = serving.browser()
        form = dict(browser.get("/ledger").form("/decide"))
        given = {**form, "what": "filter", "verdict": "correct", "reason": "checked"}
        shown = browser.post("/decide", given.items())
        none = browser.post("/decide", {**given, "text": "pro-sub"}.items())
        write(browser, shown)

    assert sorted(row["row"].rpartition("Mail ")[2] for row in shown.tables()["What follows"]) == [
        "new, monthly", "two, monthly",
    ]  # fmt: skip
    assert none.status == HTTPStatus.BAD_REQUEST
    assert "No row of this filter can be decided so." in none.text
    assert decisions(work).count(b"\n  do: correct") == 2


@pytest.mark.parametrize(
    ("path", "tab"), [("/ledger", ""), ("/rows", "Agreements"), ("/waiting", "")]
)
def test_an_amount_selects_no_row_whose_amount_is_unknown(unpriced, path, tab):
    given = {"tab": tab, "text": "Mail pro-new", "amount": "1"}
    with Serving(unpriced) as serving:
        browser = serving.browser()
        shown = browser.get(path, **given)
        (fields,) = shown.forms_to("/decide") + shown.forms_to("/preview")
        ask = {**dict(fields), "what": "filter", "verdict": "ignore", "reason": "seen"}
        none = browser.post("/decide", ask.items())
        all_of_them = browser.get(path, tab=tab, amount="1")
        priced = browser.get(path, tab=tab, text="Mail pro-new")

    assert "price unknown" in shown.text
    assert "Of 1 row of this filter the amount is unknown: only a tick selects it." in shown.text
    assert "Preview for all" not in shown.text
    assert (none.status, bulk.NONE_DECIDABLE in none.text) == (HTTPStatus.BAD_REQUEST, True)
    assert "1 row of this filter the amount is unknown" in all_of_them.text
    assert "Preview for all 1 of this filter" in priced.text
    assert "amount is unknown" not in priced.text


PENDING = "license_change:log-held"


def test_a_change_is_dismissed_for_the_month_with_one_button(work, tmp_path):
    other = shutil.copytree(work, tmp_path / "other")
    with Serving(work) as serving:
        browser = serving.browser()
        page = browser.get("/rows", tab="Changes")
        [button] = [one for one in page.page.iter("button") if one.get("value") == "dismiss"]
        pressed = {**dict(page.form("/preview")), "what": "dismiss", "row": PENDING}
        shown = browser.post(button.get("formaction"), pressed.items())
        write(browser, shown)
    command = ["decide", "license_change", "log-held", "ignore", "--until", "2026-11-30"]
    reason = ["--reason", "dismissed for this month"]
    assert run([*command, *reason, "--yes", "--project", str(other)]) == 0

    assert "ignore, until 2026-11-30" in shown.text
    assert decisions(work) == decisions(other)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Tick at least one row"),
        ({"row": "subscription:nobody"}, "not in the plan any more"),
        ({"row": "subscription:two", "verdict": "succeed"}, "What is decided?"),
        ({"row": "subscription:two", "verdict": "ignore"}, "ignore needs a reason"),
        ({"row": "license_change:log-held", "verdict": "confirm"}, "nothing to confirm"),
        ({"row": "subscription:two", "verdict": "archive", "reason": "x"}, "archive is for"),
    ],
)
def test_what_cannot_be_decided_of_a_list_is_refused(desk, browser, fields, text):
    before = decisions(desk.folder)
    form = dict(browser.get("/rows", tab="Agreements").form("/preview"))
    answer = browser.post("/decide", {**form, "what": "ticked", **fields}.items())

    assert answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT}
    assert text in answer.text
    assert decisions(desk.folder) == before


def test_what_follows_is_shown_in_units_and_money_and_the_next_plan_follows_it(work):
    with Serving(work) as serving:
        browser = serving.browser()
        shown = preview(browser, "correct")
        written = write(browser, shown)

    [row] = shown.tables()["What follows"]
    assert row["with it"] == "link to ContractServices 701, units 8 → 10 from 2026-11-15"
    assert row["money"] == "+£20.00 a month"
    assert "What follows: 1 adjustment more" in shown.text
    assert "+2 units, +£20.00 a month" in shown.text
    assert "apply adjusts them by +2, +£20.00 a month" in shown.text
    assert written.address == "/row?mapping=subscription&key=two"
    assert "correct, by" in written.text
    assert written.tables()["Ledger of this row"][0]["this plan moves"] == "+2, +£20.00"


def test_a_decision_is_written_once_and_only_as_it_was_shown(work):
    with Serving(work) as serving:
        browser = serving.browser()
        shown = preview(browser, "ignore")
        written = write(browser, shown)
        once = decisions(work)
        again = write(browser, shown)

    assert "The plan leaves this row alone." in written.text
    assert "ignore, until 2027-01-31, by" in written.text
    assert again.status == HTTPStatus.CONFLICT
    assert "this preview is no longer there" in again.text
    assert decisions(work) == once


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(work):
    with Serving(work) as serving:
        browser = serving.browser()
        shown = preview(browser, "ignore")
        changed = decisions(work) + b"# a colleague\n"
        (work / FILE).write_bytes(changed)
        answer = write(browser, shown)

    assert answer.status == HTTPStatus.CONFLICT
    assert "look at the change, then write yours again" in answer.text
    assert decisions(work) == changed


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"verdict": "delete"}, "What is decided?"),
        ({"verdict": ""}, "What is decided?"),
        ({"verdict": "link"}, "Choose the record"),
        ({"verdict": "link", "record": "1; 2"}, "Choose the record"),
        ({"until": "31.01.2027"}, "is no day: write it as 2026-11-30"),
        ({"verdict": "succeed", "of": ""}, "Name the row whose place it takes"),
        ({"reason": " "}, "ignore needs a reason"),
        ({"reason": "\0\x1b[31m"}, "ignore needs a reason"),
        ({"until": "2026-01-01"}, "the last day 2026-01-01 is past"),
        ({"key": "nobody"}, "there is no row 'nobody' of subscription"),
        ({"mapping": "nothing"}, "there is no mapping 'nothing'"),
        ({"verdict": "archive"}, "archive is for pending changes"),
    ],
)
def test_what_cannot_be_decided_is_refused_with_the_reason(desk, browser, changes, text):
    before = decisions(desk.folder)
    answer = preview(browser, "ignore", **changes)

    assert answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT}
    assert text in answer.text
    assert decisions(desk.folder) == before


def test_a_side_that_cannot_be_read_is_reported(work):
    with Serving(work) as serving:
        browser = serving.browser()
        file = work / "trueup.yaml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("path: work365", "path: nowhere"), encoding="utf-8")
        answer = preview(browser, "ignore")

    assert answer.status == HTTPStatus.CONFLICT
    assert "nowhere" in answer.text


def test_without_the_target_what_follows_is_unknown_and_the_decision_is_written(work):
    with Serving(work) as serving:
        browser = serving.browser()
        (work / "autotask.sqlite").write_bytes(b"no database")
        shown = preview(browser, "ignore")
        answer = write(browser, shown)
        after = browser.get("/ledger")

    assert "What follows is unknown, no plan can be made: " in shown.text
    assert b"do: ignore" in decisions(work)
    assert answer.text.startswith(
        "The last attempt to plan failed. What is shown is the plan of 20"
    )
    assert "Planning: not done" in answer.text
    assert after.status == HTTPStatus.OK
    assert after.tables()["Ledger"]
