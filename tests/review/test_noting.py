"""Notes in the desk: written as the command line writes them, shown at once, part of each file."""

import shutil
from http import HTTPStatus

import pytest
from trueup.cli.main import run
from trueup.config.file_names import NOTES
from trueup.review.noting import NOT_WHOLE

from tests.support.browser import Serving

ROW = {"mapping": "subscription", "key": "two"}
SAVED = "/row?mapping=subscription&key=two#note"
NOTE = '<img src=x onerror=alert(1)> "asked" \u202e on Monday'


def save(browser, **changes):
    page = browser.get("/row", **ROW)
    return browser.post("/note", {**dict(page.form("/note")), **changes}.items())


def test_a_note_is_written_as_the_command_writes_it_and_shown_without_a_new_plan(work, tmp_path):
    other = shutil.copytree(work, tmp_path / "other")
    with Serving(work) as serving:
        browser = serving.browser()
        before = serving.server.desk.current
        answer = save(browser, note=NOTE, tags="renewal, vip,, renewal ", assignee="Ada")
        mine = browser.get("/ledger", owner="Ada").tables()["Ledger"]
        tagged = browser.get("/rows", tab="Agreements", tag="vip").tables()["Rows of Agreements"]
        others = browser.get("/ledger", owner="nobody").tables()["Ledger"]
        csv = browser.get("/download/ledger.csv").body.decode("utf-8")
        page = browser.get("/download/plan.html").body.decode("utf-8")
        after = serving.server.desk.current
    command = ["note", "subscription", "two", NOTE, "--tag", "renewal", "--tag", "vip"]
    assert run([*command, "--assign", "Ada", "--project", str(other)]) == 0

    assert answer.address == SAVED
    assert (work / NOTES).read_bytes() == (other / NOTES).read_bytes()
    assert after.plan is before.plan
    assert "Mail two" in mine[0]["row"]
    assert "Ada" in mine[0]["row"]
    assert len(mine) == len(tagged) == 1
    assert len(others) == len(after.ledger) - 1
    assert "\\u202e" in csv
    assert "renewal, vip" in csv
    assert "&lt;img src=x" in page
    assert "<img" not in page
    assert serving.faults == []


@pytest.mark.parametrize("at_desk", [True, False], ids=["at_the_desk", "by_a_command"])
@pytest.mark.parametrize(
    "edit",
    [{"note": "mine"}, {"note": "", "tags": "vip"}, {"assignee": "Ada"}],
    ids=["note", "tags", "assignee"],
)
def test_a_note_that_another_person_has_changed_meanwhile_is_not_overwritten(work, edit, at_desk):
    with Serving(work) as serving:
        browser = serving.browser()
        opened_before = dict(browser.get("/row", **ROW).form("/note"))
        if at_desk:
            save(browser, note="Call Ann before billing")
        else:
            command = ["note", "subscription", "two", "Call Ann before billing"]
            assert run([*command, "--project", str(work)]) == 0
        written = (work / NOTES).read_bytes()
        refused = browser.post("/note", {**opened_before, **edit}.items())
        kept = (work / NOTES).read_bytes()
        now = dict(browser.get("/row", **ROW).form("/note"))
        again = browser.post("/note", {**now, **edit}.items())

    assert (refused.status, kept) == (HTTPStatus.CONFLICT, written)
    assert "this note was changed in the meantime by" in refused.text
    assert now["note"] == "Call Ann before billing"
    assert again.address == SAVED
    assert (work / NOTES).read_bytes() != written


def test_the_same_note_sent_twice_is_written_once(work):
    with Serving(work) as serving:
        browser = serving.browser()
        form = {**dict(browser.get("/row", **ROW).form("/note")), "note": "asked", "tags": "vip"}
        answers = [browser.post("/note", form.items()).address for _ in range(2)]

    assert answers == [SAVED] * 2
    assert (work / NOTES).read_text().count("asked") == 1


@pytest.mark.parametrize("field", ["note", "tags", "assignee", "seen"])
def test_a_form_without_one_of_its_fields_takes_nothing_away(work, field):
    with Serving(work) as serving:
        browser = serving.browser()
        save(browser, note="asked on Monday", tags="autumn", assignee="Ada")
        written = (work / NOTES).read_bytes()
        form = browser.get("/row", **ROW).form("/note")
        fields = [(name, value) for name, value in form if name != field]
        refused = browser.post("/note", fields)

    assert (refused.status, NOT_WHOLE in refused.text) == (HTTPStatus.BAD_REQUEST, True)
    assert (work / NOTES).read_bytes() == written


def test_a_note_is_taken_away_and_what_is_too_long_is_refused(work):
    with Serving(work) as serving:
        browser = serving.browser()
        save(browser, note="asked", tags="vip")
        written = (work / NOTES).read_bytes()
        refused = save(browser, note="x" * 10_001)
        kept = (work / NOTES).read_bytes()
        unknown = save(browser, key="nobody", note="x")
        save(browser, note="", tags=" , ", assignee="")
        gone = browser.get("/row", **ROW)

    assert refused.status == unknown.status == HTTPStatus.CONFLICT
    assert "the note has 10,001 characters" in refused.text
    assert kept == written
    assert dict(gone.form("/note"))["note"] == ""
    assert b"two" not in (work / NOTES).read_bytes()
