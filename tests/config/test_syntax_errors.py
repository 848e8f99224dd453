"""Broken YAML: the place of the mistake, what is wrong there and what to do."""

import pytest
import yaml
from trueup.config.documents import parse
from trueup.config.syntax_errors import syntax_error

INDENT = "this does not fit the lines above: it is indented differently, or follows a closing quote"
BLOCK = "the text that `|` or `>` begins is not on lines of its own"
OUTSIDE = "this stands outside of what came before it"
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
        ("a: &\n", "1:4", "`&` is followed by no name", "into quotes"),
        ("a: *\n", "1:4", "`*` is followed by no name", "into quotes"),
        ("a: !<x\n", "1:4", "`!` is followed by no type", "into quotes"),
        ("a: |x\n  b\n", "1:4", BLOCK, "begin it on the next line"),
        ("a: [\n", "2:1", "a value is missing inside of [ ] or { }", "close the bracket"),
        ("a: ]\n", "1:4", "a value cannot begin with this character", "into quotes"),
        ("%x: 1\n", "1:1", "a line begins with `%`", "into quotes"),
        ("a: [b:}\n", "1:5", "a `:` beside a bracket or a comma", "into quotes"),
        (
            "---\na: 1\n...\nb\n---\n",
            "4:1",
            "this stands outside of what came before it",
            "remove `---`",
        ),
        ("a: {b: 1\nc: 2\n", "1:4", NOT_CLOSED.format("}"), "close it with `}`"),
    ],
)
def test_a_mistake_is_named_at_its_place_in_plain_words(raw, place, text, remedy):
    _, (finding,) = parse(raw.encode(), "a.yaml")
    assert (str(finding.place), finding.text) == (f"a.yaml:{place}", f"broken YAML: {text}")
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ("a:\n\tb: 1\n", "2:1"),
        ("a:\n\t- 1\n", "2:1"),
        ("\ta: 1\n", "1:1"),
        ("a: b\n\tc: d\n", "2:1"),
        ("a:\n  b: c\n \td: e\n", "3:2"),
        ("a:\n  - b\n\t- c: d\n", "3:1"),
        ("a: |\n  \tb: c\n", "2:3"),
        ("a: |\n  b\n\tc: d\n", "3:1"),
        ("a: b\n \tc: d\n", "2:2"),
    ],
)
def test_a_tab_that_indents_is_named(raw, place):
    _, (finding,) = parse(raw.encode(), "a.yaml")
    assert (str(finding.place), finding.text, finding.remedy) == (
        f"a.yaml:{place}",
        "a tab where YAML requires spaces",
        "indent with spaces",
    )


@pytest.mark.parametrize(
    ("raw", "place", "text"),
    [
        ("a: 1\n b: |\n    \tc: d\n", "2:3", COLON),
        ("a: b: |\n    \t- c\n", "1:5", COLON),
        ("a: |\n  b\n  \tc: d\n e: f\n", "4:2", INDENT),
        ('a: "b\n\tc: d', "1:4", "this quote is not closed"),
        ("a: [1,\n\tb: c", "1:4", NOT_CLOSED.format("]")),
    ],
)
def test_a_tab_where_it_is_allowed_is_not_blamed(raw, place, text):
    _, (finding,) = parse(raw.encode(), "a.yaml")
    assert (str(finding.place), finding.text) == (f"a.yaml:{place}", f"broken YAML: {text}")


@pytest.mark.parametrize(
    ("raw", "place", "name"),
    [
        ("# foo\u2028bar\na: 1\n", "1:6", "U+2028"),
        ("a: 1 # foo\u2029 bar\nb: 2\n", "1:11", "U+2029"),
        ("a: 1\n# foo\x85bar\nb: 2\n", "2:6", "U+0085"),
    ],
)
def test_an_invisible_end_of_a_line_is_named_at_its_place(raw, place, name):
    _, (finding,) = parse(raw.encode(), "a.yaml")
    assert (str(finding.place), finding.text, finding.remedy) == (
        f"a.yaml:{place}",
        f"the character {name} ends the line for YAML",
        "remove it",
    )


def test_any_other_mistake_is_shown_in_the_words_of_the_parser():
    mark = yaml.Mark("", 3, 0, 3, "", 0)
    error = yaml.MarkedYAMLError("while doing", mark, "something new", mark)

    finding = syntax_error(error, "a: 1\n", "a.yaml")

    assert (str(finding.place), finding.text) == (
        "a.yaml:1:4",
        "broken YAML: while doing, something new",
    )
