"""The layout of YAML files: settled at once, with the same data and the same comments."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trueup.config.documents import parse
from trueup.config.layout import formatted
from trueup.errors import ConfigError

from tests.support.paths import ROOT

FILES = [
    path for folder in ("mappings", "rules") for path in sorted((ROOT / folder).glob("*.yaml"))
]


def laid_out(text):
    return formatted(text.encode(), "a.yaml").decode()


def data(content):
    documents, findings = parse(content, "a.yaml")
    assert findings == []
    return [document.data for document in documents]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_the_shipped_files_have_the_layout(file):
    content = file.read_bytes()

    assert formatted(content, file.name) == content


UGLY = """\


# top
mapping:   customer\x20\x20
title: 'x'


    # customers
fields:
      a: {b:   1,c: [1,2 ,  3]}   # end
      # before the list
      l:
      - 1e5
      - 007
      - 2026-11-01
      - ~
      - "{{ source.name }}"
        # after the list

rules:
- rule:   a
  text: |
     one\x20\x20
       # no comment


     two

  n:
z: &x {q: 1.50}
y: *x
"""

FORMATTED = """\
# top
mapping: customer
title: 'x'

# customers
fields:
  a: {b: 1, c: [1, 2, 3]}         # end
  # before the list
  l:
    - 1e5
    - 007
    - 2026-11-01
    - ~
    - "{{ source.name }}"
    # after the list

rules:
  - rule: a
    text: |
      one\x20\x20
        # no comment


      two

    n:
z: &x {q: 1.50}
y: *x
"""


def test_a_file_gets_the_layout():
    assert laid_out(UGLY) == FORMATTED
    assert data(UGLY.encode()) == data(FORMATTED.encode())


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("\n\n", ""),
        ("# only\n\n\n\n# comments", "# only\n\n# comments\n"),
        ("a: 1", "a: 1\n"),
        ("a: 1\n---\nb: 2\n", "a: 1\n---\nb: 2\n"),
        ("a: >\n  folded\n  text\n", "a: >\n  folded\n  text\n"),
        ("a: yes\nb: No\nc: 0x1F\nd: 1_000\n", "a: yes\nb: No\nc: 0x1F\nd: 1_000\n"),
        ("a: {\n  b: 1,\n  c: 2\n}\n", "a: {b: 1, c: 2}\n"),
        ("größe: 'ä'   # ö\n", "größe: 'ä'   # ö\n"),
    ],
)
def test_values_stay_as_they_are_written(text, result):
    assert laid_out(text) == result
    assert laid_out(result) == result


def test_windows_line_ends_and_a_byte_order_mark_stay():
    content = b"\xef\xbb\xbfa:   1\r\n\r\n\r\nb: |\r\n  x\r\n  y\r\n"

    assert formatted(content, "a") == b"\xef\xbb\xbfa: 1\r\n\r\nb: |\r\n  x\r\n  y\r\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "broken YAML"),
        (b"a: 1\na: 2\n", "a.yaml:2:1: "),
        (b"a: !x 1\n", "the tag '!x' is not allowed"),
        (b"\xff\xfe", "not UTF-8 text"),
        (b"a: &x {b: 1}\n", "cannot be formatted without changing it"),
        (b"#" * 2_000_001, "larger than 2,000,000 bytes"),
        (b"[" * 60_000, "a.yaml:"),
    ],
)
def test_what_cannot_be_formatted_is_refused(content, message):
    with pytest.raises(ConfigError) as refused:
        formatted(content, "a.yaml")

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: {a:1}\n", "a.yaml:1:5: a:1 is a key without a value"),
        ("- x\n- {b: 2, 'c': [{d: 1,e:2 }]}\n", "a.yaml:2:22: e:2 is a key without a value"),
    ],
)
def test_a_colon_without_a_space_is_shown_in_place_of_a_key_without_a_value(text, place):
    with pytest.raises(ConfigError) as refused:
        laid_out(text)

    assert place in str(refused.value)
    assert "write a space after the colon" in str(refused.value)


@pytest.mark.parametrize(
    "text", ["a: {a:1: }\n", "a: {a:1: ~}\n", "a: {'a:1'}\n", "a: [12:30, x:y]\n", "a: {b}\n"]
)
def test_a_key_that_has_a_value_or_quotes_or_no_colon_is_meant(text):
    assert data(laid_out(text).encode()) == data(text.encode())


def messed_up(text, seed):
    """The text with other spaces, empty lines and comments; the data stays."""
    chance = random.Random(seed)
    lines = []
    for line in text.split("\n"):
        kind = chance.randrange(8)
        if kind == 0:
            lines.append(" " * chance.randrange(9))
        elif kind == 1:
            lines.append(" " * chance.randrange(9) + f"#{chance.choice(['', ' ', '!'])}{seed}")
        is_value = line.strip() and not line.rstrip().endswith(("|", ">"))
        lines.append(line + " " * chance.randrange(3) if is_value else line)
    return "\n".join(lines) + "\n" * chance.randrange(3)


@settings(max_examples=settings().max_examples)
@given(file=st.sampled_from(FILES), seed=st.integers(0, 10**6))
def test_formatting_keeps_data_and_comments_and_settles(file, seed):
    text = messed_up(file.read_text(encoding="utf-8"), seed)
    before, findings = parse(text.encode(), "a.yaml")
    if findings:
        return

    try:
        new = laid_out(text)
    except ConfigError:
        return

    assert data(new.encode()) == [document.data for document in before]
    assert laid_out(new) == new
    assert new.count(str(seed)) >= text.count(f"#{seed}")


keys = st.sampled_from(["a", "bc", "größe", "x y", "1", "no", "~"])
scalars = st.sampled_from(
    [
        "1",
        "1e5",
        "007",
        "-3.50",
        "yes",
        "~",
        "''",
        '"{{ a | b }}"',
        "2026-11-01",
        "a b",
        "'#'",
        "x#y",
    ]
)
comments = st.sampled_from(["", "", "", "  # c", "\n# d", "\n\n\n      # e", " #"])


def block(children, indent):
    """Block mappings and lists of these children, each with a comment."""
    return st.lists(st.tuples(keys, children, comments), min_size=1, max_size=4).map(
        lambda items: ("map", items, indent)
    ) | st.lists(st.tuples(children, comments), min_size=1, max_size=4).map(
        lambda items: ("list", items, indent)
    )


trees = st.recursive(
    scalars | st.just("") | st.just("{a: 1,b:   [x , y]}") | st.just("|\n{i}text\n{i}  # t\n"),
    lambda children: block(children, 0),
    max_leaves=12,
)


def written(tree, indent, step):
    """The text of a tree with an indentation of so many spaces a level."""
    if isinstance(tree, str):
        return f" {tree.replace('{i}', ' ' * (indent + step))}".rstrip(" ")
    kind, items, _ = tree
    space, text = " " * indent, ""
    for item in items:
        head = f"{item[0]}:" if kind == "map" else "-"
        inner = item[-2]
        below = written(inner, indent + step, step)
        text += f"\n{space}{head}{below}"
        if not below.endswith("\n"):
            text += item[-1]
    return text


@settings(max_examples=settings().max_examples * 2)
@given(tree=trees, step=st.integers(1, 5))
def test_any_file_is_formatted_without_loss_or_refused(tree, step):
    text = written(tree, 0, step)
    before, findings = parse(text.encode(), "a.yaml")
    if findings:
        return

    try:
        new = laid_out(text)
    except ConfigError:
        return

    assert data(new.encode()) == [document.data for document in before]
    assert laid_out(new) == new


def test_a_mapping_with_one_entry_in_a_list_keeps_its_braces():
    assert laid_out("rows: [{id: a}, {id: b}]\n") == "rows: [{id: a}, {id: b}]\n"


@pytest.mark.parametrize("text", ["vm\n", "12\n", "a: 1\n---\nplain text\n"])
def test_a_file_that_holds_no_keys_is_none_of_a_project(text):
    with pytest.raises(ConfigError, match="it holds one value, not keys"):
        formatted(text.encode(), "hostname")
