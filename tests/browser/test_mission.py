"""The four tabs of Work 365's own screen, end to end: by keyboard, and by the command line."""

from trueup.cli.main import run
from trueup.operations.project import load_project
from trueup.sandbox.autotask.dump import dump_database

from tests.browser.keyboard import Keyboard
from tests.chaos.final_state import differences, final_state

WHY = "looked up in both"


def by_keyboard(page):
    """Searches, links, adds, corrects, previews and applies."""
    at = Keyboard(page)

    def open_tab(tab, leads_to="**/rows?tab=*"):
        at.reach(page.get_by_role("navigation", name="Tabs").get_by_role("link", name=tab))
        at.press("Enter")
        page.wait_for_url(leads_to)

    def open_row(tab, name, leads_to="**/rows?tab=*"):
        open_tab(tab, leads_to)
        at.write("Text", name)
        at.press("Enter")
        page.wait_for_url("**text=*")
        at.enter("link", name, leads_to="**/row?*")

    def confirm():
        page.wait_for_url("**/decision?*")
        assert page.get_by_role("table", name="What follows").count()
        at.enter("button", "Write the decision", leads_to="**/row?*")

    def link(tab, name, record):
        open_row(tab, name)
        at.write("Name, number, SKU, part number or domain", name.partition(",")[0])
        at.press("Enter")
        page.wait_for_url("**search=*")
        at.choose(record)
        at.write("Reason, for those who read it later (may be empty)", WHY)
        at.press("Enter")
        confirm()

    def decide(title, button):
        group = page.get_by_role("group", name=title)
        at.reach(group.get_by_label("Reason, for those who read it later"))
        page.keyboard.type(WHY)
        at.enter("button", button, leads_to="**/decision?*")
        confirm()

    link("Products", "Power BI Pro, monthly", "620")
    link("Customers", "Chalet Miremont Sàrl", "29695")
    open_row("Customers", "Nordlicht Feinkost GmbH")
    decide("Add new", "Preview: add new")
    open_row("Ledger", "Dunmore Surveyors, Exchange Online (Plan 1), monthly", "**/ledger")
    decide("Correct", "Preview: correct")

    open_tab("Agreements")
    at.tick("Apply Brightwater Logistics Ltd-CSP-Monthly")
    at.enter("button", "Preview selected", leads_to="**/preview?*")
    part = page.get_by_role("button", name="Apply ").inner_text()
    open_tab("Changes")
    at.enter("button", "Preview the whole plan", leads_to="**/preview?*")
    assert page.get_by_role("button", name="Apply ").inner_text() != part
    at.reach(page.get_by_role("button", name="Apply "))
    at.press("Enter")
    page.get_by_role("heading", name="Outcome", exact=True).wait_for()
    assert page.get_by_text("All is done.").count()


def by_command_line(folder):
    """The same, as an administrator would do it."""

    def trueup(*arguments):
        assert run([*arguments, "--project", str(folder)]) == 0

    quickly = ("--reason", WHY, "--no-preview")
    trueup("link", "service", "bec6fd00", "620", *quickly)
    trueup("link", "customer", "Chalet Miremont Sàrl", "29695", *quickly)
    trueup("decide", "customer", "Nordlicht Feinkost GmbH", "create", *quickly)
    trueup("decide", "subscription", "f7059e8a", "correct", *quickly)
    trueup("plan", "--out", str(folder / "plan.json"))
    trueup("apply", str(folder / "plan.json"), "--yes")


def test_the_four_tabs_by_keyboard_do_what_the_command_line_does(demo, serve, visit):
    desk, shell = demo
    by_command_line(shell)
    by_keyboard(visit(serve(desk)))

    ours, theirs = ((one / "mappings" / "decisions.yaml").read_bytes() for one in demo)
    assert ours == theirs
    assert ours.count(WHY.encode()) == 4
    assert differences(final(shell), final(desk)) == {}


def final(folder):
    """What both systems and the state hold in the end."""
    entities = load_project(folder).catalogue.entities
    return final_state(folder, dump_database(folder / ".trueup" / "autotask.sqlite", entities))
