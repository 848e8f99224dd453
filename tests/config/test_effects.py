"""Every setting has an effect that a test shows.

A key of a schema that is not in the list fails: whoever adds a setting shows what it does. A
setting with one choice (`state.connector`, `write_back.after`, `ledger.units.none`) shows that
every other one is refused. Keys that only hold other keys are left out.

The settings of the Work 365 screen are changed one by one in `tests/examples/test_settings.py`.
Files of tests have no list: their expectations are tried by `tests/operations/testing` and by the
shipped tests.
"""

import re
from pathlib import Path

import pytest

from tests.docs.generated import key_paths
from tests.examples.test_settings import OTHER_VALUES
from tests.support.paths import ROOT

FILES = ("project", "decisions", "notes", "rules", "mapping", "fleet")

_LINES = Path(__file__).with_name("effects.txt").read_text(encoding="utf-8").splitlines()
_ENTRIES = [line for line in _LINES if line and not line.startswith("#")]

EFFECTS = {key: test.strip() for key, test in zip(_ENTRIES[::2], _ENTRIES[1::2], strict=True)}
"""By key: a test that shows what the setting does."""


def leaves(kind):
    """The keys of one kind of file that hold no other keys."""
    paths = dict.fromkeys(key_paths(kind))
    return [
        path
        for path in paths
        if not any(other.startswith((f"{path}.", f"{path}[")) for other in paths)
    ]


@pytest.mark.parametrize("kind", FILES)
def test_each_setting_has_a_test_of_its_effect(kind):
    own = {f"settings.{name}" for name in OTHER_VALUES}
    known = EFFECTS.keys() | own
    assert [path for path in leaves(kind) if path not in known] == []


def test_nothing_is_listed_that_is_no_setting_or_listed_twice():
    paths = {path for kind in FILES for path in leaves(kind)}
    assert EFFECTS.keys() - paths == set()
    assert len(_ENTRIES) == 2 * len(EFFECTS)


def exists(test):
    """Is there a test of this name, in Python, or in a file of cases?"""
    file, name = test.split("::")
    source = (ROOT / "tests" / file).read_text(encoding="utf-8")
    headings = {".yaml": f"test: {re.escape(name)}$", ".txt": f"== {re.escape(name)}$"}
    begins = headings.get(Path(file).suffix, rf"def {name}\(")
    return re.search(f"^{begins}", source, re.MULTILINE)


def test_the_test_of_each_effect_exists():
    assert sorted(test for test in set(EFFECTS.values()) if not exists(test)) == []
