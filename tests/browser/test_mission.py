"""The four tabs of Work 365's own screen, end to end: by keyboard, and by the command line."""

from trueup.cli.main import run
from trueup.operations.project import load_project
from trueup.sandbox.autotask.dump import dump_database
from trueup.wiring import open_state

from tests.browser.keyboard import Keyboard
from tests.chaos.final_state import differences, final_state

WHY = "looked up in both"


class Person:
    """Decides and applies at a page of the desk, by keyboard alone."""

    def __init__(self, page):
        self.page, self.at = page, Keyboard(page)

    def open_tab(self, tab):
        tabs = self.page.get_by_role("navigation", name="Tabs")
        self.at.reach(tabs.get_by_role("link", name=tab))
        self.at.press("Enter")
        self.page.get_by_role("heading", name=tab, exact=True).wait_for()

    def show(self, tab, text):
        self.open_tab(tab)
        self.at.write("Text", text)
        self.at.press("Enter")
        self.page.wait_for_url("**text=*")

    def open_row(self, tab, name):
        self.show(tab, name)
        self.at.enter("link", name, leads_to="**/row?*")

    def link(self, tab, name, record):
        self.open_row(tab, name)
        self.at.write("Name, number, SKU, part number or domain", name.partition(",")[0])
        self.at.press("Enter")
        self.page.wait_for_url("**search=*")
        self.at.choose(record)
        self.at.write("Reason, for those who read it later (may be empty)", WHY)
        self.at.press("Enter")
        self.confirm()

    def decide(self, tab, name, title):
        self.open_row(tab, name)
        group = self.page.get_by_role("group", name=title)
        self.at.reach(group.get_by_label("Reason, for those who read it later"))
        self.page.keyboard.type(WHY)
        self.at.enter("button", f"Preview: {title.lower()}", leads_to="**/decision?*")
        self.confirm()

    def confirm(self):
        self.page.wait_for_url("**/decision?*")
        assert self.page.get_by_role("table", name="What follows").count()
        self.at.enter("button", "Write the decision", leads_to="**/row?*")

    def preview(self, button):
        """Previews, and returns what the button to apply says."""
        self.at.enter("button", button, leads_to="**/preview?*")
        return self.page.get_by_role("button", name="Apply ").inner_text()

    def apply(self):
        self.at.reach(self.page.get_by_role("button", name="Apply "))
        self.at.press("Enter")
        self.page.get_by_role("heading", name="Outcome", exact=True).wait_for()
        assert self.page.get_by_text("All is done.").count()


def by_keyboard(page):
    """Searches, links, adds, corrects, previews and applies."""
    person = Person(page)
    person.link("Products", "Power BI Pro, monthly", "620")
    person.link("Customers", "Chalet Miremont Sàrl", "29695")
    person.decide("Customers", "Nordlicht Feinkost GmbH", "Add new")
    person.decide("Ledger", "Dunmore Surveyors, Exchange Online (Plan 1), monthly", "Correct")
    person.show("Agreements", "Brightwater")
    person.at.tick("Brightwater Logistics Ltd-CSP-Monthly")
    part = person.preview("Preview selected")
    person.open_tab("Changes")
    assert person.preview("Preview the whole plan") != part
    person.apply()


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
    project = load_project(folder)
    database = folder / ".trueup" / "autotask.sqlite"
    with open_state(project) as state:
        dump = dump_database(database, project.catalogue.entities)
        return final_state(folder, state.load(), dump)
