"""What each page must be: wide and light, narrow and dark, and zoomed."""

from axe_playwright_python.sync_playwright import Axe

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 360, "height": 640}
ZOOMED = {"width": 640, "height": 400}  # what 200 % leaves of the wide window

TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > room + 1)
    .map((one) => `${one.tagName}.${one.className}: ${one.textContent.slice(0, 60)}`);
}"""
"""The elements that make a page scroll sideways."""

MARK_SEEN = """(seen) => {
  const kinds = new Set(seen);
  const unseen = new Set();
  const all = [...document.querySelectorAll("body *")];
  for (const one of all) {
    const states = ":disabled, :first-child, [aria-current], :has(.strong), :has(input:checked)";
    let kind = "";
    for (let each = one; each; each = each.parentElement) {
      kind += `${each.tagName}.${each.getAttribute("class")} ${each.matches(states)} `;
    }
    if (!kinds.has(kind)) {
      kinds.add(kind);
      for (let each = one; each; each = each.parentElement) unseen.add(each);
    }
  }
  for (const one of all) one.toggleAttribute("data-seen", !unseen.has(one));
  return [...kinds];
}"""
"""Marks what the style sheet colours as an element that was seen before; returns all kinds."""

CONTRAST = "color-contrast"
RUN_AXE = """async (contrast) => {
  const kept = { resultTypes: ["violations"] };
  const others = await axe.run({ ...kept, rules: { [contrast]: { enabled: false } } });
  if (!document.querySelector("body :not([data-seen])")) return others.violations;
  const unseen = { exclude: [["[data-seen]"]] };
  const colours = await axe.run(unseen, { ...kept, runOnly: [contrast] });
  return [...others.violations, ...colours.violations];
}"""
"""Contrast takes most of the time, and depends on the style sheet: each kind is measured once."""


class Looks:
    """Looks at pages of one desk, one after the other."""

    def __init__(self):
        self._seen = {"light": [], "dark": []}  # kinds of elements by colour scheme

    def at(self, page):
        """Asserts that axe finds nothing in the page, and that it does not scroll sideways."""
        page.evaluate(Axe().axe_script)
        for size, scheme in ((WIDE, "light"), (NARROW, "dark"), (ZOOMED, "light")):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(TOO_WIDE) == [], f"{page.url} at {size}"
            if size is not ZOOMED:
                assert self._faults(page, scheme) == [], f"{page.url} at {size}, {scheme}"

    def _faults(self, page, scheme):
        self._seen[scheme] = page.evaluate(MARK_SEEN, self._seen[scheme])
        return [
            (one["id"], one["help"], [node["html"][:200] for node in one["nodes"]])
            for one in page.evaluate(RUN_AXE, CONTRAST)
        ]
