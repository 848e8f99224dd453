"""Each page of the desk: found by its links, looked at by axe, narrow, zoomed and dark."""

from itertools import count
from urllib.parse import parse_qs, urljoin, urlsplit

from tests.browser.conftest import HOSTILE, LONG
from tests.browser.looks import WIDE, Looks


def test_axe_finds_nothing_and_no_page_is_too_wide(small, serve, visit):
    page = visit(serve(small), viewport=WIDE)
    looks, looked_at = Looks(), set()
    seen, waiting = set(), [page.url]
    while waiting:
        address = waiting.pop(0)
        if kind_of(address) in seen:
            continue
        seen.add(kind_of(address))
        page.goto(address)
        page.wait_for_url(lambda one: "/working" not in one)
        if page.url not in looked_at:
            looked_at.add(page.url)
            looks.at(page)
            waiting += links_of(page)
    assert seen >= {
        ("/rows", ("tab",)), ("/row", ("key", "mapping")), ("/ledger", ()), ("/waiting", ()),
        ("/setup", ()), ("/doctor", ()), ("/explanation", ("total",)),
    }  # fmt: skip
    look_at_what_forms_lead_to(page, looks)

    apply_everything(page, looks)
    for address in links_of(page):
        if urlsplit(address).path in {"/run", "/runs"}:
            page.goto(address)
            looks.at(page)


def kind_of(address):
    """Pages with the same path and the same names in their query are made alike."""
    parts = urlsplit(address)
    return parts.path, tuple(sorted(parse_qs(parts.query)))


def links_of(page):
    """The pages that a page leads to; downloads are no pages."""
    addresses = page.locator("a[href]").evaluate_all("all => all.map(one => one.href)")
    return [
        one.partition("#")[0]
        for one in addresses
        if not urlsplit(urljoin(page.url, one)).path.startswith("/download")
    ]


def look_at_what_forms_lead_to(page, looks):
    """Pages without a link: a note, an explanation, a changed setting, nothing in doubt."""
    page.goto(urljoin(page.url, "/row?mapping=subscription&key=sub"))
    page.get_by_label("Note", exact=True).fill(HOSTILE)
    page.get_by_label("Tags, with commas between").fill("autumn, <b>price</b>")
    page.get_by_role("button", name="Save the note").click()
    page.wait_for_load_state()
    looks.at(page)
    page.get_by_role("button", name="What it is made of").click()
    page.wait_for_url("**/explanation?*")
    looks.at(page)
    page.goto(urljoin(page.url, "/setup"))
    page.get_by_label("Allow duplicated services").select_option("true")
    page.get_by_role("button", name="Preview the change").click()
    page.get_by_role("button", name="Write it").wait_for()
    looks.at(page)
    page.goto(urljoin(page.url, "/doubt"))
    looks.at(page)


def apply_everything(page, looks):
    page.goto(urljoin(page.url, "/rows?tab=Changes"))
    page.get_by_role("button", name="Preview the whole plan").click()
    page.wait_for_url("**/preview?*")
    looks.at(page)
    page.get_by_role("button", name="Apply ").click()
    page.get_by_role("heading", name="Outcome", exact=True).wait_for()
    looks.at(page)


SOME_ANSWERS = 300  # milliseconds, in which a page that asks every 20 is answered several times
STANDING = """<!DOCTYPE html><script src="/desk.js" defer></script>
<main {again}><p>Seen {count}</p><form><label>Reason <input></label></form></main>"""


def test_a_page_that_asks_again_keeps_what_a_person_types(small, serve, visit):
    page = visit(serve(small))
    answers = count(1)
    again = ['data-again="0.02"']

    def answer(route):
        body = STANDING.format(again=again[0], count=next(answers))
        route.fulfill(body=body, content_type="text/html")

    page.route("**/standing", answer)
    page.goto(urljoin(page.url, "/standing"))
    page.get_by_text("Seen 5").wait_for()

    page.get_by_label("Reason").focus()
    page.wait_for_timeout(SOME_ANSWERS)
    page.keyboard.type("No: wrong price")
    page.get_by_label("Reason").blur()
    page.wait_for_timeout(SOME_ANSWERS)
    again[0] = ""  # it is over
    page.wait_for_timeout(SOME_ANSWERS)

    assert page.get_by_label("Reason").input_value() == "No: wrong price"


def test_without_scripts_everything_is_done_with_forms(small, serve, visit):
    page = visit(serve(small), java_script_enabled=False)
    tabs = page.get_by_role("navigation", name="Tabs")
    tabs.get_by_role("link", name="Changes").click()
    page.get_by_label("Text", exact=True).fill("Münchner")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**text=M*")
    assert page.get_by_text(HOSTILE).count()
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Preview selected").click()
    page.wait_for_url("**/preview?*")
    assert "10 → 13 units" in page.locator("main").inner_text()

    tabs.get_by_role("link", name="Products").click()
    page.get_by_role("link", name="pro-new").first.click()
    page.get_by_label("Name, number, SKU").fill("Mail")
    page.get_by_role("button", name="Search Autotask").click()
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Preview the link").click()
    page.wait_for_url("**/decision?*")
    page.get_by_role("button", name="Write the decision").click()
    page.wait_for_url("**/row?*")
    decided = (small / "mappings" / "decisions.yaml").read_text(encoding="utf-8")
    assert "pro-new" in decided
    assert LONG not in decided


def test_who_is_not_logged_in_gets_a_page_as_readable(small, serve, visit, browser):
    desk = visit(serve(small), viewport=WIDE)
    context = browser.new_context()
    stranger = context.new_page()
    stranger.goto(urljoin(desk.url, "/ledger"))
    Looks().at(stranger)
    assert stranger.get_by_text("This page needs a log-in.").count()
    context.close()
