"""Single values of trueup.yaml are changed; all else stays as it was written, byte for byte."""

from decimal import Decimal

import pytest
from trueup.config.project_edits import REMOVED, edit_project
from trueup.errors import ConfigError

TEXT = """\
# about the project
project: 'Northgate'   # the name
guards:
  creates: {"*": 50}

settings:
  # who owns
  owner: ada@tenant.example
  fee: 0
  answer: "No"
  codes: {products: One, fee: null}   # names
  months: {}
"""


def edited(steps, value, text=TEXT):
    return edit_project(text.encode(), {steps: value}).decode()


@pytest.mark.parametrize(
    ("steps", "value", "old", "new"),
    [
        (("settings", "owner"), "Bea", "ada@tenant.example", "Bea"),
        (("settings", "owner"), "No", "owner: ada@tenant.example", 'owner: "No"'),
        (("settings", "owner"), "{{ env.A }}", "owner: ada@tenant.example", 'owner: "{{ env.A }}"'),
        (("settings", "owner"), "a: b # c", "owner: ada@tenant.example", 'owner: "a: b # c"'),
        (("settings", "owner"), None, "owner: ada@tenant.example", "owner: null"),
        (("settings", "fee"), Decimal("1E+1"), "fee: 0", "fee: 10"),
        (("settings", "answer"), "Yes", 'answer: "No"', 'answer: "Yes"'),
        (("settings", "owner"), True, "owner: ada@tenant.example", "owner: true"),
        (("settings", "codes", "fee"), "Two", "fee: null}   #", "fee: Two}    #"),
        (("settings", "new", "deep"), "x", "  months: {}\n", "  months: {}\n  new:\n    deep: x\n"),
    ],
)
def test_one_value_is_changed_and_nothing_else(steps, value, old, new):
    assert edited(steps, value) == TEXT.replace(old, new)


def test_a_key_is_removed_with_nothing_else():
    text = TEXT.replace("  months: {}\n", "  months:\n    A: B\n    C: D\n")

    assert edited(("settings", "months", "A"), REMOVED, text) == text.replace("    A: B\n", "")
    assert edited(("settings", "months", "Z"), REMOVED, text) == text


def test_line_ends_of_windows_and_a_byte_order_mark_stay():
    old = b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode()
    new = edit_project(old, {("settings", "fee"): Decimal(2)})

    assert new == old.replace(b"fee: 0", b"fee: 2")


@pytest.mark.parametrize(
    "text", ["", "- a\n", "a: 1\n---\nb: 2\n", "a: [\n", "a: &x {b: 1}\nc: *x\n"]
)
def test_a_file_that_cannot_be_edited_safely_is_refused(text):
    with pytest.raises(ConfigError, match=r"trueup\.yaml"):
        edit_project(text.encode(), {("c", "b"): "2"})
