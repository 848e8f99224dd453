"""A person without a mouse: Tab, Enter, Space, arrows and letters are all that is pressed."""

from urllib.parse import urlsplit

from tests.support.chromium import PATIENCE

FARTHEST = 600  # presses of Tab to one place
AT_ONCE = 6  # presses of Tab before the page is asked where they have led

KIND = """element => {
  const kind = [element.name ?? "", element.type === "submit" ? element.textContent : ""];
  for (let one = element; one; one = one.parentElement) {
    kind.push(`${one.tagName}.${one.className}`);
  }
  return kind.join(" ");
}"""
"""What an element is on its page: links of one column are of one kind, two fields are not."""

HOLD = """element => {
  window.stay = (event) => {
    if (event.key === "Tab" && element === document.activeElement) event.preventDefault();
  };
  addEventListener("keydown", window.stay, true);
}"""
"""Presses of Tab that come after an element is reached lead no further."""

LET_GO = """element => {
  removeEventListener("keydown", window.stay, true);
  return getComputedStyle(element).outlineStyle;
}"""
IS_FOCUSED = "element => element === document.activeElement"


class Keyboard:
    """The keyboard before one page."""

    def __init__(self, page):
        self.page = page
        self.press = page.keyboard.press
        self._known = set()

    def reach(self, wanted):
        """Goes on to an element with Tab, and sees that the focus is shown there.

        The way to elements of one kind on pages of one kind is gone once.
        """
        element = wanted.element_handle()
        place = urlsplit(self.page.url).path, element.evaluate(KIND)
        if place in self._known:
            element.focus()
            return
        element.evaluate(HOLD)
        for _ in range(FARTHEST // AT_ONCE):
            for _ in range(AT_ONCE):
                self.press("Tab")
            if element.evaluate(IS_FOCUSED):
                assert element.evaluate(LET_GO) != "none"
                self._known.add(place)
                return
        raise AssertionError(f"no way by Tab to {wanted}")

    def enter(self, role, name, *, leads_to):
        """Goes to a link or a button, presses Enter, and waits for the page that it leads to."""
        self.reach(self.page.get_by_role(role, name=name, exact=True).first)
        self.press("Enter")
        self.page.wait_for_url(leads_to, timeout=PATIENCE)

    def write(self, label, text):
        """Writes into a field, in place of what it holds."""
        self.reach(self.page.get_by_label(label, exact=True))
        self.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, name):
        """Chooses one of several radio buttons: Tab leads to the first, arrows to the others."""
        wanted = self.page.get_by_role("radio", name=name, exact=True)
        first = self.page.get_by_role("radio").first
        self.reach(first)
        self.press("Space")
        for _ in range(FARTHEST):
            if wanted.is_checked():
                return
            self.press("ArrowDown")
        raise AssertionError(f"no way by arrows to {name}")

    def tick(self, name):
        """Ticks the box of what has this name."""
        wanted = self.page.get_by_role("checkbox", name=name)
        self.reach(wanted)
        self.press("Space")
        assert wanted.is_checked()
