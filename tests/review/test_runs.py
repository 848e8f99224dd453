"""The pages of runs: what is in doubt and how it is settled, giving up, undo, the proof."""

import shutil
import sqlite3
from contextlib import closing
from functools import cache
from http import HTTPStatus
from time import sleep

import pytest
from trueup.cli.main import run
from trueup.model import document
from trueup.model.history import change_status
from trueup.model.run import Step
from trueup.operations.history import history, show_run
from trueup.operations.project import load_project
from trueup.operations.state import list_links

from tests.scenarios.beginnings import Service, edit
from tests.scenarios.world import World
from tests.support.browser import Serving

CHANGE = "license_change:log-sub"


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Projects whose run was killed right before or after it sent its one adjustment."""

    short = {"settle_after: 300": "settle_after: 0.5", "seed: auto": "timeout: 0.5\n  seed: auto"}

    @cache
    def folder(when):
        world = World(
            tmp_path_factory.mktemp("killed") / "work",
            Service(seats=13, changes={"2026-11-10": 3}),
            edits={"trueup.yaml": short},
        )
        world.kill(world.plan(), 1, when)
        sleep(0.6)  # until no request can be under way any more
        return world.folder

    return folder


@pytest.fixture
def when():
    return "before"


@pytest.fixture
def settle_after():
    return 0.5


@pytest.fixture
def work(killed, when, settle_after, tmp_path):
    folder = shutil.copytree(killed(when), tmp_path / "work")
    edit(folder / "trueup.yaml", "settle_after: 0.5", f"settle_after: {settle_after}")
    return folder


@pytest.fixture
def browser(work):
    with Serving(work) as serving:
        yield serving.browser()
    assert serving.faults == []


def settle(browser, what, reason="I looked in Autotask", **more):
    """The form of the change in doubt, sent: its preview, or why there is none."""
    fields = dict(browser.get("/doubt").form("/settle"))
    return browser.post("/settle", {**fields, "what": what, "reason": reason, **more}.items())


def runs_of(folder):
    return history(load_project(folder))


def test_what_is_known_of_a_change_in_doubt_is_shown_and_when_it_is_settled(work, browser):
    page = browser.get("/doubt")
    shown = {
        one.text: two.text
        for one, two in zip(page.page.iter("dt"), page.page.iter("dd"), strict=True)
    }

    assert "it was sent, and the run ended before an answer came" in page.text
    assert "no trace of it; without one at " in page.text
    assert "Units before" in shown
    [run_] = runs_of(work).runs
    one = browser.get("/run", id=run_.id)
    assert "What has left no trace is settled from 2026-" in one.text
    assert one.forms_to("/undo") == []
    assert [row["state"] for row in one.tables()["Changes of this run"]].count("in doubt") == 1


def test_a_change_in_doubt_is_settled_as_on_the_command_line(work, browser, capsys):
    settle_args = ["state", "settle", CHANGE, "absent", "--reason", "I looked in Autotask"]
    assert run([*settle_args, "--preview", "--project", str(work)]) == 0
    printed = capsys.readouterr().out.splitlines()
    preview = settle(browser, "absent")

    assert [one.text for one in preview.page.iter("bdi") if one.text in printed] == printed
    assert len(list_links(load_project(work)).in_doubt) == 1
    after = browser.post("/settle", preview.form("/settle"))
    assert "Nothing is in doubt." in after.text
    assert list_links(load_project(work)).in_doubt == []
    edit, _lock = browser.get("/runs").tables()["Audit trail"]
    assert (edit["by hand"], edit["why"]) == (
        f"settle {CHANGE} absent", "because: I looked in Autotask",
    )  # fmt: skip
    ended = browser.post("/resume", browser.get("/runs").forms_to("/resume")[0])
    assert ended.text.startswith("Outcome All is done.")


@pytest.mark.parametrize("when", ["after"])
def test_what_took_effect_is_recorded_as_pushed(work, browser):
    preview = settle(browser, "landed")
    assert "license_change log-sub counts as pushed: +3 units from 2026-11-10." in preview.text
    browser.post("/settle", preview.form("/settle"))

    assert list_links(load_project(work)).in_doubt == []


@pytest.mark.parametrize(
    ("when", "what", "text"),
    [
        ("before", "landed", "reading shows no trace of it in Autotask"),
        ("after", "absent", "reading shows that it took effect"),
    ],
)
def test_what_reading_contradicts_is_refused(work, browser, what, text):
    answer = settle(browser, what)

    assert answer.status == HTTPStatus.CONFLICT
    assert text in answer.text
    assert len(list_links(load_project(work)).in_doubt) == 1


@pytest.mark.parametrize("settle_after", [300])
def test_a_request_that_may_be_under_way_is_not_settled_as_absent(work, browser):
    answer = settle(browser, "absent")

    assert answer.status == HTTPStatus.CONFLICT
    assert "may still take effect until 2026-" in answer.text
    assert len(list_links(load_project(work)).in_doubt) == 1


@pytest.mark.parametrize(
    ("what", "more", "status", "text"),
    [
        ("", {}, HTTPStatus.BAD_REQUEST, "Choose whether the change took effect."),
        ("absent", {"reason": " "}, HTTPStatus.BAD_REQUEST, "Say what you saw"),
        ("absent", {"reason": "\u202e"}, HTTPStatus.BAD_REQUEST, "Say what you saw"),
        ("landed", {"record": "x"}, HTTPStatus.BAD_REQUEST, "An id is a number"),
        ("absent", {"change": "customer:no"}, HTTPStatus.CONFLICT, "no open run has a change"),
    ],
)
def test_an_invalid_word_records_nothing(work, browser, what, more, status, text):
    answer = settle(browser, what, **more)

    assert answer.status == status
    assert text in answer.text
    assert len(list_links(load_project(work)).in_doubt) == 1


def test_a_run_is_given_up_once_nothing_of_it_is_in_doubt(work, browser):
    [run_] = runs_of(work).runs
    fields = {**dict(browser.get("/run", id=run_.id).form("/close")), "reason": "planned anew"}
    preview = browser.post("/close", fields.items())
    assert "is closed, with " in preview.text
    refused = browser.post("/close", preview.form("/close"))
    assert refused.status == HTTPStatus.CONFLICT
    assert "is in doubt: settle it first" in refused.text
    browser.post("/settle", settle(browser, "absent").form("/settle"))
    preview = browser.post("/close", fields.items())
    closed = browser.post("/close", preview.form("/close"))

    assert "applied in part" in closed.text
    assert not list_links(load_project(work)).open_runs
    given_up = sum(
        change_status(entries) == Step.SKIPPED
        for _, entries in show_run(load_project(work), run_.id).by_change()
    )
    assert f"is closed, with {given_up} changes of it not tried." in preview.text


@pytest.fixture
def applied(tmp_path):
    """A project whose one run is done, and its world."""
    world = World(tmp_path / "work", Service(seats=13, changes={"2026-11-10": 3}))
    world.sync()
    return world


def test_an_undo_is_previewed_and_applied_as_every_plan_is(applied, tmp_path):
    [done] = runs_of(applied.folder).runs
    saved = tmp_path / "undo.json"
    at = ["--project", str(applied.folder)]
    assert run(["plan", "--undo", done.id, "--out", str(saved), *at]) == 0
    with Serving(applied.folder) as serving:
        browser = serving.browser()
        page = browser.post("/undo", browser.get("/run", id=done.id).form("/undo"))
        assert f"Undoes run {done.id}" in page.text
        assert "A part" not in page.text
        assert [*page.page.iter("blockquote")] == []  # no sentence for the customer
        digest = dict(page.form("/apply"))["digest"]
        assert digest == document.plan_id(saved.read_text(encoding="utf-8"))
        assert "What stays as it is" in page.text
        outcome = browser.post("/apply", page.form("/apply"))
        rows = {row["run"]: row["undo"] for row in browser.get("/runs").tables()["Runs"]}
    undo = runs_of(applied.folder).runs[-1].id

    assert outcome.text.startswith("Outcome All is done.")
    assert applied.units("sub", "2026-12-01") == 10
    assert rows == {undo: f"undoes {done.id}", done.id: f"undone by {undo}"}


def test_an_undo_of_no_run_previews_nothing(applied):
    [done] = runs_of(applied.folder).runs
    with Serving(applied.folder) as serving:
        browser = serving.browser()
        fields = dict(browser.get("/run", id=done.id).form("/undo"))
        answer = browser.post("/undo", {**fields, "id": " "}.items())

    assert answer.status == HTTPStatus.BAD_REQUEST
    assert "The form names no run to undo. Nothing was done." in answer.text


def test_a_journal_is_verified_and_an_edited_line_is_found(applied):
    with Serving(applied.folder) as serving:
        browser = serving.browser()
        whole = browser.get("/runs", verify="1")
        with closing(sqlite3.connect(applied.folder / "state.sqlite")) as file, file:
            for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                file.execute(f"DROP TRIGGER {name}")
            file.execute("UPDATE journal SET data = '{}' WHERE data != '{}'")
        edited = browser.get("/runs", verify="1")

    assert "lines of the journal follow from one another. Head: " in whole.text
    assert "follow from one another" not in edited.text
    assert edited.page.find(".//div[@role='alert']") is not None


def test_the_history_is_a_download_as_the_command_line_writes_it(work, browser, capsys):
    assert run(["history", "export", "--project", str(work)]) == 0
    download = browser.send("GET", "/download/history.csv")

    assert "/download/history.csv" in browser.get("/runs").links()
    assert download.headers["Content-Disposition"].endswith('-history.csv"')
    assert download.body.decode() == capsys.readouterr().out
