"""`make screenshots`: a picture of each page of the review desk on the demo, in docs/pictures/.

The person in the pictures settles a customer, previews the plan, applies it, and looks at the run.
A colleague approves the plan before. Each other tab is pictured as it opens.
"""

import io
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from urllib.parse import urlsplit

from msgspec.structs import replace
from PIL import Image
from trueup.cli.main import run
from trueup.operations import apply as operations
from trueup.review.sessions import cookie_name

from tests.support.browser import Serving
from tests.support.chromium import NO_BROWSER, PATIENCE, chromium, find_chromium
from tests.support.paths import ROOT

PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 800}
COLOURS = 96  # of a picture: words and lines need few, and each makes the file larger
LARGEST = 100_000  # bytes of a picture

CUSTOMER = "Chalet Miremont Sàrl"
RECORD = "29695"
ANNA, BEN = "anna@northgate-it.example", "ben@northgate-it.example"
APPROVAL = f"""
approval:
  above: 1000
  second_above: 5000
  roles: {{decide: [{ANNA}], approve: [{BEN}], administer: [{ANNA}]}}
  limits: {{approve: 50000}}
"""
HALF_WAY = 200  # changes that are done when the picture of the progress is taken
SEARCH = "Name, number, SKU, part number or domain"
REASON = "Reason, for those who read it later (may be empty)"


class Photographer:
    """Takes pictures of one page after another; `taken` are the pictures by name."""

    def __init__(self, page):
        self.page, self.taken = page, {}

    def take(self, name, of=None):
        """Takes what is in view, on this page or on that of another person."""
        page = of or self.page
        page.evaluate("document.activeElement.blur()")
        shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        small = shown.quantize(COLOURS, dither=Image.Dither.NONE)
        out = io.BytesIO()
        small.save(out, "PNG", optimize=True)
        self.taken[name] = out.getvalue()

    def open_tab(self, label):
        """Opens a tab by its name."""
        tabs = self.page.get_by_role("navigation", name="Tabs")
        tabs.get_by_role("link", name=label).first.click()
        self.page.wait_for_load_state()

    def click(self, button, leads_to):
        """Clicks a button, and waits for the page that it leads to."""
        self.page.get_by_role("button", name=button).first.click()
        self.page.wait_for_url(leads_to)


def main() -> int:
    """Makes the pictures anew. Returns 1 where there is no browser, or a picture is too large."""
    path = find_chromium()
    if path is None:
        sys.stderr.write(f"{NO_BROWSER}\n")
        return 1
    with TemporaryDirectory(prefix="trueup-pictures-") as folder:
        work = Path(folder) / "work"
        run(["init", str(work)])
        with (work / "trueup.yaml").open("a", encoding="utf-8") as file:
            file.write(APPROVAL)
        with Serving(work) as desk, chromium(path) as browser:
            colleague = Photographer(enter(desk, browser, BEN))
            taken = take_all(Photographer(enter(desk, browser, ANNA)), colleague)
    return keep(taken)


def enter(desk, browser, person):
    """A page of a browser in which this person has logged in at a provider."""
    parts = urlsplit(desk.server.login)
    context = browser.new_context(viewport=SIZE, reduced_motion="reduce")
    cookie = {
        "name": cookie_name(parts.port),
        "value": desk.server.sessions.open(person).id,
        "url": f"https://{parts.netloc}",
        "secure": True,
    }
    context.add_cookies([cookie])
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"http://{parts.netloc}/")
    page.wait_for_url("**/rows?*")
    return page


@contextmanager
def paused(at):
    """Holds the next run after so many changes; gives what is set then, and what lets it go."""
    reached, go = Event(), Event()
    real = operations.apply

    def slow(project, plan, options, listener):
        def watch(progress):
            listener.progress(progress)
            if progress.done >= at:
                reached.set()
                go.wait()

        return real(project, plan, options, replace(listener, progress=watch))

    operations.apply = slow
    try:
        yield reached, go
    finally:
        operations.apply = real
        go.set()


def take_all(photographer, colleague):
    """Walks through the desk; returns the pictures by name."""
    decide(photographer)
    page = photographer.page
    apply(photographer, colleague)
    for label in ("Ledger", "Findings", "Runs"):
        photographer.open_tab(label)
        photographer.take(label.lower())
    page.locator("main table a").first.click()
    page.wait_for_url("**/run?*")
    photographer.take("run")
    other_tabs(photographer)
    photographer.open_tab("Ledger")
    page.emulate_media(color_scheme="dark")
    photographer.take("dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    photographer.open_tab("Agreements")
    photographer.take("phone")
    return photographer.taken


def decide(photographer):
    """A customer that looks like a company of Autotask is linked to it."""
    page = photographer.page
    photographer.open_tab("Products")
    photographer.take("products")
    photographer.open_tab("Customers")
    page.get_by_label("Text", exact=True).fill(CUSTOMER)
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**text=*")
    photographer.take("customers")
    page.get_by_role("link", name=CUSTOMER, exact=True).first.click()
    page.wait_for_url("**/row?*")
    photographer.take("row")
    page.get_by_label(SEARCH).fill(CUSTOMER.removesuffix(" Sàrl"))
    page.get_by_role("button", name="Search Autotask").click()
    page.wait_for_url("**search=*")
    page.get_by_role("radio", name=RECORD).check()
    page.get_by_label(REASON).fill("the same, without its legal form")
    photographer.take("search")
    photographer.click("Preview the link", "**/decision?*")
    photographer.take("decision")
    photographer.click("Write the decision", "**/row?*")


def approve(photographer, colleague):
    """Asks for the approval of the preview that is open; the colleague gives it."""
    page, other = photographer.page, colleague.page
    page.get_by_role("link", name="Ask for the approval, or give it").click()
    photographer.click("Ask for the approval", "**/approval?*")
    page.get_by_text("Asked for by").wait_for()
    colleague.open_tab("Approvals")
    photographer.take("approvals", of=other)
    other.get_by_role("table", name="Plans").get_by_role("link").click()
    other.wait_for_url("**/approval?*")
    photographer.take("approval", of=other)
    other.get_by_label("Reason (optional)").fill("checked with the customers")
    other.get_by_role("button", name="Yes: ").click()
    other.get_by_text("Approved by").first.wait_for()


def apply(photographer, colleague):
    """Some changes are ticked and previewed; the whole plan is previewed, approved and applied."""
    page = photographer.page
    photographer.open_tab("Agreements")
    photographer.take("agreements")
    photographer.open_tab("Changes")
    for number in range(3):
        page.locator("tbody input[name=row]").nth(number).check()
    photographer.take("changes")
    photographer.click("Preview selected", "**/preview?*")
    photographer.take("preview")
    photographer.open_tab("Changes")
    photographer.click("Preview the whole plan", "**/preview?*")
    whole = page.url
    approve(photographer, colleague)
    page.goto(whole)
    with paused(HALF_WAY) as (reached, go):
        page.get_by_role("button", name="Apply ").click()
        reached.wait()
        page.get_by_text(" changes. Last: ").wait_for()
        photographer.take("progress")
        go.set()
    page.get_by_role("heading", name="Outcome", exact=True).wait_for()
    photographer.take("outcome")


def other_tabs(photographer):
    """Each tab of which there is no picture yet."""
    labels = photographer.page.get_by_role("navigation", name="Tabs").get_by_role("link")
    for text in labels.all_inner_texts():
        label = text.split("\n")[0].split(" ")[0]
        if label.lower() not in photographer.taken:
            photographer.open_tab(label)
            photographer.page.wait_for_url(lambda address: "/working" not in address)
            photographer.take(label.lower())


def keep(taken):
    """Puts pictures in the place of those of before. Returns 1 if one is too large."""
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    for name, picture in taken.items():
        (PICTURES / f"{name}.png").write_bytes(picture)
    large = {name: len(picture) for name, picture in taken.items() if len(picture) >= LARGEST}
    for name, many in large.items():
        sys.stderr.write(f"{name}.png has {many:,} bytes; {LARGEST:,} are the most\n")
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main())
