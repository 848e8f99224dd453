"""A small project, whole and right, to be broken."""

import shutil
from pathlib import Path

import pytest

from engine.config.loader import check
from engine.model.finding import Severity

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "schemas"
ENV = {"AUTOTASK_SECRET": "hunter2", "AUTOTASK_CODE": "code"}


class Workshop:
    """A copy of the good project."""

    def __init__(self, root):
        self.root = root
        self.env = dict(ENV)
        self.shipped = SHIPPED

    def write(self, file, text):
        path = self.root / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def edit(self, file, old, new):
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def change(self, file, *what):
        """Writes the file, or replaces one text in it by another."""
        (self.write if len(what) == 1 else self.edit)(file, *what)

    def check(self):
        return check(self.root, env=self.env, shipped=self.shipped)

    def load(self):
        project, findings = self.check()
        assert project, "\n".join(finding.line() for finding in findings)
        return project

    def says(self):
        """Everything that `trueup validate` would say, a line each; warnings are marked."""
        said = []
        for finding in self.check()[1]:
            mark = "" if finding.severity is Severity.ERROR else f"{finding.severity}: "
            remedy = f" ({finding.remedy})" if finding.remedy else ""
            said.append(f"{mark}{finding.place}: {finding.text}{remedy}")
        return said


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "good"
    shutil.copytree(HERE / "projects" / "good", root)
    return Workshop(root)
