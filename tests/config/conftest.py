"""A small project without errors, for tests to change."""

import shutil
from pathlib import Path

import pytest
from trueup.config.loader import check

from tests.support.messages import messages_of
from tests.support.paths import SCHEMAS

HERE = Path(__file__).parent
SHIPPED = SCHEMAS
ENV = {"AUTOTASK_SECRET": "hunter2", "AUTOTASK_CODE": "code"}


class EditableProject:
    """A copy of the good project that a test can change and check."""

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
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def change(self, file, *what):
        """Writes the file (`what` is its text), or replaces one text in it by another."""
        (self.write if len(what) == 1 else self.edit)(file, *what)

    def check(self):
        return check(self.root, env=self.env, shipped=self.shipped)

    def load(self):
        project, findings = self.check()
        assert project, "\n".join(finding.line() for finding in findings)
        return project

    def messages(self):
        """Returns all findings as `trueup validate` shows them, a line each."""
        return messages_of(self.check()[1])


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "good"
    shutil.copytree(HERE / "projects" / "good", root)
    return EditableProject(root)
