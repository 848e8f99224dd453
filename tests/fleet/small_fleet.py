"""A fleet whose tenants share a small project, for tests to change."""

from pathlib import Path

from trueup.fleet.fleet_file import check_fleet, load_fleet
from trueup.model.finding import Severity

from tests.support.small_project import FILES, write

FLEET = """\
fleet: All tenants
defaults:
  project: base
  schedule: {cron: "0 5 * * *", time_zone: Europe/London}
tenants:
  acme:
    set: {source: {path: exports/acme}}
  birch:
    set: {source: {path: exports/birch}}
"""

STATE = "state: {connector: sqlite, path: state.sqlite}\n"


class SmallFleet:
    """A folder with fleet.yaml, and the project that its tenants share."""

    def __init__(self, root: Path, base=None):
        self.root, self.env = root, {}
        self.write("fleet.yaml", FLEET)
        write(root / "base", FILES if base is None else base)

    def write(self, file, text):
        (self.root / file).parent.mkdir(parents=True, exist_ok=True)
        (self.root / file).write_text(text, encoding="utf-8")

    def edit(self, file, old, new):
        text = (self.root / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        self.write(file, text.replace(old, new))

    def load(self):
        return load_fleet(self.root, self.env)

    def messages(self, **options):
        """All findings, a line each."""
        lines = []
        for finding in check_fleet(self.root, self.env, **options)[1]:
            mark = "" if finding.severity is Severity.ERROR else f"{finding.severity}: "
            lines.append(f"{mark}{finding.place}: {finding.text}")
        return lines
