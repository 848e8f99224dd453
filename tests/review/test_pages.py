"""All pages over a real port: what they show, and that they are well made."""

import re
import shutil
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus

import pytest
from trueup.model.record_search import SearchResult
from trueup.operations.plan import plan
from trueup.operations.project import load_project
from trueup.render.formatting import money
from trueup.render.overview import overview
from trueup.render.plan_csv import plan_csv
from trueup.render.plan_html import plan_html
from trueup.render.plan_tables import TableKind
from trueup.render.sanitize import LONGEST
from trueup.review.pages import refusal
from trueup.review.searching import found
from trueup.wiring import SystemClock

from tests.review.conftest import HOSTILE
from tests.scenarios.beginnings import Service
from tests.scenarios.world import World
from tests.support.browser import Serving
from tests.support.pages import parsed, text_of

SHOWN = HOSTILE.replace("\u202e", "")  # the reading of the source drops what only hides
PAGES = ["/rows?tab=Products", "/rows?tab=Customers", "/rows?tab=Agreements", "/rows?tab=Changes",
         "/row?mapping=customer&key=acc", "/row?mapping=subscription&key=two",
         "/row?mapping=subscription&key=new", "/row?mapping=license_change&key=log-held",
         "/row?mapping=service&key=pro-new&search=Mail", "/ledger", "/findings", "/runs",
         "/doubt", "/setup", "/doctor",
         "/rows?tab=Agreements&group=customer", "/rows?tab=Agreements&under=customer:acc",
         "/ledger?group=contract", "/ledger?class=unexplained&owner=nobody",
         "/explanation?total=billed+too+little",
         "/waiting", "/rows?tab=None", "/no-such-page",
         "/rows?tab=Changes&text=nothing+fits"]  # fmt: skip


@pytest.fixture(scope="module")
def made_plan(desk):
    """The plan that the command line makes."""
    return plan(load_project(desk.folder))


@pytest.mark.parametrize("address", PAGES)
def test_each_page_is_well_formed_and_can_be_used_without_a_mouse(browser, address):
    root = browser.get(address).page  # fails where elements are not closed in their order

    assert len([*root.iter("h1")]) == 1
    assert root.get("lang") == "en"
    assert text_of(root.find("head/title"))
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    for table in root.iter("table"):
        assert table.get("aria-label")
        assert all(cell.get("scope") for cell in table.iter("th"))
        assert all(text_of(cell) for cell in table.find("thead").iter("th"))
    labelled = {one.get("for") for one in root.iter("label")}
    within = {id(field) for label in root.iter("label") for field in label.iter("input")}
    for field in root.iter():
        if field.tag in {"input", "select"} and field.get("type") != "hidden":
            has_label = field.get("id") in labelled or id(field) in within
            assert has_label or field.get("aria-label"), field.attrib
    assert all(text_of(one) for one in root.iter("button"))
    assert all(text_of(one) for one in root.iter("a"))


@pytest.mark.parametrize("address", PAGES)
def test_a_hostile_name_is_text_and_nothing_of_a_page_runs(browser, address):
    answer = browser.get(address)

    tags = {one.tag for one in answer.page.iter()}
    scripts = [(one.get("src"), text_of(one)) for one in answer.page.iter("script")]
    assert scripts == [("/desk.js", "")]
    assert not tags & {"img", "style", "iframe", "object", "base", "svg"}
    names = {name for one in answer.page.iter() for name in one.keys()}  # noqa: SIM118 -- ElementTree's
    assert not [name for name in names if name.startswith("on") or name == "style"]
    assert "\u202e".encode() not in answer.body
    sources = {
        one.get(name, "/") for one in answer.page.iter() for name in ("href", "src", "action")
    }
    assert all(re.match(r"/(?!/)|#", source) for source in sources)


def test_the_hostile_name_is_shown_as_it_is(browser):
    assert SHOWN in browser.get("/rows?tab=Customers").text
    assert SHOWN in browser.get("/row?mapping=customer&key=acc").text
    assert SHOWN in browser.get("/ledger").text


def test_the_head_has_the_figures_of_the_reports(browser, made_plan):
    root, seen = browser.get("/ledger").page, overview(made_plan)
    figures = {
        text_of(one.find("dt")): text_of(one.find("dd/strong"))
        for one in root.find(".//dl[@class='answers']")
    }

    assert figures == {
        "This invoice run": money(seen.money.invoice.net, "GBP", signed=True),
        "A month": money(seen.money.month.net, "GBP", signed=True),
        "Held or blocked, a month": money(seen.billing.held, "GBP", signed=True),
        "Unexplained, a month": money(seen.billing.unexplained, "GBP", signed=True),
        "Needs a person": str(len({item.row for item in seen.items})),
    }
    assert Decimal(0) not in {seen.billing.held, seen.billing.unexplained, seen.money.month.net}
    about = text_of(root.find(".//dl[@class='read']"))
    assert re.fullmatch(
        r"Work 365 work365 Autotask sandbox As of 2026-11-15 "
        r"Work 365 read \d\d:\d\d Autotask read \d\d:\d\d Logged in .+",
        about,
    )


def test_each_figure_of_the_head_leads_to_what_it_is_made_of(browser, made_plan):
    answer = browser.get("/findings")
    links = [one.get("href") for one in answer.page.find(".//dl[@class='answers']").iter("a")]
    [waiting] = browser.get("/waiting").tables().values()

    assert links == [
        "/explanation?total=This+invoice+run", "/explanation?total=A+month",
        "/ledger?class=held", "/ledger?class=unexplained", "/waiting",
    ]  # fmt: skip
    assert all(browser.get(link).status == HTTPStatus.OK for link in links)
    assert len(waiting) == len(overview(made_plan).items)
    assert {row["row"].split()[0] for row in waiting} <= {"held", "differs", "new", "link"}


def test_the_tabs_are_in_the_order_of_the_work_with_count_and_money(browser, made_plan):
    tabs = [text_of(one) for one in browser.get("/ledger").page.find(".//nav[@class='tabs']/ul")]

    assert [tab.split()[0] for tab in tabs] == [
        "Products", "Customers", "Agreements", "Changes", "Ledger", "Findings", "Runs",
        "Setup",
    ]  # fmt: skip
    assert tabs[0] == "Products 4"
    month = money(overview(made_plan).money.month.net, "GBP", signed=True)
    assert any(tab.endswith(month) for tab in tabs[:4])


def test_a_tab_has_each_change_with_its_money_and_each_row_that_waits(browser, made_plan):
    [rows] = browser.get("/rows?tab=Changes").tables().values()

    assert [(row["row"].split()[0], row["what"].split()[0]) for row in rows] == [
        ("adjust", "10"), ("held", "The"),
    ]  # fmt: skip
    month = next(one.monthly for one in made_plan.changes if one.action == "adjust")
    assert rows[0]["a month"] == money(month, "GBP", signed=True)
    assert rows[1]["needs a person, a month"] == "+£20.00"


@pytest.fixture(scope="module")
def unpriced(made, tmp_path_factory):
    """The browser at a desk whose ledger has no prices."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("unpriced") / "work")
    file = folder / "mappings" / "subscription.yaml"
    text, many = re.subn(r"  price:\n(    .*\n)+", "", file.read_text(encoding="utf-8"))
    assert many == 1
    file.write_text(text, encoding="utf-8")
    with Serving(folder) as serving:
        yield serving.browser()
    assert serving.faults == []


def test_an_unknown_price_is_in_the_column_of_its_amount(unpriced):
    [rows] = unpriced.get("/rows?tab=Changes").tables().values()
    columns = ("this invoice", "a month", "needs a person, a month")

    assert {tuple(row[name] for name in columns) for row in rows} == {
        ("", "price unknown", ""),
        ("", "", "price unknown"),
    }


@pytest.mark.parametrize(("desk_of", "lacks"), [("unpriced", True), ("browser", False)])
def test_sums_of_a_list_show_that_they_lack_unknown_prices(request, desk_of, lacks):
    browser = request.getfixturevalue(desk_of)
    waiting = browser.get("/waiting?group=contract")
    [whole] = [text_of(one) for one in waiting.page.iter("p") if one.get("class") == "whole"]
    tabs = [text_of(one) for one in waiting.page.find(".//nav[@class='tabs']/ul")]
    lead = "Changes without a known price are in no sum."

    assert whole.endswith(" price unknown") is lacks
    assert [tab.split()[0] for tab in tabs if tab.endswith(" ?")] == ["Changes", "Ledger"] * lacks
    assert (lead in browser.get("/rows?tab=Changes").text) is lacks
    assert lead not in browser.get("/rows?tab=Customers").text


def test_state_customer_text_and_order_are_in_the_address(browser):
    def names(**query):
        [rows] = browser.get("/rows", tab="Products", **query).tables().values()
        return [row["row"] for row in rows]

    assert names(state="new") == ["new Mail pro-new, monthly"]
    assert names(text="pro-two") == ["link Mail pro-two, monthly"]
    assert names(customer="nobody") == []
    assert len(names(sort="name")) == len(names()) == 4
    answer = browser.get("/rows", tab="Products", state="new", text="pro")
    [fields] = [
        fields for method, where, fields in answer.forms() if (method, where) == ("get", "/rows")
    ]
    assert dict(fields) == {
        "tab": "Products", "state": "new", "class": "", "customer": "", "service": "",
        "amount": "", "owner": "", "tag": "", "text": "pro", "sort": "", "group": "",
    }  # fmt: skip


@pytest.mark.parametrize(("group", "names"), [
    ("customer", [SHOWN]), ("service", ["Mail pro-new, monthly", "Mail pro-sub, monthly"]),
])  # fmt: skip
def test_rows_are_grouped_and_a_group_leads_to_its_rows(browser, group, names):
    answer = browser.get("/rows", tab="Agreements", group=group)

    titles = [text_of(one.find("summary/span")) for one in answer.page.iter("details")
              if one.get("class") == "group"]  # fmt: skip
    assert {*names} <= {*titles}
    listed = browser.get("/rows", tab="Agreements").tables()["Rows of Agreements"]
    inside = [row for name in titles for row in answer.tables()[name]]
    if group == "service":
        assert sorted(row["row"] for row in inside) == sorted(row["row"] for row in listed)
    else:
        [more] = [link for link in answer.links() if "under=" in link]
        assert browser.get(more).tables()["Rows of Agreements"] == listed


def test_the_ledger_is_grouped_and_filtered_by_the_use_of_the_difference(browser):
    held = browser.get("/ledger", **{"class": "held"}).tables()["Ledger"]
    grouped = browser.get("/ledger", group="contract")

    assert ["Mail held" in row["row"] for row in held] == [True]
    assert len(grouped.tables()) == 1 + 4


def test_a_mapping_with_a_new_tab_has_a_page_by_itself(work):
    file = work / "mappings" / "contact.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("tab: Customers", "tab: People & Co"))
    with Serving(work) as serving:
        browser = serving.browser()
        [tab] = [link for link in browser.get("/ledger").links() if "People" in link]
        rows = browser.get(tab).tables()["Rows of People & Co"]

    assert [row["row"].split(",")[0] for row in rows] == ["link Front Desk"]


def offered(answer):
    """The decisions that a row's page offers, but for the link that a search leads to."""
    forms = [dict(fields) for _, where, fields in answer.forms() if where == "/decide"]
    return [fields["verdict"] for fields in forms]


def test_a_row_shows_both_sides_its_ledger_line_and_what_can_be_decided(browser):
    answer = browser.get("/row?mapping=subscription&key=two")

    assert "Work 365 subscription two" in answer.text
    assert "Autotask ContractServices 701" in answer.text
    [line] = answer.tables()["Ledger of this row"]
    assert (line["Work 365"], line["billed now"], line["unexplained"]) == ("10", "8", "+2, +£20.00")
    decided = [
        dict(fields).get("verdict") for _, where, fields in answer.forms() if where == "/decide"
    ]
    assert decided == ["create", "succeed", "correct", "ignore"]


@pytest.mark.parametrize(
    ("desk_of", "row", "head"),
    [
        ("browser", "mapping=license_change&key=log-held", "held +£20.00 a month waits"),
        ("browser", "mapping=subscription&key=two", "differs +£20.00 a month"),
        ("unpriced", "mapping=subscription&key=two", "differs price unknown"),
    ],
)
def test_the_money_of_what_is_held_waits_and_that_of_a_difference_does_not(
    request, desk_of, row, head
):
    page = request.getfixturevalue(desk_of).get(f"/row?{row}").page

    [section] = [one for one in page.iter("section") if one.get("class") == "stopped"]
    assert text_of(section.find("h2")) == head


def next_of(answer):
    """The next step that a row's page shows first."""
    [section] = [one for one in answer.page.iter("section") if one.get("class") == "next"]
    return text_of(section)


@pytest.mark.parametrize(("row", "step"), [
    (("customer", "acc"), "found by match: confirm"),
    (("service", "pro-new"), "new"),
    (("subscription", "two"), "decide"),
    (("license_change", "log-held"), "decide"),
    (("license_change", "log-sub"), "linked"),
])  # fmt: skip
def test_a_row_shows_its_one_next_step_first(browser, row, step):
    mapping, key = row
    answer = browser.get("/row", mapping=mapping, key=key)

    assert next_of(answer).startswith(f"Next: {step} ")


def test_a_search_as_a_person_types_is_a_part_of_the_page_and_makes_no_call(browser):
    answer = browser.get("/found", mapping="service", key="pro-new", search="pro-t")
    root = parsed(f"<div>{answer.body.decode('utf-8')}</div>")

    [table] = root.iter("table")
    assert [text_of(one) for one in table.find("tbody/tr")] == [
        "601", "Mail pro-two", "name contains it", "linked to no row",
    ]  # fmt: skip
    [form] = root.iter("form")
    fields = {one.get("name"): one.get("value") for one in form.iter("input")}
    assert (form.get("action"), fields["mapping"], fields["key"], fields["record"]) == (
        "/decide", "service", "pro-new", "601",
    )  # fmt: skip
    assert text_of(next(one for one in root.iter() if one.get("data-count"))).startswith("1 found")


def test_records_that_were_read_on_another_day_have_that_day():
    read = SystemClock().now() - timedelta(days=1)
    result = SearchResult("customer", "Companies", ("companyName",), (), 0, read, read)

    assert found(result)["read"] == f"{read:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize("search", ["*", "<img src=x onerror=alert(1)>", "x" * 201, " "])
def test_an_invalid_search_is_reported_in_the_part(browser, search):
    answer = browser.get("/found", mapping="service", key="pro-new", search=search)

    assert answer.status == HTTPStatus.OK
    assert b"<img" not in answer.body
    assert b"TEXT" in answer.body or b"0 found" in answer.body
    assert browser.get("/found", mapping="nope", search="a").status == HTTPStatus.NOT_FOUND


def test_changed_fields_show_before_and_after_with_the_reason(browser):
    answer = browser.get("/row?mapping=customer&key=acc")

    [fields] = [rows for label, rows in answer.tables().items() if "change" in label]
    name = next(row for row in fields if row["field"] == "companyName")
    assert name["Work 365"] == SHOWN
    assert name["Autotask now"] == "Alpine Dental"
    assert name["why"] == "first alignment"


def test_a_pending_change_offers_what_is_for_changes(browser):
    answer = browser.get("/row?mapping=license_change&key=log-held")

    decided = [
        dict(fields).get("verdict") for _, where, fields in answer.forms() if where == "/decide"
    ]
    assert decided == ["archive", "push", "ignore", None]  # the last one: for this month
    assert "/row" not in [where for _, where, _ in answer.forms()]
    assert "Awaiting Provisioning" in answer.text


@pytest.mark.parametrize("key", ["acc", "held"])  # the customer's, and the subscription's
def test_a_row_of_another_mapping_with_the_key_of_a_pending_change_is_another_row(tmp_path, key):
    log = {"id": key, "provisioning_status": "Awaiting Provisioning"}
    World(tmp_path / "work", Service("held", seats=13, changes={"2026-11-12": 2}, log=log))
    with Serving(tmp_path / "work") as serving:
        browser = serving.browser()
        customer = browser.get("/row", mapping="customer", key="acc")
        change = browser.get("/row", mapping="license_change", key=key)
        ledger = browser.get("/ledger")

    assert [*customer.tables()] == []
    assert [*change.tables()] == ["Ledger of this row"]
    offered = [text_of(one) for one in ledger.page.iter("a") if "#decide-" in one.get("href")]
    assert offered == ["Correct"]


def test_a_search_shows_why_a_record_fits_and_who_has_it(browser):
    answer = browser.get("/row?mapping=service&key=pro-new&search=Mail+pro-two")

    found = answer.tables()["Records that fit"]
    assert found[0]["record"] == "601"
    assert found[0]["name"] == "Mail pro-two"
    assert found[0]["why it fits"] == "name is the same"
    assert found[0]["who has it"] == "linked to no row"


def test_a_search_that_cannot_be_made_shows_why(browser):
    answer = browser.get("/row?mapping=service&key=pro-new&search=%2A")

    assert answer.status == HTTPStatus.OK
    assert "TEXT has a wildcard" in answer.text


@pytest.mark.parametrize("query", ["", "mapping=nope&key=acc", "mapping=customer&key=nobody",
                                   "mapping=customer&key=", "mapping=customer&key=ac"])  # fmt: skip
def test_a_row_that_the_plan_does_not_have_is_not_found(browser, query):
    answer = browser.get(f"/row?{query}")

    assert answer.status == HTTPStatus.NOT_FOUND
    assert "the plan does not contain this row" in answer.text


def test_the_ledger_has_its_totals_and_each_line(browser, made_plan):
    answer = browser.get("/ledger")

    assert [row["Billed now"] for row in answer.tables()["Billed now"]] == [
        "Billed too little", "Billed too much", "this plan moves", "held or blocked",
        "explained by nothing",
    ]  # fmt: skip
    assert len(answer.tables()["Ledger"]) == len(made_plan.ledger)
    narrowed = browser.get("/ledger", text="Mail two").tables()["Ledger"]
    assert len(narrowed) == 1


def test_the_ledger_shows_what_a_decision_leads_to_before_the_click(browser):
    rows = browser.get("/ledger").tables()["Ledger"]
    row = browser.get("/row?mapping=subscription&key=two")

    [shown] = [one["row"] for one in rows if "Mail two" in one["row"]]
    assert "Correct: 8 → 10 units, +£20.00 a month" in shown
    assert "/row?mapping=subscription&key=two#decide-correct" in browser.get("/ledger").links()
    assert "It leads to 8 → 10 units, +£20.00 a month." in row.text
    assert "decide-correct" in {one.get("id") for one in row.page.iter("fieldset")}


def test_a_number_leads_to_what_it_is_made_of(browser):
    ledger = browser.get("/ledger")
    for link in [one for one in ledger.links() if one.startswith("/explanation")]:
        answer = browser.get(link)
        assert answer.status == HTTPStatus.OK
        assert "Explained: " in answer.text
    row = browser.get("/row?mapping=subscription&key=two")
    made_of = browser.post("/explain", row.form("/explain"))

    assert "mappings/subscription.yaml:" in made_of.text
    assert "ContractServiceUnits" in made_of.text
    assert "Autotask bills 8" in made_of.text
    assert "work365/subscription.json" in made_of.text


def test_an_amount_that_is_none_is_said_to_leave_nothing_out(browser):
    shown, all_ = browser.get("/ledger", amount="12,50"), browser.get("/ledger")

    assert "12,50 is no amount, so it leaves nothing out" in shown.text
    assert dict(shown.form("/ledger"))["amount"] == "12,50"
    assert shown.tables()["Ledger"] == all_.tables()["Ledger"]
    assert "is no amount" not in all_.text


@pytest.mark.parametrize("query", ["id=none", "", "total=no+such+total", "total=customer:acc"])
def test_an_explanation_that_is_not_there_is_reported(browser, query):
    assert browser.get(f"/explanation?{query}").status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("table", [*TableKind])
def test_each_table_is_a_download(browser, made_plan, table):
    answer = browser.get(f"/download/{table}.csv")

    assert answer.headers["Content-Disposition"] == f'attachment; filename="2026-11-15-{table}.csv"'
    assert answer.body.decode("utf-8") == plan_csv(made_plan, table)


def test_the_report_and_the_workbook_are_downloads(browser, made_plan):
    assert browser.get("/download/plan.html").body.decode("utf-8") == plan_html(made_plan)
    assert browser.get("/download/plan.xlsx").body.startswith(b"PK")
    assert browser.get("/download/plan.exe").status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\u2066c\x00\x1b[31m", "a\\u202eb\\u2066c\\x00\\x1b[31m"),
        ("</p><script>alert(1)</script>", "</p><script>alert(1)</script>"),
        ("&lt;b&gt; & Co", "&lt;b&gt; & Co"),
        ("two\nlines", "two lines"),
        ("x" * 10_000, "x" * (LONGEST - 1) + "…"),
    ],
)
def test_any_text_is_harmless_in_any_template(text, shown):
    root = parsed(refusal(HTTPStatus.FORBIDDEN, text).body.decode("utf-8"))

    assert [one.tag for one in root.iter()][-3:] == ["main", "h1", "p"]
    assert text_of(root.find("body/main/p")) == shown


def test_only_the_desks_own_script_runs(browser):
    answer = browser.get("/desk.js")
    policy = answer.headers["Content-Security-Policy"]

    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "script-src 'self';" in policy
    assert "default-src 'none';" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|innerHTML|eval\(|import", answer.body.decode("utf-8"))


def test_the_style_is_that_of_the_reports_and_loads_nothing(browser):
    css = browser.get("/desk.css").body.decode("utf-8")

    assert "--page:" in css
    assert ".tabs" in css
    assert not re.search(r"@import|url\(|expression|//", css)


def test_the_page_of_an_adjustment_does_not_show_its_service_as_the_record(browser):
    page = browser.get("/row?mapping=license_change&key=log-sub").text

    assert re.search(r"Autotask ContractServiceAdjustments for contractServiceID \d+", page)
    assert not re.search(r"ContractServiceAdjustments \d", page)
