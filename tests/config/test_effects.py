"""Every setting has an effect that a test shows, or a reason why no test of its own can show one.

A key of a schema that is in neither list fails: whoever adds a setting shows what it does. Keys
that only hold other keys are left out. The settings of the Work 365 screen are changed one by one
in `tests/examples/test_settings.py`. Files of tests have no list: their expectations are tried by
`tests/operations/testing` and by the shipped tests.
"""

import re
from pathlib import Path

import pytest

from tests.docs.generated import key_paths
from tests.examples.test_settings import OTHER_VALUES
from tests.support.paths import ROOT

FILES = ("project", "decisions", "notes", "rules", "mapping")

_LINES = Path(__file__).with_name("effects.txt").read_text(encoding="utf-8").splitlines()
_ENTRIES = [line for line in _LINES if line and not line.startswith("#")]

EFFECTS = {key: test.strip() for key, test in zip(_ENTRIES[::2], _ENTRIES[1::2], strict=True)}
"""By key: a test that shows what the setting does."""

ONE_CHOICE = "there is one choice"
SHOWN = "shown to people, and compared with nothing"
WIRED = "names a part of Autotask's API or of the source: the whole demo stands on it"

REASONS = {
    "source.tenant": "part of the log-in that only Microsoft checks",
    "source.client_id": "part of the log-in that only Microsoft checks",
    "state.connector": ONE_CHOICE,
    "decisions[].reason": SHOWN,
    "decisions[].seen.units": "tried together with quantity and day",
    "title": SHOWN,
    "fields": "holds the fields of the target, which have names of their own",
    "source.join.NAME.table": WIRED,
    "source.join.NAME.on": WIRED,
    "source.order": WIRED,
    "repeat.when": WIRED,
    "repeat.by": WIRED,
    "repeat.set": WIRED,
    "ledger.units.entity": WIRED,
    "ledger.units.on": WIRED,
    "ledger.units.value": WIRED,
    "ledger.price.per.ref": WIRED,
    "ledger.price.per.field": WIRED,
    "append.in_turn": WIRED,
    "append.proof.entity": WIRED,
    "append.proof.on": WIRED,
    "write_back.when": WIRED,
    "write_back.after": ONE_CHOICE,
}
"""By key: why it has no test of its own."""


def leaves(kind):
    """The keys of one kind of file that hold no other keys."""
    paths = dict.fromkeys(key_paths(kind))
    return [
        path
        for path in paths
        if not any(other.startswith((f"{path}.", f"{path}[")) for other in paths)
    ]


@pytest.mark.parametrize("kind", FILES)
def test_each_setting_has_a_test_of_its_effect_or_a_reason(kind):
    own = {f"settings.{name}" for name in OTHER_VALUES}
    known = EFFECTS.keys() | REASONS.keys() | own
    assert [path for path in leaves(kind) if path not in known] == []


def test_nothing_is_listed_that_is_no_setting_or_listed_twice():
    paths = {path for kind in FILES for path in leaves(kind)}
    assert (EFFECTS.keys() | REASONS.keys()) - paths == set()
    assert EFFECTS.keys() & REASONS.keys() == set()


@pytest.mark.parametrize("test", sorted(set(EFFECTS.values())))
def test_the_test_of_an_effect_exists(test):
    file, name = test.split("::")
    source = (ROOT / "tests" / file).read_text(encoding="utf-8")
    begins = f"test: {re.escape(name)}$" if file.endswith(".yaml") else rf"def {name}\("
    assert re.search(f"^{begins}", source, re.MULTILINE)
