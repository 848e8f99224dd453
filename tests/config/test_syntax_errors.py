"""Broken YAML: the place of the mistake, what is wrong there and what to do."""

import pytest
from trueup.config.documents import parse

INDENT = "this does not fit the lines above: it is indented differently, or follows a closing quote"
COLON = "a `:` where no key can be"
NOT_CLOSED = "this is not closed with `{}`, or an item lacks its `,`"


@pytest.mark.parametrize(
    ("raw", "place", "text", "remedy"),
    [
        ('a: "b\nc: d\n', "1:4", "this quote is not closed", "use single quotes outside"),
        ("a: 'b\n", "1:4", "this quote is not closed", "use single quotes outside"),
        ("a:\n  b: 1\n c: 2\n", "3:2", INDENT, "indent it like the keys beside it"),
        ('a: "x"y\n', "1:7", INDENT, 'inside double quotes write \\" for "'),
        ("a: 1\n b: 2\n", "2:3", COLON, "indent it like the keys beside it"),
        ("a: b: c\n", "1:5", COLON, "put the text into quotes"),
        ("abc\ndef: 1\n", "2:4", COLON, "end the key above with `:`"),
        ("a: 1\nabc\n", "2:1", "a key without `:`", "write `key: value`"),
        ("- 1\nb: 2\n", "2:1", "a key in the middle of a list", "begin it with `-`"),
        ("a: - 1\n", "1:4", "a list item on the line of its key", "on a line of its own"),
        ("a: @x\n", "1:4", "a value cannot begin with this character", "into quotes"),
        ('a: "\\q"\n', "1:5", "an unknown escape after `\\`", "use single quotes"),
        ("a: [1\n", "1:4", NOT_CLOSED.format("]"), "close it with `]`"),
        ("a: {b: 1\nc: 2\n", "1:4", NOT_CLOSED.format("}"), "close it with `}`"),
    ],
)
def test_a_mistake_is_named_at_its_place_in_plain_words(raw, place, text, remedy):
    _, (finding,) = parse(raw.encode(), "a.yaml")
    assert (str(finding.place), finding.text) == (f"a.yaml:{place}", f"broken YAML: {text}")
    assert remedy in finding.remedy


@pytest.mark.parametrize("raw", ["a:\n\tb: 1\n", "a:\n\t- 1\n", "\ta: 1\n"])
def test_a_tab_that_indents_is_named(raw):
    _, (finding,) = parse(raw.encode(), "a.yaml")
    assert (finding.text, finding.remedy) == (
        "a tab where YAML requires spaces",
        "indent with spaces",
    )


def test_any_other_mistake_is_shown_in_the_words_of_the_parser():
    _, (finding,) = parse(b"a: &\n", "a.yaml")
    assert finding.text.startswith("broken YAML: while scanning an anchor, ")
