"""Preview and apply in the desk: exactly the document that was shown, as the command line does."""

import json
import shutil
from http import HTTPStatus

import pytest
from trueup.cli.main import run
from trueup.errors import StateLocked
from trueup.model import document
from trueup.operations.project import load_project
from trueup.operations.state import list_links
from trueup.review import applying
from trueup.sandbox.autotask.dump import dump_database
from trueup.state.store import StoredState

from tests.support.browser import Serving, query_of
from tests.support.pages import text_of

ADJUSTED = ("row", "license_change:log-sub")
TARGETS = ["--target", "license_change:log-sub"]


@pytest.fixture
def serving(work):
    with Serving(work) as one:
        yield one
    assert one.faults == []


@pytest.fixture
def browser(serving):
    return serving.browser()


def preview(browser, *ticks, what="ticked", tab="Changes"):
    fields = browser.get("/rows", tab=tab).form("/preview")
    return browser.post("/preview", fields, *ticks, ("what", what))


def apply(browser, page, *over):
    return browser.post("/apply", page.form("/apply"), *(("over", one) for one in over))


def records(folder):
    """What the sandbox holds, without times."""
    project = load_project(folder)
    dump = dump_database(folder / "autotask.sqlite", project.catalogue.entities)
    text = json.dumps(dump["records"], default=str, sort_keys=True)
    return [
        {name: value for name, value in row.items() if "Date" not in name or len(str(value)) < 12}
        for rows in json.loads(text).values()
        for row in rows
    ]


def links(folder):
    return [*list_links(load_project(folder)).links]


def test_what_is_ticked_is_previewed_with_what_it_needs(work, browser, tmp_path):
    saved = tmp_path / "plan.json"
    assert run(["plan", *TARGETS, "--out", str(saved), "--project", str(work)]) == 0
    text = saved.read_text(encoding="utf-8")
    page = preview(browser, ADJUSTED)

    assert dict(page.form("/apply"))["digest"] == document.plan_id(text)
    assert document.plan_id(text) in page.text
    assert "1 chosen row, with what is needed" in page.text
    shown = [row for label, rows in page.tables().items() if "what" in (rows[0] if rows else {})
             for row in rows]  # fmt: skip
    made = document.loads(text)
    assert len(shown) == len(made.changes)
    assert any(row["change"] == "10 → 13 units from 2026-11-10" for row in shown)


def test_apply_does_what_the_command_line_does(work, browser, tmp_path):
    other, saved = shutil.copytree(work, tmp_path / "other"), tmp_path / "plan.json"
    at = ["--project", str(other)]
    assert run(["plan", *TARGETS, "--out", str(saved), *at]) == 0
    assert run(["apply", str(saved), "--yes", *at]) == 0
    outcome = apply(browser, preview(browser, ADJUSTED))

    assert outcome.status == HTTPStatus.OK
    assert outcome.text.startswith("Outcome All is done. Run ")
    assert {row["state"] for row in outcome.tables()["Outcome by change"]} == {"applied"}
    assert records(work) == records(other)
    assert links(work) == links(other) != []
    ours, theirs = (
        (folder / "work365" / "license_change.json").read_bytes() for folder in (work, other)
    )
    assert ours == theirs
    assert b'"Archived"' in ours


def test_after_apply_the_desk_plans_again_and_the_run_is_in_the_list(browser, serving):
    outcome = apply(browser, preview(browser, what="filter"))
    browser.post("/plan", outcome.form("/plan"))
    changes = browser.get("/rows", tab="Changes")

    assert "log-sub" not in str(changes.forms())
    [run_] = browser.get("/runs").tables()["Runs"]
    assert run_["status"] == "done"
    shown = browser.get("/run", id=run_["run"])
    adjusted = [row for row in shown.tables()["Changes of this run"] if "adjust, " in row["change"]]
    assert [row["state"] for row in adjusted] == ["done"]
    assert "units before" in adjusted[0]["proof"]
    assert browser.get("/run", id="nothing").status == HTTPStatus.NOT_FOUND
    none = browser.get("/run", id=run_["run"], state="failed")
    assert none.tables()["Changes of this run"] == []
    found = browser.get("/applying", text="license change, mark")
    assert [row["state"] for row in found.tables()["Outcome by change"]] == ["applied"]


def test_a_preview_shows_units_over_time_and_the_sentence_for_the_customer(browser):
    page = preview(browser, ADJUSTED)
    [units] = [rows for label, rows in page.tables().items() if label.startswith("Units of")]
    [chart] = page.page.iter("svg")

    assert [(row["from"], row["before"], row["after"], row["more"]) for row in units] == [
        ("2026-11-01", "10", "10", ""), ("2026-11-10", "10", "13", "+3"),
    ]  # fmt: skip
    [sentence] = page.page.iter("blockquote")
    assert "From 10 November 2026 you have 13 instead of 10 Mail pro-sub, monthly; " in text_of(
        sentence
    )
    assert "your next invoice has £21.00 more and each month £30.00 more." in text_of(sentence)
    named = {one.get("id"): text_of(one) for one in chart if one.get("id")}
    assert [named[one] for one in chart.get("aria-labelledby").split()] == [
        next(label for label in page.tables() if label.startswith("Units of")) + " over time",
        "from 2026-11-01 10 before, 10 after; from 2026-11-10 10 before, 13 after",
    ]
    drawn = {name for one in chart.iter() for name in one.keys()}  # noqa: SIM118 -- ElementTree's
    assert not [name for name in drawn if name.startswith("on") or name in {"style", "href"}]


def test_everything_of_a_tab_or_of_the_plan_can_be_previewed(browser):
    tab = preview(browser, what="filter", tab="Products")
    everything = preview(browser, what="everything")

    assert "4 changes" in tab.text
    assert "only" not in everything.text.partition("Digest")[0]
    assert len(everything.body) > len(tab.body)


@pytest.mark.parametrize(
    ("what", "text"),
    [("filter", applying.NOTHING_FILTERED), ("ticked", applying.NOTHING_TICKED)],
)
def test_nothing_to_apply_is_explained_by_what_was_asked_for(browser, what, text):
    fields = dict(browser.get("/rows", tab="Changes", text="no such row").form("/preview"))
    answer = browser.post("/preview", {**fields, "text": "no such row", "what": what}.items())

    assert answer.status == HTTPStatus.BAD_REQUEST
    assert text in answer.text


def test_nothing_else_than_a_preview_is_applied(browser, serving):
    page = preview(browser, ADJUSTED)
    fields = dict(page.form("/apply"))
    for digest in ("", "0" * 64, fields["digest"][:-1]):
        answer = browser.post("/apply", ({**fields, "digest": digest}).items())
        assert answer.status == HTTPStatus.CONFLICT
        assert "this preview is no longer there" in answer.text
    assert serving.server.desk.run_control.latest is None


def test_a_plan_is_applied_once(browser):
    page = preview(browser, ADJUSTED)
    apply(browser, page)
    again = apply(browser, page)

    assert again.status == HTTPStatus.CONFLICT
    assert "this plan was applied already" in again.text


def test_a_plan_of_another_configuration_is_refused(work, browser):
    page = preview(browser, ADJUSTED)
    decision = ["decide", "subscription", "new", "ignore", "--reason", "later"]
    assert run([*decision, "--no-preview", "--project", str(work)]) == 0
    answer = apply(browser, page)

    assert answer.status == HTTPStatus.CONFLICT
    assert "the configuration has changed since this plan was made" in answer.text


def test_nothing_ticked_and_rows_that_are_gone_are_reported(browser):
    assert "Tick at least one row" in preview(browser).text
    assert "not in the plan any more" in preview(browser, ("row", "customer:nobody")).text
    assert "not in the plan any more" in preview(browser, ("row", "customer")).text


def test_each_exceeded_limit_must_be_ticked(work):
    file = work / "trueup.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('creates: {"*": 50}', 'creates: {"*": 0}'), encoding="utf-8")
    with Serving(work) as serving:
        browser = serving.browser()
        page = preview(browser, what="everything")
        limits = [one.get("value") for one in page.page.iter("input") if one.get("name") == "over"]
        assert len(limits) > 1
        for ticked in ([], limits[1:], limits[:-1], ["creates", "calls"]):
            refused = apply(browser, page, *ticked)
            assert refused.status == HTTPStatus.CONFLICT
            assert "over limits that were not ticked" in refused.text
        assert serving.server.desk.run_control.latest is None
        outcome = apply(browser, page, *limits)

    assert outcome.text.startswith("Outcome All is done.")


def test_a_run_shows_its_progress_and_can_be_stopped_and_resumed(browser, held):
    reached, go = held
    page = preview(browser, what="everything")
    fields = page.form("/apply")
    answer = browser.hold("/apply", fields)
    assert answer.status == HTTPStatus.SEE_OTHER
    assert reached.wait(60)
    shown = browser.send("GET", "/applying")
    assert "changes. Last: " in shown.text
    assert '<script src="/progress.js" defer="defer">' in shown.body.decode("utf-8")
    assert b'http-equiv="refresh"' in shown.body
    assert browser.hold("/apply", fields).status == HTTPStatus.CONFLICT
    assert browser.hold("/resume", shown.form("/stop")).status == HTTPStatus.CONFLICT
    assert browser.hold("/stop", shown.form("/stop")).status == HTTPStatus.SEE_OTHER
    assert "Stopping" in browser.send("GET", "/applying").text
    assert browser.hold("/stop", [*fields, ("id", "another")]).status == HTTPStatus.CONFLICT
    go.set()
    stopped = browser.get("/applying")
    assert "Outcome Not all of it is done." in stopped.text
    browser.post("/plan", stopped.form("/plan"))
    assert "is not finished" in browser.get("/ledger").text
    ended = browser.post("/resume", stopped.forms_to("/resume")[0])

    assert ended.text.startswith("Outcome All is done.")


def test_each_person_sees_how_their_own_run_ends(serving):
    anna, ben = serving.browser_of("anna"), serving.browser_of("ben")
    anna.get("/ledger")  # until there is a plan
    ours, everything = preview(anna, ADJUSTED), preview(ben, what="everything")

    started = anna.hold("/apply", ours.form("/apply")).headers["Location"]
    done = anna.get(started)
    stale = apply(ben, everything)

    assert (done.status, done.text.startswith("Outcome All is done.")) == (HTTPStatus.OK, True)
    assert (stale.status, "not done" in stale.text) == (HTTPStatus.CONFLICT, True)
    assert anna.get(started).text == done.text
    assert dict(done.form("/applying"))["id"] == query_of(started)["id"]  # also when it is filtered


@pytest.mark.parametrize("recorded", [0, 6], ids=["at its first change", "in the middle"])
def test_a_run_that_loses_its_lock_is_not_finished_and_can_be_resumed(
    browser, monkeypatch, recorded
):
    page = preview(browser, what="everything")
    record, calls = StoredState.record, []

    def lose(*arguments):
        calls.append(arguments)
        if len(calls) > recorded:
            raise StateLocked("the lock of the state was taken over")
        return record(*arguments)

    monkeypatch.setattr(StoredState, "record", lose)

    answer = apply(browser, page)

    assert answer.status == HTTPStatus.CONFLICT
    assert "Applying: not finished the lock of the state was taken over. Run " in answer.text
    assert "not done" not in answer.text
    assert answer.forms_to("/resume")


def test_what_ends_the_desk_stops_the_run_first(work, held):
    reached, go = held
    with Serving(work) as serving:
        browser = serving.browser()
        page = preview(browser, what="everything")
        browser.hold("/apply", page.form("/apply"))
        assert reached.wait(60)
        go.set()

    run_ = serving.server.desk.run_control.latest
    assert run_.ended.is_set()
    assert run_.stop.is_set()
    assert run_.outcome is not None


def test_without_a_run_there_is_nothing_to_stop_or_to_resume(browser):
    fields = browser.get("/ledger").form("/plan")

    assert browser.post("/stop", fields).status == HTTPStatus.CONFLICT
    resumed = browser.post("/resume", fields)
    assert "no run is open" in resumed.text
    assert browser.get("/row?mapping=customer&key=acc").status == HTTPStatus.OK
