"""Two people and an approval in the desk; and what the preview and apply say without it."""

import json
from http import HTTPStatus

import pytest
from trueup.cli.exit_codes import Exit
from trueup.cli.main import run
from trueup.model import document
from trueup.operations.history import history
from trueup.operations.project import load_project
from trueup.render import report
from trueup.review.approving import OUTDATED

from tests.support.browser import Serving
from tests.support.pages import text_of

TICK = ("row", "license_change:log-sub")
APPROVAL = """
approval:
  above: 0
  second_above: 1
  roles: {decide: [anna], approve: [ben, carla]}
"""


@pytest.fixture
def serving(work):
    with (work / "trueup.yaml").open("a", encoding="utf-8") as file:
        file.write(APPROVAL)
    with Serving(work) as one:
        yield one
    assert one.faults == []


@pytest.fixture
def anna(serving):
    return serving.browser_of("anna")


@pytest.fixture
def ben(serving):
    return serving.browser_of("ben")


def preview(browser):
    fields = browser.get("/rows", tab="Changes").form("/preview")
    return browser.post("/preview", fields, TICK, ("what", "ticked"))


def approval_page(browser, page):
    [link] = {one for one in page.links() if one.startswith("/approval?")}
    return browser.get(link)


def stated(folder):
    return [
        (entry.who, str(entry.event.statement)) for entry in history(load_project(folder)).audit
    ]


def test_without_its_approval_the_preview_shows_what_is_missing_and_offers_no_apply(anna):
    page = preview(anna)

    assert page.forms_to("/apply") == []
    assert "and it is not approved; two people must answer for it." in page.text


def test_one_prepares_another_approves_and_the_plan_is_applied(work, anna, ben):
    page = preview(anna)
    answer = approval_page(anna, page)
    answer = anna.post("/approval", answer.form("/approval", say="ask"))
    assert "Asked for by anna, " in answer.text
    assert answer.forms_to("/approval") == []

    shown = approval_page(ben, preview(ben))
    form = dict(shown.form("/approval", say="yes")) | {"reason": "seen"}
    given = ben.post("/approval", form.items())
    assert ": seen" in given.text
    assert "Approved by ben. Nothing is missing: it may be applied." in given.text
    outcome = anna.post("/apply", anna.get(page.address).form("/apply"))

    assert outcome.text.startswith("Outcome All is done.")
    assert stated(work) == [("anna", "ask"), ("ben", "yes")]
    assert [run.who for run in history(load_project(work)).runs] == ["anna"]


def test_the_maker_of_the_preview_is_not_the_second_person_even_without_a_request(work, anna, ben):
    page = preview(ben)
    shown = approval_page(ben, page)
    alone = ben.post("/approval", shown.form("/approval", say="yes"))

    assert stated(work) == [("ben", "ask"), ("ben", "yes")]
    assert "two people must answer for it, and ben is the only one yet" in alone.text
    assert ben.get(page.address).forms_to("/apply") == []


def test_a_preview_that_another_made_first_is_prepared_by_that_person(work, anna, ben):
    preview(anna)
    shown = approval_page(ben, preview(ben))
    ben.post("/approval", shown.form("/approval", say="yes"))

    assert stated(work) == [("anna", "ask"), ("ben", "yes")]


def test_apply_asks_for_the_approval_whatever_the_page_offers(serving, anna):
    page = preview(anna)
    csrf = dict(page.form("/plan"))["csrf"]
    digest = page.address.rpartition("=")[2]
    answer = anna.post("/apply", [("csrf", csrf), ("digest", digest)])

    assert answer.status == HTTPStatus.CONFLICT
    assert "two people must answer for it" in answer.text
    assert "trueup approve" not in answer.text
    assert approval_page(anna, answer).status == HTTPStatus.OK


def test_the_page_of_the_approver_shows_what_the_plan_does(ben):
    page = approval_page(ben, preview(ben))

    assert "This plan moves £" in page.text
    assert [*page.tables()["What matters most"][0]] == ["what", "units", "this invoice", "a month"]
    assert "Digest" in page.text


def test_all_that_needs_a_person_is_listed_and_counted_however_much_it_is(anna, monkeypatch):
    monkeypatch.setattr(report, "MANY", 1)
    fields = anna.get("/rows", tab="Changes").form("/preview")

    shown = approval_page(anna, anna.post("/preview", fields, ("what", "everything")))

    listed = shown.tables()["Needs a person"]
    [counted] = [text_of(one) for one in shown.page.iter("summary")]
    assert len(listed) > 1
    assert counted.startswith(f"{len(listed)} rows ")


def test_a_no_needs_a_reason_and_stops_the_plan(anna, ben):
    shown = approval_page(ben, preview(ben))
    form = shown.form("/approval", say="no")
    assert ben.post("/approval", [*form[:3]]).status == HTTPStatus.BAD_REQUEST
    hidden = ben.post("/approval", [*form[:3]], ("reason", "\0\x1b[31m"))
    assert hidden.status == HTTPStatus.BAD_REQUEST
    refused = ben.post("/approval", [*form[:3]], ("reason", "ask <b>first</b>"))

    assert "Refused by ben, " in refused.text
    assert "ask <b>first</b>" in refused.text
    assert preview(anna).forms_to("/apply") == []


def test_somebody_who_may_not_approve_is_offered_no_yes_and_refused_one(anna):
    shown = approval_page(anna, preview(anna))
    assert {dict(form)["say"] for form in shown.forms_to("/approval")} == {"ask"}
    [form] = shown.forms_to("/approval")
    other = [(name, "yes" if name == "say" else value) for name, value in form]
    answer = anna.post("/approval", other)

    assert answer.status == HTTPStatus.CONFLICT
    assert "anna may not approve plans" in answer.text


@pytest.mark.parametrize("words", ["", "perhaps"])
def test_a_form_without_a_statement_is_refused(anna, words):
    form = approval_page(anna, preview(anna)).form("/approval", say="ask")
    other = [(name, words if name == "say" else value) for name, value in form]

    assert anna.post("/approval", other).status == HTTPStatus.BAD_REQUEST


@pytest.fixture
def interrupted(work, serving, tmp_path, monkeypatch):
    """An approved plan whose run stopped after some of its calls."""
    saved = tmp_path / "plan.json"
    at = ["--project", str(work)]
    monkeypatch.setenv("TRUEUP_WHO", "anna")
    assert run(["plan", "--out", str(saved), *at]) == 0
    assert run(["approve", str(saved), "--ask", *at]) == 0
    monkeypatch.setenv("TRUEUP_WHO", "ben")
    assert run(["approve", str(saved), "--yes", *at]) == 0
    calls = document.loads(saved.read_text(encoding="utf-8")).summary.apply_calls
    assert run(["apply", str(saved), "--max-calls", str(calls * 2 // 3), *at]) == Exit.PARTIAL
    return saved


def test_an_interrupted_run_whose_plan_is_approved_is_interrupted_in_every_list(interrupted, ben):
    [plan] = ben.get("/approvals").tables()["Plans"]
    [run_] = ben.get("/runs").tables()["Runs"]
    shown = ben.get("/approval", digest=document.plan_id(interrupted.read_text(encoding="utf-8")))

    assert plan["state"] == run_["status"] == "interrupted"
    assert f"/run?id={run_['run']}" in ben.get("/approvals").links()
    assert f"Run {run_['run']} has this plan: interrupted." in shown.text
    assert "applied" not in shown.text
    assert f"/run?id={run_['run']}" in shown.links()
    assert all(ben.get(one).status == HTTPStatus.OK for one in shown.links() if "digest" in one)
    assert not [one for one in shown.links() if one.startswith("/preview?")]


def test_a_run_at_work_is_open_in_every_list(anna, ben, held):
    shown = approval_page(ben, preview(anna))
    ben.post("/approval", shown.form("/approval", say="yes"))
    approved = anna.get(shown.address.replace("/approval", "/preview"))
    reached, go = held
    anna.hold("/apply", approved.form("/apply"))
    assert reached.wait(60)

    [plan] = ben.get("/approvals").tables()["Plans"]
    during = ben.get(shown.address)
    go.set()

    assert plan["state"] == "open"
    assert "has this plan: open." in during.text
    assert "to apply it" not in during.text


def test_a_run_that_waits_for_its_approval_is_approved_in_the_desk_and_goes_on(
    work, interrupted, anna, ben
):
    assert run(["approve", str(interrupted), "--withdraw", "--project", str(work)]) == 0

    page = anna.get("/ledger")
    page = anna.post("/plan", page.form("/plan"))
    stopped = anna.post("/resume", page.form("/resume"))
    assert "Stopped: the plan moves £" in stopped.text
    shown = approval_page(ben, stopped)
    [waits] = ben.get("/approvals").tables()["Plans"]
    assert (waits["state"], "Withdrawn by ben" in waits["statements"]) == ("waits", True)
    ben.post("/approval", shown.form("/approval", say="yes"))
    page = anna.post("/plan", anna.get("/ledger").form("/plan"))

    assert anna.post("/resume", page.form("/resume")).text.startswith("Outcome All is done.")


def test_a_project_without_approvals_has_no_such_page(work):
    with Serving(work) as serving:
        browser = serving.browser()
        page = preview(browser)
        assert page.forms_to("/apply")
        digest = page.address.rpartition("=")[2]

        answer = browser.get("/approval", digest=digest)

    assert answer.status == HTTPStatus.NOT_FOUND
    assert "no plan of this project needs an approval" in answer.text


def test_the_approvals_say_which_plan_waits_and_where_its_document_is(work, anna, ben):
    page = preview(anna)
    answer = approval_page(anna, page)
    anna.post("/approval", answer.form("/approval", say="ask"))
    [waits] = ben.get("/approvals").tables()["Plans"]

    assert waits["state"] == "waits"
    assert "Asked for by anna, " in waits["statements"]
    assert waits["moves"].startswith("£")

    with Serving(work) as later:
        browser = later.browser_of("ben")
        browser.get("/")  # until there is a plan
        [gone] = browser.get("/approvals").tables()["Plans"]
    assert gone["state"] == "not at hand"
    assert "Its document is not at hand here any more." in gone["plan"]

    shown = approval_page(ben, ben.get(page.address))
    ben.post("/approval", shown.form("/approval", say="yes"))
    assert ben.get("/approvals").tables()["Plans"][0]["state"] == "may be applied"
    anna.post("/apply", anna.get(page.address).form("/apply"))
    [applied] = ben.get("/approvals").tables()["Plans"]
    assert applied["state"] == "done"
    assert {one for one in ben.get("/approvals").links() if one.startswith("/run?")}


def test_a_plan_that_was_applied_in_part_is_not_said_to_be_applied(work, anna, ben):
    shown = approval_page(ben, preview(anna))
    ben.post("/approval", shown.form("/approval", say="yes"))
    approved = anna.get(shown.address.replace("/approval", "/preview"))
    for name, key, column, value in (
        ("subscription", "sub", "quantity", 17),
        ("license_change", "log-sub", "quantity", 7),
    ):
        file = work / "work365" / f"{name}.json"
        rows = json.loads(file.read_text(encoding="utf-8"))
        next(row for row in rows if row["id"] == key)[column] = value
        file.write_text(json.dumps(rows), encoding="utf-8")

    anna.post("/apply", approved.form("/apply"))

    answer = ben.get("/approvals")
    [mark] = [one for one in answer.page.iter("span") if text_of(one) == "applied in part"]
    assert answer.tables()["Plans"][0]["state"] == "applied in part"
    assert mark.get("class") == "mark look"


def test_a_plan_that_was_applied_is_offered_to_nobody_and_shows_its_run(anna, ben):
    shown = approval_page(ben, preview(anna))
    ben.post("/approval", shown.form("/approval", say="yes"))
    plan = shown.address.replace("/approval", "/preview")
    anna.post("/apply", anna.get(plan).form("/apply"))

    for page in (anna.get(plan), ben.get(shown.address)):
        assert "had this plan: done. A plan is applied once." in page.text
        assert "Nothing is missing" not in page.text
        assert any(one.startswith("/run?") for one in page.links())
        assert page.forms_to("/apply") == page.forms_to("/approval") == []


def test_a_plan_that_another_run_has_outdated_is_offered_to_nobody(anna, ben):
    fields = anna.get("/rows", tab="Changes").form("/preview")
    everything = anna.post("/preview", fields, ("what", "everything"))
    asked = approval_page(anna, everything)
    anna.post("/approval", asked.form("/approval", say="ask"))
    shown = approval_page(ben, preview(anna))
    ben.post("/approval", shown.form("/approval", say="yes"))
    plan = shown.address.replace("/approval", "/preview")
    anna.post("/apply", anna.get(plan).form("/apply"))

    for page in (anna.get(everything.address), ben.get(asked.address)):
        assert OUTDATED in page.text
        assert page.forms_to("/apply") == page.forms_to("/approval") == []
    states = [row["state"] for row in ben.get("/approvals").tables()["Plans"]]
    assert sorted(states) == ["done", "outdated"]


def test_the_tab_of_approvals_is_there_where_the_project_asks_for_them(desk, browser, anna):
    assert "/approvals" in anna.get("/ledger").links()
    assert "/approvals" not in browser.get("/ledger").links()
