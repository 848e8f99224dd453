"""YAML is read into data and places; what cannot be read is a finding."""

import os
from datetime import date
from decimal import Decimal

import pytest
from trueup.config.documents import LARGEST_FILE, parse, read
from trueup.config.yaml_events import DEEPEST, MOST_NODES
from trueup.model.finding import Place


def data(text):
    documents, findings = parse(text.encode(), "a.yaml")
    assert findings == []
    return [document.data for document in documents]


def lines(raw):
    return [finding.line() for finding in parse(raw, "a.yaml")[1]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("~", None),
        ("null", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("007", "007"),
        ('"12"', "12"),
        ("1e5", "1e5"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1.50", Decimal("1.50")),
        ("-0.1", Decimal("-0.1")),
        (".5", ".5"),
        (".inf", ".inf"),
        ("2026-11-01", date(2026, 11, 1)),
        ('"2026-11-01"', "2026-11-01"),
        ("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"),
        ("!!str 12", "12"),
        ("9" * 40, "9" * 40),
    ],
)
def test_a_scalar_without_quotes_has_the_type_that_it_looks_like(text, value):
    [read_] = data(f"a: {text}")

    assert read_ == {"a": value}
    assert type(read_["a"]) is type(value)


def test_keys_are_always_text():
    assert data("on: 1\n2: x\ntrue: y\n~: z\n2026-11-01: d\n") == [
        {"on": 1, "2": "x", "true": "y", "~": "z", "2026-11-01": "d"}
    ]


def test_every_value_and_key_has_its_place():
    [document], _ = parse(b"a: 1\nb:\n  - x: on\n    y: {z: [p, q]}\n", "mappings/a.yaml")

    assert document.place("a") == Place("mappings/a.yaml", 1, 4)
    assert document.key_place("a") == Place("mappings/a.yaml", 1, 1)
    assert document.place("b", 0) == Place("mappings/a.yaml", 3, 5)
    assert document.key_place("b", 0, "y") == Place("mappings/a.yaml", 4, 5)
    assert document.place("b", 0, "y", "z", 1) == Place("mappings/a.yaml", 4, 16)


@pytest.mark.parametrize("hidden", ["\x85", "\u2028", "\u2029"])
def test_a_character_that_editors_do_not_take_for_the_end_of_a_line_moves_no_place(hidden):
    raw = f'a: "x{hidden}y"  # z\nb: [1, "{hidden}", 2]\nb: 3\n'
    (document,), (finding,) = parse(raw.encode(), "a.yaml")

    assert document.key_place("b") == Place("a.yaml", 2, 1)
    assert document.place("b", 2) == Place("a.yaml", 2, 13)
    assert str(finding.place) == "a.yaml:3:1"
    assert "the first is in line 2" in finding.text


def test_the_place_of_a_missing_value_is_that_of_the_nearest_value_around_it():
    [document], _ = parse(b"a:\n  b: 1\n", "a.yaml")

    assert document.place("a", "x", "y") == Place("a.yaml", 2, 3)
    assert document.place("z") == Place("a.yaml", 1, 1)


def test_columns_count_characters_without_the_byte_order_mark():
    [document], _ = parse("\ufeffä: {ö: 1, b: 2}\n".encode(), "a.yaml")

    assert document.data == {"ä": {"ö": 1, "b": 2}}
    assert document.key_place("ä", "b") == Place("a.yaml", 1, 11)


def test_a_file_may_hold_several_documents_each_with_its_own_places():
    documents, _ = parse(b"a: 1\n---\n\na: 2\n", "a.yaml")

    assert [(document.data, document.place("a").line) for document in documents] == [
        ({"a": 1}, 1),
        ({"a": 2}, 4),
    ]


def test_aliases_and_merged_keys_have_the_place_where_they_are_used():
    [document], findings = parse(
        b"base: &b {x: 1, y: 2}\nc:\n  <<: *b\n  y: 3\nd: [*b]\n", "a.yaml"
    )

    assert findings == []
    assert document.data == {
        "base": {"x": 1, "y": 2},
        "c": {"y": 3, "x": 1},
        "d": [{"x": 1, "y": 2}],
    }
    assert document.place("c", "x") == Place("a.yaml", 3, 7)
    assert document.place("d", 0, "x") == Place("a.yaml", 5, 5)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            b"a: 1\nb: 2\na: 3\n",
            "a.yaml:3:1: 'a' is given twice; the first is in line 1\n    → remove one of them",
        ),
        (
            b"a: {b: 1, b: {c: 2}}\n",
            "a.yaml:1:11: 'b' is given twice; the first is in line 1\n    → remove one of them",
        ),
        (b"a:\n\tb: 1\n", "a.yaml:2:1: a tab where YAML requires spaces\n    → indent with spaces"),
        (
            b"a: [1\n",
            (
                "a.yaml:1:4: broken YAML: this is not closed with `]`, or an item lacks its `,`\n"
                "    → put text that holds { } [ ] or `,` into quotes; close it with `]`"
            ),
        ),
        (
            b"a: b: c\n",
            (
                "a.yaml:1:5: broken YAML: a `:` where no key can be\n"
                "    → indent it like the keys beside it, end the key above with `:`, "
                "or put the text into quotes"
            ),
        ),
        (
            b"a: 1\nb: \xff\n",
            "a.yaml:2:4: not UTF-8 text from here on\n    → save the file as UTF-8",
        ),
        (
            "a: é".encode("utf-16"),
            "a.yaml:1:1: not UTF-8 text from here on\n    → save the file as UTF-8",
        ),
        (
            "é: \x07".encode(),
            (
                "a.yaml:1:4: broken YAML: control characters are not allowed\n    → remove the"
                " character"
            ),
        ),
        (b"a: *b\n", "a.yaml:1:4: there is no anchor &b"),
        (b"a: &a [*a]\n", "a.yaml:1:8: *a is inside its own anchor"),
        (b"? [a, 1]\n: 2\n", "a.yaml:1:3: a key must be text"),
        (
            b"a: {{ b.c }}\n",
            'a.yaml:1:5: a key must be text\n    → put an expression in quotes: "{{ … }}"',
        ),
        (b"a: &x [1]\n*x : 2\n", "a.yaml:2:1: a key must be text"),
        (b"a: 2026-02-30\n", "a.yaml:1:4: there is no day 2026-02-30"),
        (b"<<: 1\n", "a.yaml:1:5: << merges the keys of a mapping; this is not a mapping"),
        (
            b"a: !!python/object/apply:os.system [echo]\n",
            (
                "a.yaml:1:4: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not"
                " allowed\n"
                "    → write the value without a tag; quotes make it text"
            ),
        ),
        (b"[" * 100_000, f"a.yaml:1:{DEEPEST + 1}: nested deeper than {DEEPEST} levels"),
        (b"- " * 100_000, f"a.yaml:1:{2 * DEEPEST + 1}: nested deeper than {DEEPEST} levels"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_what_cannot_be_read_is_reported_with_its_place(raw, message):
    assert lines(raw) == [message]


def test_the_first_of_two_equal_keys_is_kept():
    [document], _ = parse(b"a: 1\na: {b: 2}\nc: 3\n", "a.yaml")

    assert document.data == {"a": 1, "c": 3}


def test_documents_before_an_error_are_kept():
    documents, findings = parse(b"a: 1\n---\nb: ]\n", "a.yaml")

    assert [document.data for document in documents] == [{"a": 1}]
    assert len(findings) == 1


def test_aliases_that_multiply_are_counted_and_never_expanded():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 12):
        bomb += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"

    assert lines(bomb.encode()) == [
        f"a.yaml:6:5: more than {MOST_NODES:,} values; aliases count as often as they are used"
    ]


def test_an_enormous_file_is_not_read(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"#" * (LARGEST_FILE + 1))

    assert [finding.text for finding in read(tmp_path / "a.yaml", "a.yaml")[1]] == [
        "larger than 2,000,000 bytes"
    ]


def test_a_missing_file_and_a_path_that_is_not_a_file_are_reported(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()

    for name, message in {
        "missing": "is missing",
        "folder": "is a folder, not a file",
        "pipe": "is not a regular file",
    }.items():
        assert [finding.line() for finding in read(tmp_path / name, name)[1]] == [
            f"{name}: {message}"
        ]


def test_a_file_without_read_permission_is_reported(tmp_path, monkeypatch):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)

    assert [finding.line() for finding in read(path, "a.yaml")[1]] == [
        "a.yaml: cannot be read: Permission denied"
    ]
